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
struct Running {
    process: Child,
    said: Lines<BufReader<ChildStderr>>,
    receiver: Receiver,
    _directory: TempDir,
}

impl Running {
    async fn new(arguments: &[&str]) -> Self {
        Self::configured(arguments, "").await
    }

    async fn configured(arguments: &[&str], configuration: &str) -> Self {
        let (receiver, directory) = (Receiver::builder().start().await.unwrap(), tempfile::tempdir().unwrap());
        let file = directory.path().join("auditrail.toml");
        std::fs::write(&file, configuration).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
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
    async fn told(&mut self, how: &str) -> SocketAddr {
        loop {
            let line = within(self.said.next_line()).await.unwrap().expect("it ended");
            if let Some(address) = line.strip_prefix(&format!("auditrail: {how} ")) {
                return address.parse().unwrap();
            }
        }
    }

    fn signal(&self, name: &str) {
        let pid = self.process.id().unwrap().to_string();
        assert!(
            std::process::Command::new("sh")
                .args(["-c", "kill \"$@\"", "kill", "-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
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

const LISTENS: &str = "listens on";

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
