use std::path::Path;
use std::time::Duration;

use auditrail::config::Environment;
use auditrail::policy::file::FileDuration;
use auditrail::policy::{Begin, CallFacts, Halves, Level, WhenFull};

use super::*;

fn parse(text: &str) -> Result<ConfigFile, FileError> {
    ConfigFile::parse(Path::new("/etc/auditrail.toml"), text)
}

#[test]
fn everything_that_may_stand_in_it() {
    let file = parse(ALL).unwrap();
    assert_eq!(file.service_name.as_deref(), Some("files"));
    assert_eq!(file.listener.len(), 2);
    assert_eq!((file.listener[0].host, file.listener[1].host), (HostName::Upstream, HostName::Client));
    assert_eq!(file.listener[0].drain, Some(FileDuration(Duration::from_secs(5))));
    assert!(file.trace.inject && !ConfigFile::default().trace.inject);
    assert_eq!(file.http.record, HttpRecordName::All);
    assert_eq!(file.http.exclude, ["/health", "/metrics*"].map(|route| PathPattern(route.into())));
    assert_eq!(ConfigFile::default().http.record, HttpRecordName::Failures);
    assert_eq!(file.identity.trusted, [Network("10.0.0.0/8".parse().unwrap())]);
    assert_eq!((file.target.len(), file.targets().is_empty()), (4, false));
    assert_eq!((file.denied.len(), file.denials().is_empty()), (1, false));
    let again = parse(&file.shown()).unwrap();
    assert_eq!(again.shown(), file.shown(), "what is shown is a configuration file");
}

/// As before there were policies: by method and tool, and nothing but a class.
#[test]
fn the_first_rule_that_matches_decides() {
    let file = parse(ALL).unwrap();
    let class = |method, tool| {
        let mut facts = CallFacts::default();
        (facts.method, facts.tool) = (Some(method), tool);
        let Begin::Decided(treatment) = file.policy().at_begin(&facts) else { panic!("{facts:?}") };
        assert_eq!((treatment.level, treatment.halves, treatment.sample), (Level::Metadata, Halves::Both, None));
        treatment.class.map(|class| class.class.when_full)
    };
    assert_eq!(class("tools/call", Some("delete_safely")), Some(WhenFull::Shed));
    assert_eq!(class("tools/call", Some("delete_file")), Some(WhenFull::Refuse));
    assert_eq!(class("tools/call", Some("read_file")), None);
    assert_eq!(class("resources/read", None), Some(WhenFull::Refuse));
    assert_eq!(class("tools/call", None), None);
    assert_eq!(class("ping", None), None);
}

/// The tables of a policy may stand in a file of their own, and mean the same there.
#[test]
fn a_policy_may_have_a_file_of_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("strict.toml");
    let tables =
        "[[rule]]\nmatch = { tool = \"delete_*\" }\nclass = \"critical\"\n[class.critical]\nwhen_full = \"refuse\"\n";
    std::fs::write(&path, tables).unwrap();
    let inside = parse(tables).unwrap();
    let outside = parse(&format!("policy = {path:?}")).unwrap();
    assert_eq!(inside.policy().digest(), outside.policy().digest());
    assert_eq!((inside.policy().id(), outside.policy().id()), ("proxy", "strict"));
    assert_ne!(inside.policy().digest(), ConfigFile::default().policy().digest());

    let both = parse(&format!("policy = {path:?}\n{tables}")).unwrap_err().to_string();
    assert!(
        both.starts_with("/etc/auditrail.toml:1:10: `policy`: the policy is in a file of its own, and in this one"),
        "{both}"
    );
    std::fs::write(&path, "\n[[rule]]\nmatch = { tol = \"a\" }").unwrap();
    let wrong = parse(&format!("policy = {path:?}")).unwrap_err().to_string();
    assert!(wrong.starts_with(&format!("{}:3:11: `match`: unknown field `tol`", path.display())), "{wrong}");
    assert!(wrong.ends_with("; did you mean `tool`?"), "{wrong}");
}

