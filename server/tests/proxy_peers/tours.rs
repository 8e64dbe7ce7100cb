//! Clients and servers that others wrote, with the proxy between them and without: they see the same, and all is audited.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use auditrail::record::{Record, names};
use auditrail::serve::{Receiver, Snapshot};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::peers::{Peer, Peers, trial};
use crate::rig::{PATIENCE, records};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "typescript_and_server_everything",
            &[Peer::TypeScript, Peer::Everything],
            typescript_and_server_everything,
        ),
        trial("python_and_server_everything", &[Peer::Python, Peer::Everything], python_and_server_everything),
        trial(
            "typescript_and_server_filesystem",
            &[Peer::TypeScript, Peer::Filesystem],
            typescript_and_server_filesystem,
        ),
        trial("python_and_server_filesystem", &[Peer::Python, Peer::Filesystem], python_and_server_filesystem),
        trial(
            "typescript_and_a_server_of_the_python_sdk",
            &[Peer::TypeScript, Peer::Python],
            typescript_and_a_server_of_the_python_sdk,
        ),
        trial("python_and_a_server_of_the_python_sdk", &[Peer::Python], python_and_a_server_of_the_python_sdk),
        trial("typescript_and_fastmcp", &[Peer::TypeScript, Peer::FastMcp], typescript_and_fastmcp),
        trial("python_and_fastmcp", &[Peer::Python, Peer::FastMcp], python_and_fastmcp),
        trial(
            "typescript_and_a_server_that_answers_ids_as_strings",
            &[Peer::TypeScript, Peer::Python],
            typescript_and_a_server_that_answers_ids_as_strings,
        ),
        trial(
            "python_and_a_server_that_answers_ids_as_strings",
            &[Peer::Python],
            python_and_a_server_that_answers_ids_as_strings,
        ),
    ]
}

async fn typescript_and_server_everything(peers: Peers) {
    let seen = Tour::typescript(&peers).of(everything(&peers), everything_calls()).await;
    for asked in ["sampling/createMessage", "elicitation/create", "roots/list"] {
        assert!(seen.has_pair("server_to_client", asked), "{asked} is missing in {:?}", seen.calls());
    }
    assert!(seen.ends_as("trigger-long-running-operation", "ok"), "{:?}", seen.calls());
    assert!(seen.ends_as("trigger-long-running-operation", "cancelled"), "{:?}", seen.calls());
    assert!(seen.ends_as("no-such-tool", "jsonrpc_error") || seen.ends_as("no-such-tool", "tool_error"));
}

async fn python_and_server_everything(peers: Peers) {
    let seen = Tour::python(&peers).of(everything(&peers), everything_calls()).await;
    assert!(seen.has_pair("server_to_client", "sampling/createMessage"), "{:?}", seen.calls());
}

async fn typescript_and_server_filesystem(peers: Peers) {
    let files = Files::new();
    let seen = Tour::typescript(&peers).of(files.server(&peers), files.calls()).await;
    assert!(seen.ends_as("read_text_file", "ok"), "{:?}", seen.calls());
    assert!(seen.ends_as("read_text_file", "tool_error"), "{:?}", seen.calls());
}

async fn python_and_server_filesystem(peers: Peers) {
    let files = Files::new();
    let seen = Tour::python(&peers).of(files.server(&peers), files.calls()).await;
    assert!(seen.ends_as("list_directory", "ok"), "{:?}", seen.calls());
}

async fn typescript_and_a_server_of_the_python_sdk(peers: Peers) {
    let seen = Tour::typescript(&peers).of(python_server(&peers), python_calls()).await;
    assert!(seen.ends_as("add", "ok") && seen.ends_as("fail", "tool_error"), "{:?}", seen.calls());
    assert!(seen.ends_as("wait", "cancelled"), "{:?}", seen.calls());
}

async fn python_and_a_server_of_the_python_sdk(peers: Peers) {
    let seen = Tour::python(&peers).of(python_server(&peers), python_calls()).await;
    assert!(seen.ends_as("add", "ok") && seen.ends_as("fail", "tool_error"), "{:?}", seen.calls());
}

async fn typescript_and_fastmcp(peers: Peers) {
    fastmcp_is_audited(&Tour::typescript(&peers).of(fastmcp(&peers), fastmcp_calls()).await);
}

async fn python_and_fastmcp(peers: Peers) {
    fastmcp_is_audited(&Tour::python(&peers).of(fastmcp(&peers), fastmcp_calls()).await);
}

async fn typescript_and_a_server_that_answers_ids_as_strings(peers: Peers) {
    all_of_it_succeeds(&Tour::typescript(&peers).of(string_ids(&peers), json!([{ "tool": "echo" }])).await);
}

