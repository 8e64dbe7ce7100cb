//! The command line: `auditrail proxy` as a process.

use std::net::SocketAddr;
use std::process::Stdio;

use auditrail::record::names;
use auditrail::serve::Receiver;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};

use crate::message::Messages;
use crate::rig::{Client, Server, call, here, ok, post, result, within};
use crate::support::ending;

/// A process. It is killed if it is left.
pub(crate) struct Running {
    process: Child,
    said: Lines<BufReader<ChildStderr>>,
    receiver: Receiver,
    _directory: TempDir,
}

impl Running {
    pub(crate) async fn new(arguments: &[&str]) -> Self {
        Self::configured(arguments, "").await
    }

    pub(crate) async fn configured(arguments: &[&str], configuration: &str) -> Self {
        Self::started(Command::new(env!("CARGO_BIN_EXE_auditrail")), arguments, configuration).await
    }

    /// With a limit of descriptors that it cannot raise.
    pub(crate) async fn limited(descriptors: u32, arguments: &[&str], configuration: &str) -> Self {
        let mut shell = Command::new("sh");
        let limit = format!("ulimit -n {descriptors} && exec \"$@\"");
        shell.args(["-c", &limit, "sh", env!("CARGO_BIN_EXE_auditrail")]);
        Self::started(shell, arguments, configuration).await
    }

