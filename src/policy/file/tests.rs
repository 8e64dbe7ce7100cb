mod redact;

use std::path::Path;

use crate::policy::{Begin, CallFacts, Class, Level, Policy};
use crate::record::{Detail, Direction, Outcome};

fn parse(text: &str) -> Result<Policy, super::Mistake> {
    Policy::from_toml(Path::new("/etc/strict.toml"), text)
}

#[test]
fn everything_that_may_stand_in_it() {
    let policy = parse(ALL).unwrap();
    assert_eq!((policy.id(), policy.rules()), ("strict", 4));
    let mut facts = CallFacts {
        tool: Some("delete_file"),
        actor: Some("ada"),
        tenant: Some("acme"),
        direction: Some(Direction::ClientToServer),
        ..CallFacts::default()
    };
    let Begin::Decided(treatment) = policy.at_begin(&facts) else { panic!("it asks for no outcome") };
    assert_eq!((treatment.level, &*treatment.rule.name, treatment.rule.line), (Level::Arguments, "deletes", Some(2)));
    assert_eq!(
        treatment.class.map(|class| class.class),
        Some(Class { requires_verified_actor: true, ..Class::CRITICAL })
    );
    facts.read_only = Some(true);
    let Begin::AfterOutcome { most } = policy.at_begin(&facts) else { panic!("a rule asks for the outcome") };
    assert_eq!(most.level, Level::Full);
    assert_eq!(policy.at_end(&facts, &Outcome::of(Detail::Denied)).rule.line, Some(9));
    let sampled = policy.at_end(&facts, &Outcome::ok());
    assert_eq!((sampled.rule.name.to_string(), sampled.sample.map(|sample| sample.of())), ("rule-3".into(), Some(100)));
}

/// Comments, spacing, the order of keys and the name of the file are not what a policy says.
#[test]
fn the_digest_does_not_depend_on_how_it_is_written() {
    let one = "[[rule]]\nname = \"a\"\nmatch = { tool = \"a\", actor = \"b\" }\nlevel = \"full\"\n[class.x]\ndeadline = \"2s\"\n";
    let other = "# A comment\nname = 'other'\n\n[class.x]\ndeadline='2000ms'\nacknowledge = \"written\"\n[[rule]]\nlevel='full'   # why\n\
                 name='a'\n[rule.match]\nactor = \"b\"\ntool = \"a\"\n";
    assert_eq!(parse(one).unwrap().digest(), parse(other).unwrap().digest());
    assert_eq!(parse(other).unwrap().id(), "other");
    let changed = one.replace("2s", "3s");
    assert_ne!(parse(one).unwrap().digest(), parse(&changed).unwrap().digest());
}

