//! How a stdio server ends: MCP clients close standard input, orchestrators send SIGTERM. Either way it is gone soon, by
//! itself, and its records are with the collector. Standard output carries MCP and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

mod examples;

use std::process::Stdio;
use std::time::Duration;

use auditrail::record::{Record, names};
use auditrail::serve::Receiver;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Far more than it takes; only there so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

struct Session {
    server: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _directory: tempfile::TempDir,
}

impl Session {
    /// A server that has answered one tool call.
    async fn with_a_call(endpoint: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut server = Command::new(examples::example("rmcp_stdio"))
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .env("AUDITRAIL_DIR", directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
        let mut session = Self { server, input, output: BufReader::new(output).lines(), _directory: directory };
        let client = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        session.send(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client })).await;
        session.answer(1).await;
        session.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        session.call(2).await;
        session.answer(2).await;
        session
    }

    async fn call(&mut self, id: u64) {
        self.call_for(id, "Lisbon").await;
    }

    async fn call_for(&mut self, id: u64, city: &str) {
        let call = json!({ "name": "current_weather", "arguments": { "city": city } });
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call })).await;
    }

    async fn send(&mut self, message: Value) {
        self.input.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn answer(&mut self, id: u64) {
        let line = self.output.next_line().await.unwrap().expect("an answer");
        let message: Value = serde_json::from_str(&line).expect("standard output carries JSON-RPC only");
        assert_eq!((&message["id"], message["error"].is_null()), (&json!(id), true), "{message}");
    }

    async fn ends_well(&mut self) -> String {
        let status = tokio::time::timeout(PATIENCE, self.server.wait()).await.expect("it ends by itself").unwrap();
        assert!(status.success(), "{status}");
        let mut said = String::new();
        self.server.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        assert_eq!(self.output.next_line().await.unwrap(), None, "nothing but MCP on standard output");
        said
    }
}

fn responses(receiver: &Receiver) -> usize {
    let records = receiver.records();
    let records = records.iter().map(|received| Record::decode(&received.bytes).unwrap());
    records.filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("response")).count()
}

#[tokio::test]
async fn at_sigterm_with_standard_input_open() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut session = Session::with_a_call(&receiver.grpc_endpoint().unwrap()).await;
    let pid = session.server.id().unwrap().to_string();
    assert!(Command::new("sh").args(["-c", "kill \"$@\"", "kill", "-TERM", &pid]).status().await.unwrap().success());
    assert_eq!(session.ends_well().await, "");
    assert_eq!(responses(&receiver), 2);
    assert!(receiver.spans().iter().any(|received| received.span.name == "tools/call current_weather"));
}

#[tokio::test]
async fn at_the_end_of_standard_input() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut session = Session::with_a_call(&receiver.grpc_endpoint().unwrap()).await;
    session.input.shutdown().await.unwrap();
    drop(std::mem::replace(&mut session.input, closed_pipe()));
    assert_eq!(session.ends_well().await, "");
    assert_eq!(responses(&receiver), 2);
}

#[tokio::test]
async fn with_a_dead_collector_it_ends_all_the_same_and_says_what_waits() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut session = Session::with_a_call(&format!("http://{address}")).await;
    drop(std::mem::replace(&mut session.input, closed_pipe()));
    let said = session.ends_well().await;
    assert!(said.contains("does not take audit records"), "{said}");
    assert!(said.contains("9 audit record(s) were not delivered within"), "{said}");
}

/// Its input is still open: it is asked, does it, and cannot answer.
#[tokio::test]
async fn what_the_client_does_not_get_is_no_answer() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut session = Session::with_a_call(&receiver.grpc_endpoint().unwrap()).await;
    let gone = Command::new("true").stdout(Stdio::piped()).spawn().unwrap().stdout.take().unwrap();
    drop(std::mem::replace(&mut session.output, BufReader::new(gone).lines()));
    for id in [3, 4] {
        session.call(id).await;
    }
    drop(std::mem::replace(&mut session.input, closed_pipe()));
    session.ends_well().await;
    let no_answer = "unknown no_response disconnected";
    assert_eq!(
        ends(&receiver),
        [("1", "success ok"), ("2", "success ok"), ("3", no_answer), ("4", no_answer)].map(owned).into()
    );
}

/// A client that has stopped to read: what is answered is what stands in the pipe, in whole lines.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_message_that_is_written_in_part_is_no_answer() {
    use std::os::fd::AsFd as _;

    let receiver = Receiver::builder().start().await.unwrap();
    let mut session = Session::with_a_call(&receiver.grpc_endpoint().unwrap()).await;
    session.call(3).await;
    // More than a pipe holds.
    session.call_for(4, &"Lisbon".repeat(30_000)).await;
    session.call(5).await;
    let pipe = session.output.get_ref().get_ref().as_fd().try_clone_to_owned().unwrap();
    let full = async {
        // All of its pages but what is left of one.
        while rustix::io::ioctl_fionread(&pipe).unwrap() < 15 * 4096 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, full).await.expect("the pipe fills");
    let pid = session.server.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let status = tokio::time::timeout(PATIENCE, session.server.wait()).await.expect("it ends by itself").unwrap();
    assert!(status.success(), "{status}");
    let mut answered = vec!["1".to_owned(), "2".to_owned()];
    while let Some(line) = session.output.next_line().await.unwrap() {
        // The last one may be cut.
        answered.extend(serde_json::from_str(&line).map(|message: Value| message["id"].to_string()));
    }
    let ends = ends(&receiver);
    let successes: Vec<_> = ends.iter().filter(|(_, end)| *end == "success ok").map(|(id, _)| id.clone()).collect();
    answered.sort();
    assert_eq!(successes, answered);
    assert!(!answered.contains(&"4".to_owned()));
    assert!(ends.values().all(|end| end == "success ok" || end.starts_with("unknown ")), "{ends:?}");
}

/// How each call ended, by its id.
fn ends(receiver: &Receiver) -> std::collections::BTreeMap<String, String> {
    let records = receiver.records();
    let records = records.iter().map(|received| Record::decode(&received.bytes).unwrap());
    let responses = records.filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("response"));
    let end = |record: Record| {
        let said = [names::AUDIT_OUTCOME, names::AUDITRAIL_OUTCOME_DETAIL, names::ERROR_TYPE];
        let said: Vec<_> = said.iter().filter_map(|name| record.text(name)).collect();
        (record.text(names::JSONRPC_REQUEST_ID).unwrap().to_owned(), said.join(" "))
    };
    responses.map(end).collect()
}

fn owned((id, end): (&str, &str)) -> (String, String) {
    (id.to_owned(), end.to_owned())
}

/// Something to put in the place of the pipe that is dropped.
fn closed_pipe() -> ChildStdin {
    let mut child = Command::new("true").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap()
}