#[test]
fn the_environment_wins() {
    let file = parse(ALL).unwrap();
    let mut environment = Environment::from_iter([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://mine:4317")]);
    file.complete(&mut environment);
    assert_eq!(environment.text("OTEL_EXPORTER_OTLP_ENDPOINT"), Ok(Some("http://mine:4317")));
    assert_eq!(environment.text("AUDITRAIL_DIR"), Ok(Some("/var/lib/files")));
    assert_eq!(environment.text("AUDITRAIL_FLUSH_TIMEOUT"), Ok(Some("800")));
    assert_eq!(environment.text("AUDITRAIL_QUARANTINE_MAX_BYTES"), Ok(Some("2097152")));
    assert_eq!(environment.text("AUDITRAIL_QUARANTINE_WHEN_FULL"), Ok(Some("refuse")));
}

/// Each names the file, the line, the key, and what may stand there.
#[test]
fn mistakes_stop_the_start() {
    for (text, expected) in [
        (
            "[journal]\nquarantine_when_full = \"wait\"",
            ":2: `quarantine_when_full`: unknown value, expected `shed` or `refuse`",
        ),
        (
            "[journal]\nquarantine_max_bytes = \"1 GiB\"",
            ":2: `quarantine_max_bytes`: invalid type: string, expected u64",
        ),
        ("\nservice = 1", "/etc/auditrail.toml:2: unknown field `service`, expected one of `service_name`"),
        (
            "[class.x]\nacknowledge = \"fast\"",
            ":2: `acknowledge`: unknown value, expected one of `queued`, `written`, `synced`, `remote`",
        ),
        (
            "[class.x]\n\nwhen_full = \"panic\"",
            ":3: `when_full`: unknown value, expected one of `refuse`, `shed`, `wait`",
        ),
        ("[class.x]\nfsync = true", "unknown field `fsync`, expected one of `acknowledge`, `when_full`, `deadline`"),
        ("[class.x]\ndeadline = \"5\"", ":2: `deadline`: it is not a number with a unit of ms, s, m or h"),
        (
            "[[rule]]\nmatch = { tool = \"a\" }\nclass = \"y\"\n[class.x]",
            ":3: `class`: no class has that name; write a [class.NAME] for it, or use one of: [class.x]; did you mean `x`?",
        ),
        ("[[target]]\ntype = \"x\"", ":1: a [[target]] has exactly one of `tool`, `prompt`, `resource` and `route`"),
        ("[[target]]\ntool = \"a\"\nroute = \"/b\"\ntype = \"x\"", ":1: a [[target]] has exactly one of"),
        (
            "[[target]]\ntool = \"a\"\ntype = \"x\"\n\n[[target]]\nroute = \"b\"\ntype = \"x\"",
            ":5: a route begins with `/`",
        ),
        (
            "[[target]]\ntool = \"a*\"\ntype = \"x\"\n[[target]]\ntool = \"ab\"\ntype = \"x\"",
            ":4: an earlier rule matches everything",
        ),
        ("[[target]]\ntool = \"a\"\nargument = \"b\"", ":3: unknown field `argument`, expected one of `tool`"),
        (
            "[[target]]\nroute = \"/a\"\nmethods = \"GET\"\ntype = \"x\"",
            ":3: `methods`: invalid type: string, expected a sequence",
        ),
        ("[[rule]]\nmatch = { tool = \"*a\" }\nclass = \"x\"\n[class.x]", "has a * that is not at its end"),
        (
            "[[rule]]\nmatch = { tools = \"a\" }\nclass = \"x\"",
            ":2: `match`: unknown field `tools`, expected one of `method`, `tool`, ",
        ),
        ("[[rule]]\nclass = \"x\"", "missing field `match`"),
        ("[[listener]]\nlisten = \"8080\"", ":2: `listen`: it is a port alone; write :8080 for this machine"),
        (
            "[[listener]]\nlisten = \":99999\"",
            ":2: `listen`: its port is not a number from 0 to 65535; write 127.0.0.1:8080",
        ),
        ("[[listener]]\nlisten = \":1\"\nhealth = \"mcp.example:1\"", ":3: `health`: the part before"),
        ("[[listener]]\nlisten = \"127.0.0.1:8080\"", "needs `upstream = \"http://HOST:PORT\"` or `forward = true`"),
        (
            "[[listener]]\nlisten = \":1\"\nhost = \"mcp.example\"",
            ":3: `host`: unknown value, expected `client` or `upstream`",
        ),
        ("[[listener]]\nlisten = \"127.0.0.1:1\"\nforward = true\nupstream = \"http://a\"", "not both"),
        ("[[listener]]\nlisten = \"127.0.0.1:1\"\nforward = true\ntls_key = \"k\"", "belong together"),
        (
            "[[listener]]\nlisten = \":1\"\nforward = true\nclient_ca = \"/c.pem\"",
            ":2: `listen`: client_ca needs tls_certificate and tls_key",
        ),
        (
            "[[listener]]\nlisten = \":1\"\nforward = true\nclient_certificate = \"optional\"",
            "client_certificate, client_name and client_type need client_ca",
        ),
        (
            "[[listener]]\nlisten = \":1\"\nclient_certificate = \"maybe\"",
            ":3: `client_certificate`: unknown value, expected `required` or `optional`",
        ),
        (
            "[[listener]]\nlisten = \":1\"\nclient_name = \"serial\"",
            ":3: `client_name`: unknown value, expected one of `subject`, `cn`, `uri`, `email`, `dns`",
        ),
        ("[identity]\ntrusted = [\n  \"10.0.0.1\"\n]", ":2: `trusted`: it is not a network; write one such as"),
        ("[identity]\nheaders = { user = \"a b\" }", "it is not the name of a header"),
        ("[identity]\naddress = \"via\"", "expected `x-forwarded-for` or `forwarded`"),
        (
            "[[identity.jwt]]\nissuer = \"https://a\"",
            ":2: `issuer`: audience is not set: a token for another server would be accepted; name what the issuer writes",
        ),
        (
            "[[identity.jwt]]\naudience = [\"a\"]\nissuer = \"http://a.example\"",
            ":3: `issuer`: issuer=\"(not shown)\" cannot be used: its metadata cannot be found there: http:// is only for this",
        ),
        (
            "[[identity.jwt]]\nissuer = \"a\"\naudience = [\"a\"]\njwks_url = \"https://a\"\njwks_file = \"b\"",
            ":2: `issuer`: the keys of an issuer are at jwks_url or in jwks_file, not both",
        ),
        (
            "[[identity.jwt]]\nissuer = \"https://a\"\naudience = [\"a\"]\nalgorithms = [\"HS256\"]",
            ":4: `algorithms`: unknown value, expected one of `RS256`, ",
        ),
        (
            "[[identity.jwt]]\nissuer = \"https://a\"\naudience = [\"a\"]\n[[identity.jwt]]\nissuer = \"https://a\"\naudience = [\"b\"]",
            ":5: `issuer`: this issuer is there twice",
        ),
        ("[identity.kubernetes]\naudience = \"\"", ":2: `audience`: audience is not set"),
        (
            "[identity.kubernetes]\naudience = \"a\"\napi_server = \"10.0.0.1\"",
            ":2: `audience`: api_server=\"(not shown)\" cannot be used: ",
        ),
        ("[trace]\ninject = 1", ":2: `inject`: invalid type: integer, expected a boolean"),
        ("[trace]\nsample = true", ":2: `sample`: unknown field `sample`, expected `export` or `inject`"),
        ("[http]\nrecord = \"errors\"", ":2: `record`: unknown value, expected one of `failures`, `all`, `none`"),
        ("[http]\nexclude = [\"health\"]", "it is not a path; write one such as /health, or its beginning and a *"),
        ("[http]\nexclude = [\"/a*b\"]", "it is not a path"),
        ("[http]\nexclude = [\"/a?b=1\"]", "it is not a path"),
        ("[identity.headers]\nroles = \"x\"", "missing field `user`"),
        ("[[denied]]\ntext = \"denied\"", "missing field `name`"),
        ("[[denied]]\nname = \"a\"\ntool = \"b\"", ":2: `name`: it has neither a code nor a text"),
        ("[[denied]]\nname = \"a\"\ntext = \"*\"", ":2: `name`: its text needs a part of at least 3 characters"),
        ("[[denied]]\nname = \"a\"\ncode = 1\ntool = \"*x\"", ":2: `name`: the pattern of its tool or method has a *"),
        ("[[denied]]\nname = \"a\"\ncode = \"1\"", ":3: `code`: invalid type: string, expected i64"),
        (
            "[[denied]]\nname = \"a\"\ncode = 1\n[[denied]]\nname = \"a\"\ncode = 2",
            ":5: `name`: another rule has that name",
        ),
        ("[[denied]]\nname = \"a\"\ncode = 1\nstatus = 403", "unknown field `status`, expected one of `name`, `code`"),
        ("service_name = ", ":1: `service_name`: "),
    ] {
        let error = without_column(&parse(text).unwrap_err().to_string());
        assert!(error.contains(expected), "{text:?}\n  gives {error}\n  not   {expected}");
    }
    let error = ConfigFile::read(Path::new("/no/such/file.toml")).unwrap_err().to_string();
    assert!(error.starts_with("/no/such/file.toml: No such file"), "{error}");
}

/// Columns are compared with the tables of policies.
fn without_column(error: &str) -> String {
    let mut parts = error.splitn(4, ':');
    let [path, line, _, rest] = [(); 4].map(|()| parts.next().unwrap());
    format!("{path}:{line}:{rest}")
}

/// Every key of [`ALL`], each with a secret in the place of its value, of whatever kind and however written.
#[test]
fn no_error_repeats_a_value() {
    let mut seen = 0;
    for (at, line) in ALL.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else { continue };
        let is_known = error::KEYS.contains(&key) || auditrail::policy::file::KEYS.contains(&key);
        assert!(is_known, "{key} is not among those that are shown");
        for value in [
            "\"sk-hunter2\"",
            "'hunter2, expected x'",
            "hunter2",
            "\"https:u:hunter2@h\"",
            "[\"hunter2\"]",
            "[[\"hunter2\"]]",
            "{ token = \"hunter2\" }",
            "{ hunter = 1, user = 5 }",
            "\"\"\"\nhunter2 = 1\n\"\"\"",
            "\"hunter2",
            "hunter2==",
        ] {
            let changed =
                |(other, line): (usize, &str)| if other == at { format!("{key} = {value}") } else { line.into() };
            let text = ALL.lines().enumerate().map(changed).collect::<Vec<_>>().join("\n");
            if let Err(error) = parse(&text) {
                seen += 1;
                assert!(!format!("{error} {error:?}").contains("hunter2"), "{key} = {value}: {error}");
            }
        }
    }
    assert!(seen > 300, "{seen}");
    for text in ["token = \"hunter2\"", "[otlp]\nheaders = \"authorization=hunter2\"", "aHVudGVyMg==", "\"hunter2"] {
        assert!(!parse(text).unwrap_err().to_string().contains("hunter2"));
        assert!(!parse(text).unwrap_err().to_string().contains("aHVudGVyMg"));
    }
}

/// Opening a pipe that nobody writes to would wait for ever.
#[test]
fn a_file_is_a_regular_one() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    for path in [&pipe, Path::new("/dev/zero"), directory.path()] {
        let error = ConfigFile::read(path).unwrap_err().to_string();
        assert!(error.contains("it is not a regular file but a directory, pipe or device"), "{error}");
    }
}