async fn python_and_a_server_that_answers_ids_as_strings(peers: Peers) {
    all_of_it_succeeds(&Tour::python(&peers).of(string_ids(&peers), json!([{ "tool": "echo" }])).await);
}

fn all_of_it_succeeds(seen: &Seen) {
    assert!(seen.has_pair("client_to_server", "initialize") && seen.ends_as("echo", "ok"), "{:?}", seen.calls());
    assert!(seen.calls().iter().all(|call| call[3] == "ok"), "{:?}", seen.calls());
}

fn string_ids(peers: &Peers) -> Vec<PathBuf> {
    vec![peers.path(Peer::Python), "tests/peers/python/string_ids.py".into()]
}

/// What is cancelled and over HTTP is in `tests/clients`.
fn fastmcp_is_audited(seen: &Seen) {
    for method in ["prompts/get", "resources/read"] {
        assert!(seen.has_pair("client_to_server", method), "{method} is missing in {:?}", seen.calls());
    }
    for asked in ["sampling/createMessage", "elicitation/create", "roots/list"] {
        assert!(seen.has_pair("server_to_client", asked), "{asked} is missing in {:?}", seen.calls());
    }
    assert!(seen.ends_as("echo", "ok") && seen.ends_as("fail", "tool_error"), "{:?}", seen.calls());
}

fn everything(peers: &Peers) -> Vec<PathBuf> {
    vec![peers.node(), peers.path(Peer::Everything), "stdio".into()]
}

fn everything_calls() -> Value {
    json!([
        { "tool": "echo", "arguments": { "message": "canary é漢🐤" } },
        { "tool": "get-sum", "arguments": { "a": 1, "b": 2 } },
        { "tool": "get-tiny-image" },
        { "tool": "get-annotated-message", "arguments": { "messageType": "error", "includeImage": true } },
        { "tool": "trigger-long-running-operation", "arguments": { "duration": 0.4, "steps": 4 } },
        { "tool": "trigger-long-running-operation", "arguments": { "duration": 60, "steps": 1 }, "cancel": 300 },
        { "tool": "trigger-sampling-request", "arguments": { "prompt": "canary", "maxTokens": 5 } },
        { "tool": "trigger-elicitation-request" },
        { "tool": "get-roots-list" },
        { "tool": "no-such-tool" },
    ])
}

fn python_server(peers: &Peers) -> Vec<PathBuf> {
    vec![peers.path(Peer::Python), "tests/peers/python/server.py".into()]
}

fn python_calls() -> Value {
    json!([
        { "tool": "add", "arguments": { "a": 1, "b": 2 } },
        { "tool": "add", "arguments": { "a": "canary" } },
        { "tool": "fail" },
        { "tool": "wait", "arguments": { "seconds": 0.05 } },
        { "tool": "wait", "arguments": { "seconds": 60 }, "cancel": 300 },
        { "tool": "no_such_tool" },
    ])
}

fn fastmcp(peers: &Peers) -> Vec<PathBuf> {
    vec![peers.path(Peer::FastMcp), "tests/peers/fastmcp/server.py".into(), "stdio".into()]
}

fn fastmcp_calls() -> Value {
    json!([
        { "tool": "echo", "arguments": { "text": "canary é漢🐤" } },
        { "tool": "echo", "arguments": { "canary": 1 } },
        { "tool": "fail" },
        { "tool": "sample", "arguments": { "question": "canary?" } },
        { "tool": "elicit", "arguments": { "question": "canary?" } },
        { "tool": "roots" },
        { "tool": "no_such_tool" },
        { "prompt": "greeting", "arguments": { "name": "canary" } },
        { "resource": "memo://today" },
        { "resource": "memo://nowhere" },
    ])
}

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a.txt"), "canary\r\n\u{feff}é").unwrap();
        // It is written by each tour, and must be there before the first as before the second.
        std::fs::write(directory.path().join("b.txt"), "").unwrap();
        Self(directory)
    }

    fn server(&self, peers: &Peers) -> Vec<PathBuf> {
        vec![peers.node(), peers.path(Peer::Filesystem), self.0.path().into()]
    }

    fn calls(&self) -> Value {
        let path = |name: &str| self.0.path().join(name);
        json!([
            { "tool": "list_directory", "arguments": { "path": self.0.path() } },
            { "tool": "read_text_file", "arguments": { "path": path("a.txt") } },
            { "tool": "write_file", "arguments": { "path": path("b.txt"), "content": "canary ".repeat(300_000) } },
            { "tool": "read_text_file", "arguments": { "path": path("b.txt") } },
            { "tool": "read_text_file", "arguments": { "path": "/etc/passwd" } },
        ])
    }
}