/// Each names the file, the line, the column, the key, and what may stand there.
#[test]
fn mistakes_have_a_place_and_advice() {
    for (text, expected) in [
        (
            "nam = \"a\"",
            "1:1: unknown field `nam`, expected one of `name`, `rule`, `class`, `redact`; did you mean `name`?",
        ),
        (
            "[[rul]]",
            "1:3: unknown field `rul`, expected one of `name`, `rule`, `class`, `redact`; did you mean `rule`?",
        ),
        ("name = \"\"", "1:8: `name`: a policy has a name of 1 to 128 characters"),
        ("[[rule]]\nmatch = { tol = \"a\" }", "2:11: `match`: unknown field `tol`, expected one of `method`, `tool`, "),
        (
            "[[rule]]\nmatch = {}\nlevle = \"full\"",
            "3:1: unknown field `levle`, expected one of `name`, `match`, `level`, ",
        ),
        (
            "[[rule]]\nmatch = {}\nlevel = \"metdata\"",
            "3:9: `level`: unknown value, expected one of `none`, `metadata`, `arguments`, `full`; did you mean `metadata`?",
        ),
        (
            "[[rule]]\nmatch = {}\nlevel = \"everything\"",
            "3:9: `level`: unknown value, expected one of `none`, `metadata`, ",
        ),
        ("[[rule]]\nmatch = {}\nhalves = \"one\"", "3:10: `halves`: unknown value, expected `both` or `response`"),
        ("[[rule]]\nmatch = { direction = \"in\" }", "2:23: `match`: unknown value, expected `client_to_server` or "),
        (
            "[[rule]]\nmatch = {}\nsample = \"1:10\"",
            "3:10: `sample`: a sample is one of so many calls; write `1/100` for one",
        ),
        ("[[rule]]\nmatch = {}\nsample = \"1/1\"", "3:10: `sample`: a sample is one of so many calls"),
        ("[[rule]]\nmatch = {}\nsample = \"1/+5\"", "3:10: `sample`: a sample is one of so many calls"),
        ("[[rule]]\nmatch = { read_only = \"yes\" }", "2:23: `match`: invalid type: string, expected a boolean"),
        ("[[rule]]\nmatch = { é = 1, tool = \"*a\" }", "2:11: "),
        (
            "[[rule]]\nmatch = { actor = \"é\", tool = \"*a\" }",
            "2:31: `match`: a pattern of its `match` has a * that is not at its end",
        ),
        ("[[rule]]\n[rule.match]\ntool = \"\"", "3:8: `tool`: the pattern is empty, so it matches nothing"),
        ("[[rule]]\nmatch = { outcome = \"fail\" }", "2:21: `match`: unknown value, expected one of `success`, "),
        ("[[rule]]\nmatch = { outcome = \"denid\" }", "`task`; did you mean `denied`?"),
        (
            "[[rule]]\nmatch = {}\nclass = \"hgh\"\n[class.high]",
            "3:9: `class`: no class has that name; write a [class.NAME] for it, or use one of: [class.high]; did you mean `high`?",
        ),
        (
            "[[rule]]\nmatch = {}\nclass = \"a\"",
            "3:9: `class`: no class has that name; write a [class.NAME] for it, or use one of: there is none",
        ),
        ("[[rule]]\nname = \"x\"", "missing field `match`"),
        ("[class.x]\nacknowlege = \"synced\"", "2:1: unknown field `acknowlege`, "),
        (
            "[class.x]\nacknowledge = \"sync\"",
            "2:15: `acknowledge`: unknown value, expected one of `queued`, `written`, `synced`, `remote`; did you mean `synced`?",
        ),
        ("[class.x]\ndeadline = \"5\"", "2:12: `deadline`: it is not a number with a unit of ms, s, m or h"),
        (
            "[[rule]]\nmatch = { method = \"prompts/get\", tool = \"a\" }",
            "1:1: it can never match: calls with `tool` have the method tools/call, and `method` asks for another",
        ),
        (
            "[[rule]]\nname = \"all\"\nmatch = { tool = \"a*\" }\n\n[[rule]]\nmatch = { tool = \"ab\" }",
            "5:1: it can never match: the earlier rule `all` (line 1) matches everything that it would; put it before, or remove it",
        ),
        (
            "[[rule]]\nname = \"a\"\nmatch = { tool = \"a\" }\n[[rule]]\nname = \"a\"\nmatch = { tool = \"b\" }",
            "5:8: `name`: another rule has that name",
        ),
        (
            "[[rule]]\nmatch = { read_only = false }\nsample = \"1/10\"",
            "3:10: `sample`: it has no effect: a sample leaves out only",
        ),
        (
            "[[rule]]\nmatch = { outcome = \"denied\" }\nlevel = \"none\"",
            "3:9: `level`: `none` has no effect: without a method, ",
        ),
        ("[[rule]\nmatch = {}", "1:8: "),
        ("[[rule]]\nmatch = { tool = \"a\" ", "2:"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        let rest = error.strip_prefix("/etc/strict.toml:").unwrap_or_else(|| panic!("{error}"));
        let is_there = if expected.starts_with(|first: char| first.is_ascii_digit()) {
            rest.starts_with(expected)
        } else {
            rest.contains(expected)
        };
        assert!(is_there, "{text:?}\n  gives {rest}\n  not   {expected}");
    }
}

/// Somebody may write a secret in the wrong place.
#[test]
fn no_error_repeats_a_value() {
    let mut seen = 0;
    for (at, line) in ALL.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else { continue };
        assert!(super::KEYS.contains(&key), "{key} is not among those that are shown");
        for value in [
            "\"sk-hunter2*x\"",
            "hunter2",
            "[\"hunter2\"]",
            "{ hunter = \"hunter2\" }",
            "\"\"\"\nhunter2 = 1\n\"\"\"",
            "\"hunter2",
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
    assert!(seen > 50, "{seen}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = Policy::from_file(Path::new("/no/such/policy.toml")).unwrap_err().to_string();
    assert!(missing.starts_with("/no/such/policy.toml: No such file"), "{missing}");
    let directory = Policy::from_file(Path::new("/")).unwrap_err().to_string();
    assert!(directory.contains("it is not a regular file but a directory, pipe or device"), "{directory}");
}

const ALL: &str = r#"
[[rule]]
name = "deletes"
match = { tool = "delete_*", read_only = false, destructive = true, actor = "a*", tenant = "acme", direction = "client_to_server" }
level = "arguments"
halves = "both"
class = "critical"

[[rule]]
match = { outcome = "denied" }
level = "full"

[[rule]]
match = { tool = "*", idempotent = false, open_world = true }
sample = "1/100"
[[rule]]
[rule.match]
method = "resources/*"
resource = "file:///etc/*"

[class.critical]
acknowledge = "synced"
when_full = "refuse"
deadline = "5s"
requires_verified_actor = true
"#;