const ALL: &str = r#"
service_name = "files"

[journal]
directory = "/var/lib/files"
max_bytes = 1048576
flush_timeout = "800ms"
quarantine_max_bytes = 2097152
quarantine_when_full = "refuse"

[otlp]
endpoint = "http://collector:4317"
protocol = "grpc"

[identity]
environment = { user = "USER", name = "NAME", tenant = "TENANT" }
headers = { user = "x-user", roles = "x-groups", tenant = "x-tenant", authenticated = true }
trusted = ["10.0.0.0/8"]
address = "forwarded"
token_variable = "MCP_TOKEN"

[[identity.jwt]]
issuer = "https://login.example"
audience = ["https://mcp.example/mcp"]
jwks_url = "https://login.example/keys"
algorithms = ["RS256", "EdDSA"]
types = ["at+jwt"]
leeway = "30s"
ca = "/ca.pem"
timeout = "5s"
refresh = "5m"
cool_down = "20s"
stale = "12h"
claims = { id = "email", name = ["name"], roles = ["groups"], tenant = ["tid"], client_id = ["azp"], agent_id = ["a"], agent_name = ["b"] }

[[identity.jwt]]
issuer = "staff"
audience = ["mcp"]
jwks_file = "/etc/keys.json"

[identity.kubernetes]
audience = "mcp"
api_server = "https://10.0.0.1"
directory = "/var/run/secrets/sa"
issuer = "https://kubernetes.default.svc"
token_reviews = true
timeout = "5s"
refresh = "5m"