    async fn started(mut command: Command, arguments: &[&str], configuration: &str) -> Self {
        let (receiver, directory) = (Receiver::builder().start().await.unwrap(), tempfile::tempdir().unwrap());
        let file = directory.path().join("auditrail.toml");
        std::fs::write(&file, configuration).unwrap();
        for (name, _) in std::env::vars() {
            if name.starts_with("OTEL_") || name.starts_with("AUDITRAIL_") {
                command.env_remove(name);
            }
        }
        command.arg("proxy").args(arguments).arg("--config").arg(&file);
        command.env("AUDITRAIL_DIR", directory.path().join("state")).env("AUDITRAIL_FLUSH_TIMEOUT", "100000");
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap());
        let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let said = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, said, receiver, _directory: directory }
    }

    /// The next address that it tells of in that way.
    pub(crate) async fn told(&mut self, how: &str) -> SocketAddr {
        loop {
            let line = within(self.said.next_line()).await.unwrap().expect("it ended");
            if let Some(address) = line.strip_prefix(&format!("auditrail: {how} ")) {
                return address.parse().unwrap();
            }
        }
    }

    /// All that it says until it ends.
    pub(crate) async fn all_said(&mut self) -> String {
        let mut said = String::new();
        while let Some(line) = within(self.said.next_line()).await.unwrap() {
            said += &line;
            said.push('\n');
        }
        said
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.id().unwrap().to_string();
        assert!(
            std::process::Command::new("sh")
                .args(["-c", "kill \"$@\"", "kill", "-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Told to end, and ended: what its collector got.
    pub(crate) async fn stopped(mut self) -> Receiver {
        self.signal("TERM");
        let status = within(self.process.wait()).await.unwrap();
        assert!(status.success(), "{status}");
        self.receiver
    }

    /// Its exit code, and the endings of what it recorded.
    async fn ended(mut self) -> (Option<i32>, Vec<(String, String)>) {
        let status = within(self.process.wait()).await.unwrap();
        let records = self.receiver.records();
        let records = records.iter().map(|got| auditrail::record::Record::decode(&got.bytes).unwrap());
        let records = records.filter(|record| record.text(names::MCP_METHOD_NAME) == Some("tools/call"));
        let mut endings: Vec<_> =
            records.map(|record| (ending(&record).0.to_owned(), ending(&record).2.to_owned())).collect();
        endings.sort();
        (status.code(), endings)
    }
}

pub(crate) const LISTENS: &str = "listens on";

fn pairs(count: usize) -> Vec<(String, String)> {
    let half = |phase: &str, detail: &str| vec![(phase.to_owned(), detail.to_owned()); count];
    [half("request", ""), half("response", "ok")].concat()
}

async fn echo() -> Server {
    Server::answering(|_| ok("application/json", &result(1))).await
}

#[tokio::test]
async fn a_server_behind_arguments() {
    let server = echo().await;
    let upstream = format!("http://{}", server.address);
    let mut running = Running::new(&["--listen", "127.0.0.1:0", "--upstream", &upstream]).await;
    let mut client = Client::to(running.told(LISTENS).await).await;
    assert_eq!(client.post(&call(1, "echo")).await.text(), result(1));
    assert_eq!(server.last().text(), call(1, "echo"));
    running.signal("TERM");
    assert_eq!(running.ended().await, (Some(0), pairs(1)));
}

#[tokio::test]
async fn servers_that_clients_name() {
    let server = echo().await;
    let mut running = Running::new(&["--listen", "127.0.0.1:0", "--forward"]).await;
    let mut client = Client::to(running.told(LISTENS).await).await;
    let request = String::from_utf8(post(&call(1, "echo"))).unwrap();
    let request = request.replace("POST /mcp ", &format!("POST http://{}/mcp ", server.address));
    assert_eq!(client.ask(request).await.text(), result(1));
    assert_eq!(server.last().first_line(), "POST /mcp HTTP/1.1");
    running.signal("INT");
    assert_eq!(running.ended().await, (Some(0), pairs(1)));
}

#[tokio::test]
async fn two_listeners_of_a_file_and_a_drain() {
    let (server, slow) = (echo().await, TcpListener::bind(here()).await.unwrap());
    let configuration = format!(
        "[[listener]]\nlisten = \"127.0.0.1:0\"\nupstream = \"http://{}\"\n\
         [[listener]]\nlisten = \"127.0.0.1:0\"\nupstream = \"http://{}\"\nhealth = \"127.0.0.1:0\"\ndrain = \"60s\"\n",
        server.address,
        slow.local_addr().unwrap()
    );
    let mut running = Running::configured(&[], &configuration).await;
    let (fast, second) = (running.told(LISTENS).await, running.told(LISTENS).await);
    let health = running.told("answers /livez and /readyz on").await;
    let status = async |path: &str| {
        Client::to(health).await.ask(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await.status()
    };
    assert_eq!((status("/livez").await, status("/readyz").await), (200, 200));
    assert_eq!(Client::to(fast).await.post(&call(1, "echo")).await.text(), result(1));
    let (mut client, mut idle) = (Client::to(second).await, Client::to(second).await);
    client.send(post(&call(2, "slow"))).await;
    let mut stream = within(slow.accept()).await.unwrap().0;
    within(Messages::new(&mut stream).request()).await.unwrap();

    running.signal("TERM");
    // The end of an idle connection tells that the drain has begun.
    within(async { while idle.messages.more().await {} }).await;
    assert_eq!((status("/livez").await, status("/readyz").await), (200, 503));
    stream.write_all(&ok("application/json", &result(2))).await.unwrap();
    assert_eq!(client.response("POST").await.text(), result(2), "what was begun is finished");
    assert_eq!(running.ended().await, (Some(0), pairs(2)));
}

/// Where it listens is written as people write it, and reached there only.
#[tokio::test]
async fn addresses_are_of_this_machine_unless_others_are_written_out() {
    let server = echo().await;
    let upstream = format!("http://{}/base", server.address);
    for listen in [":0", "localhost:0", "127.0.0.1:0"] {
        let mut running = Running::new(&["--listen", listen, "--upstream", &upstream]).await;
        let address = running.told(LISTENS).await;
        assert_eq!(address.ip().to_string(), "127.0.0.1", "{listen}");
        assert_eq!(Client::to(address).await.post(&call(1, "echo")).await.text(), result(1));
        assert_eq!(server.last().first_line(), "POST /base/mcp HTTP/1.1");
    }
    let configuration = format!("[[listener]]\nlisten = \":0\"\nupstream = \"{upstream}\"\nhealth = \"localhost:0\"\n");
    let mut running = Running::configured(&[], &configuration).await;
    assert_eq!(running.told(LISTENS).await.ip().to_string(), "127.0.0.1");
    assert_eq!(running.told("answers /livez and /readyz on").await.ip().to_string(), "127.0.0.1");
}

/// What it says, and its exit code.
async fn refused(arguments: &[&str], configuration: &str) -> (String, Option<i32>) {
    let mut running = Running::configured(arguments, configuration).await;
    let said = running.all_said().await;
    (said, within(running.process.wait()).await.unwrap().code())
}

#[tokio::test]
async fn what_is_written_wrongly_is_refused_with_what_would_be_right() {
    let up = ["--upstream", "http://127.0.0.1:9"];
    let form = "write 127.0.0.1:8080, localhost:8080, [::1]:8080, or :8080";
    for (arguments, expected) in [
        ([&["--listen", "127.0.0.1:99999"][..], &up].concat(), ["its port is not a number from 0 to 65535", form]),
        ([&["--listen", "8080"][..], &up].concat(), ["it is a port alone", "write :8080"]),
        ([&["--listen", "mcp.example:80"][..], &up].concat(), ["is not an IP address", form]),
        (
            vec!["--listen", ":0", "--upstream", "127.0.0.1:9"],
            ["upstream: \"(not shown)\"", "write it as http://HOST:PORT"],
        ),
        (
            vec!["--listen", ":0", "--upstream", "ftp://a"],
            ["its scheme is neither http nor https", "https://HOST/PATH"],
        ),
        (vec!["--listen", ":0"], ["--listen needs --upstream URL, or --forward", ""]),
        ([&["--listen", ":0", "--hosts", "a"][..], &up].concat(), ["--host <WHOSE>", ""]),
        ([&["--listen", ":0", "--host", "mine"][..], &up].concat(), ["[possible values: client, upstream]", ""]),
        (
            [&["--listen", ":0", "--upstream-ca", "/no/such.pem"][..], &up].concat(),
            ["it is not https://", "upstream_ca"],
        ),
        (
            vec!["--listen", ":0", "--upstream", "https://a", "--upstream-ca", "/no/such.pem"],
            ["/no/such.pem: ", "name a readable PEM file"],
        ),
    ] {
        let (said, code) = refused(&arguments, "").await;
        assert!(expected.iter().all(|expected| said.contains(expected)), "{arguments:?}: {said}");
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
    }
    for (listener, expected) in [
        ("listen = \"127.0.0.1:99999\"", "auditrail.toml:2:10: `listen`: its port is not a number"),
        ("listen = \"8080\"", "it is a port alone; write :8080"),
    ] {
        let (said, code) = refused(&[], &format!("[[listener]]\n{listener}\nupstream = \"http://a\"\n")).await;
        assert!(said.contains(expected) && code == Some(2), "{said}");
    }
}

/// All of it by arguments: the certificate of the server, its name, and what it is told.
#[tokio::test]
async fn a_server_elsewhere_behind_arguments() {
    let server = crate::versions::secure_server_of_anybody().await;
    let (upstream, ca) =
        (format!("https://localhost:{}/base", server.address.port()), crate::versions::file("ours-ca.pem"));
    let mut arguments = vec!["--listen", ":0", "--upstream", &upstream, "--upstream-ca", ca.to_str().unwrap()];
    arguments.extend(["--host", "upstream", "--hosts", "mcp.example", "--forwarded"]);
    let mut running = Running::new(&arguments).await;
    let address = running.told(LISTENS).await;
    assert_eq!(Client::to(address).await.post(&call(1, "echo")).await.text(), result(1));
    let seen = server.last();
    assert_eq!(seen.first_line(), "POST /base/mcp HTTP/1.1");
    assert_eq!(seen.field("host"), Some(format!("localhost:{}", server.address.port()).as_str()));
    assert_eq!((seen.field("x-forwarded-host"), seen.field("x-forwarded-proto")), (Some("mcp.example"), Some("http")));
    let foreign = String::from_utf8(post(&call(2, "echo"))).unwrap().replace("mcp.example", "evil.example");
    assert_eq!(Client::to(address).await.ask(foreign).await.status(), 403);
    running.signal("TERM");
    let (code, endings) = running.ended().await;
    let half = |phase: &str, detail: &str| (phase.to_owned(), detail.to_owned());
    let decision = half("", "denied");
    let expected =
        [decision, half("request", ""), half("request", ""), half("response", "denied"), half("response", "ok")];
    assert_eq!((code, endings), (Some(0), expected.to_vec()));
}

#[tokio::test]
async fn what_only_the_proxy_calls_is_suggested_to_nobody() {
    let said = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_auditrail")).args(arguments).output().unwrap();
        (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status.code())
    };
    for mistyped in ["prox", "proxy-launc", "proxy-lunch", "launch"] {
        let (text, code) = said(&[mistyped]);
        assert!(text.contains("unrecognized subcommand"), "{text}");
        assert!(!text.replace(&format!("'{mistyped}'"), "").contains("proxy-launch"), "{text}");
        assert_eq!(code, Some(2));
    }
    assert!(said(&["prox"]).0.contains("'proxy'"));
    for arguments in [&["--help"][..], &["help"], &["help", "proxy-launch"], &[]] {
        assert!(!said(arguments).0.contains("proxy-launch <"), "{arguments:?}");
    }
}