/// A client of others.
struct Tour(Vec<PathBuf>);

impl Tour {
    fn typescript(peers: &Peers) -> Self {
        Self(vec![peers.node(), "tests/peers/typescript/tour.mjs".into()])
    }

    fn python(peers: &Peers) -> Self {
        Self(vec![peers.path(Peer::Python), "tests/peers/python/tour.py".into()])
    }

    /// What it sees is the same with the proxy, nobody is left behind, and everything has its pair of records.
    async fn of(&self, server: Vec<PathBuf>, calls: Value) -> Seen {
        let receiver = Receiver::builder().start().await.unwrap();
        let state = tempfile::tempdir().unwrap();
        let proxy = vec![env!("CARGO_BIN_EXE_auditrail").into(), "proxy".into(), "--".into()];
        let plain = self.printed(&server, &calls, &receiver, state.path()).await;
        assert!(records(&receiver).is_empty(), "nobody audits it");
        let proxied = self.printed(&[proxy, server].concat(), &calls, &receiver, state.path()).await;
        assert_eq!(plain.len(), proxied.len(), "{proxied:#?}");
        for (plain, proxied) in plain.iter().zip(&proxied) {
            assert_eq!(plain, proxied);
        }
        let ended = |snapshot: &Snapshot| {
            let states = snapshot.records.iter().map(|received| Record::decode(&received.bytes).unwrap());
            states.filter(|record| record.text(names::AUDITRAIL_LIFECYCLE_STATE) == Some("stopped")).count() == 1
        };
        receiver.wait_for(ended, PATIENCE).await.unwrap();
        for received in receiver.records() {
            let has_canary = received.bytes.windows(6).any(|bytes| bytes == b"canary");
            assert!(!has_canary, "{:#?}", Record::decode(&received.bytes));
        }
        Seen::of(records(&receiver))
    }

    async fn printed(&self, server: &[PathBuf], calls: &Value, receiver: &Receiver, state: &Path) -> Vec<Value> {
        let mut command = Command::new(&self.0[0]);
        let file = state.join("calls.json");
        std::fs::write(&file, calls.to_string()).unwrap();
        command.args(&self.0[1..]).arg(file).arg("--").args(server);
        command
            .env("AUDITRAIL_DIR", state)
            .env("AUDITRAIL_FLUSH_TIMEOUT", "100000")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("the client ends").unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        nobody_has(state).await;
        let printed = String::from_utf8(output.stdout).unwrap();
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// No process with that state directory in its environment is left: neither the proxy nor a server. On Linux.
async fn nobody_has(state: &Path) {
    let own = std::process::id().to_string();
    let alive = || {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
        let others = processes.filter(|process| process.file_name() != *own.as_str());
        let mut environments = others.filter_map(|process| std::fs::read(process.path().join("environ")).ok());
        let variable = format!("AUDITRAIL_DIR={}", state.display());
        environments.any(|environment| environment.split(|byte| *byte == 0).any(|it| it == variable.as_bytes()))
    };
    let gone = async {
        while alive() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("a process is left");
}

/// The calls that were recorded.
struct Seen(Vec<[String; 4]>);

impl Seen {
    /// Direction, method, tool and end of each call, which must have two halves.
    fn of(records: Vec<Record>) -> Self {
        let text = |record: &Record, name: &str| record.text(name).unwrap_or_default().to_owned();
        let mut calls = BTreeMap::<String, Vec<Record>>::new();
        for record in records.into_iter().filter(|record| record.text(names::AUDITRAIL_PHASE).is_some()) {
            calls.entry(text(&record, names::AUDITRAIL_CALL_ID)).or_default().push(record);
        }
        let call = |halves: Vec<Record>| {
            assert_eq!(halves.len(), 2, "{halves:#?}");
            let [direction, method] = [names::AUDITRAIL_MCP_DIRECTION, names::MCP_METHOD_NAME];
            let [tool, end] = [names::GEN_AI_TOOL_NAME, names::AUDITRAIL_OUTCOME_DETAIL];
            [direction, method, tool, end].map(|name| text(&halves[1], name))
        };
        Self(calls.into_values().map(call).collect())
    }

    fn calls(&self) -> &[[String; 4]] {
        &self.0
    }

    fn has_pair(&self, direction: &str, method: &str) -> bool {
        self.0.iter().any(|call| call[0] == direction && call[1] == method && call[3] == "ok")
    }

    fn ends_as(&self, tool: &str, end: &str) -> bool {
        self.0.iter().any(|call| call[2] == tool && call[3] == end)
    }
}