[trace]
inject = true

[stdio]
held_bytes = 65536

[record]
tool_definitions = true

[http]
record = "all"
exclude = ["/health", "/metrics*"]
connections = 100

[bounds]
garbage_per_message = 5
garbage_per_second = 50
repeated_per_byte = 8
held_bytes = 1048576
sessions = 100
open_calls = 1000

[[listener]]
listen = "127.0.0.1:8080"
upstream = "https://127.0.0.1:3000/base"
host = "upstream"
hosts = ["mcp.example.org"]
forwarded = true
tls_certificate = "/c.pem"
tls_key = "/k.pem"
client_ca = "/clients.pem"
client_certificate = "optional"
client_name = "uri"
client_type = "service"
upstream_ca = "/ca.pem"
upstream_certificate = "/uc.pem"
upstream_key = "/uk.pem"
health = "127.0.0.1:8081"
drain = "5s"
connect_timeout = "1s"
held_bytes = 1024

[[listener]]
listen = "[::1]:8080"
forward = true

[[rule]]
match = { method = "tools/call", tool = "delete_safely" }
class = "light"

[[rule]]
match = { tool = "delete_*" }
class = "critical"

[[rule]]
match = { method = "resources/*" }
class = "critical"

[[target]]
tool = "close_*"
type = "ticket"
actions = ["tickets:update"]

[[target]]
route = "/cities/{city}"
methods = ["GET"]
type = "city"
id = "{city}"
actions = ["READ"]

[[target]]
resource = "weather://cities/{city}"
type = "city"

[[target]]
prompt = "report"
actions = ["READ"]
[[denied]]
name = "github"
code = -32003
text = "resource not accessible by"
tool = "create_*"
method = "tools/call"
reason = "the token lacks a permission"

[class.light]

[class.critical]
acknowledge = "synced"
when_full = "refuse"
deadline = "2s"
"#;
