//! Messages that are written in odd ways, to servers of the Python SDK: what they run is recorded as what ran, and what they
//! refuse as refused. What they do is seen by their answers alone.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use auditrail::record::{Record, Value as Recorded, names};
use auditrail::serve::Receiver;
use libtest_mimic::Trial;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use tokio::time::timeout;

use crate::peers::{Peer, Peers, trial};
use crate::rig::PATIENCE;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("odd_bodies_to_the_python_sdk_of_the_generation_before", &[Peer::Python127], |peers| {
            bodies(peers, Peer::Python127, &["plain", "coded", "marked", "utf-16", "utf-32", "twice"])
        }),
        trial("odd_bodies_to_the_python_sdk", &[Peer::Python], |peers| {
            bodies(peers, Peer::Python, &["plain", "coded", "twice"])
        }),
        trial("odd_lines_to_the_python_sdk_of_the_generation_before", &[Peer::Python127], |peers| {
            lines(peers, Peer::Python127)
        }),
        trial("odd_lines_to_the_python_sdk", &[Peer::Python], |peers| lines(peers, Peer::Python)),
    ]
}

fn call(id: u32, arguments: &str) -> String {
    let params = format!(r#"{{"name":"delete_user","arguments":{{{arguments}}}}}"#);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#)
}

/// A name in which a byte is no UTF-8.
fn lossy(id: u32) -> Vec<u8> {
    call(id, r#""name":"@""#).bytes().map(|byte| if byte == b'@' { 0xff } else { byte }).collect()
}

/// Each of them is one call of the tool, whatever it is to the server.
fn odd_bodies() -> Vec<(&'static str, Vec<u8>)> {
    let plain = call(1, "");
    let twice = plain.replace(r#""method""#, r#""method":"ping","method""#);
    vec![
        ("plain", plain.clone().into_bytes()),
        ("coded", plain.clone().into_bytes()),
        ("marked", format!("\u{feff}{plain}").into_bytes()),
        ("utf-16", format!("\u{feff}{plain}").encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("utf-32", plain.chars().flat_map(|unit| u32::from(unit).to_be_bytes()).collect()),
        ("not a number", call(1, r#""name":NaN"#).into_bytes()),
        ("no UTF-8", lossy(1)),
        ("twice", twice.into_bytes()),
    ]
}

/// The server runs those, and no others.
async fn bodies(peers: Peers, python: Peer, runs: &[&str]) {
    let port = free_port();
    let script = "tests/peers/python/executed.py";
    let mut server = Command::new(peers.path(python));
    let server = server.args([script, "http", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let _server = server.kill_on_drop(true).spawn().unwrap();
    answers(port).await;
    let mut proxy = Proxy::start(&["--listen", "127.0.0.1:0", "--upstream", &format!("http://127.0.0.1:{port}")]).await;
    let address = proxy.address().await;
    let client = reqwest::Client::new();
    let mut seen = Vec::new();
    for (name, body) in odd_bodies() {
        let mut request = client.post(format!("http://{address}/mcp")).body(body);
        request =
            request.header("content-type", "application/json").header("accept", "application/json, text/event-stream");
        if name == "coded" {
            request = request.header("content-encoding", "gzip");
        }
        let response = timeout(PATIENCE, request.send()).await.unwrap().unwrap();
        let status = response.status().as_u16();
        let ran = response.text().await.unwrap().contains("it ran");
        assert_eq!(ran, runs.contains(&name), "{name}: another server than was known");
        seen.push((name, i64::from(status), ran));
    }
    proxy.terminate();
    let records = proxy.end().await;
    let calls = records.iter().filter(|record| record.event_name == "auditrail.mcp.tools.call");
    let mut responses: Vec<_> =
        calls.filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("response")).collect();
    responses.sort_by_key(|record| record.time_unix_nano);
    assert_eq!(responses.len(), seen.len(), "{seen:?}\n{responses:#?}");
    for ((name, status, ran), response) in seen.into_iter().zip(responses) {
        assert_eq!(response.text(names::GEN_AI_TOOL_NAME), Some("delete_user"), "{name}");
        assert_eq!(response.text(names::JSONRPC_REQUEST_ID), Some("1"), "{name}");
        let outcome = if ran { "success" } else { "failure" };
        assert_eq!(response.text(names::AUDIT_OUTCOME), Some(outcome), "{name}: {response:#?}");
        assert_eq!(response.get(names::HTTP_RESPONSE_STATUS_CODE), Some(&Recorded::Int(status)), "{name}");
    }
}

/// Text mode replaces what is no UTF-8 and ends lines at carriage returns; the parser knows `NaN`, and no mark.
async fn lines(peers: Peers, python: Peer) {
    let server = peers.path(python).display().to_string();
    let mut proxy = Proxy::start(&["--", &server, "tests/peers/python/executed.py", "stdio"]).await;
    let mut output = BufReader::new(proxy.process.stdout.take().unwrap()).lines();
    let mut input = proxy.process.stdin.take().unwrap();
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"odd","version":"1"}}}"#;
    input.write_all(format!("{initialize}\n").as_bytes()).await.unwrap();
    timeout(PATIENCE, output.next_line()).await.unwrap().unwrap().expect("an answer to initialize");
    let said = [
        br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_vec(),
        format!("\u{feff}{}", call(2, "")).into_bytes(),
        lossy(3),
        call(4, r#""name":NaN"#).into_bytes(),
        format!("{}\r{}", r#"{"jsonrpc":"2.0","id":5,"method":"ping"}"#, call(6, "")).into_bytes(),
    ];
    input.write_all(&[said.join(&b'\n'), b"\n".to_vec()].concat()).await.unwrap();
    let mut answers = BTreeMap::new();
    while ![3, 4, 5, 6].iter().all(|id| answers.contains_key(id)) {
        let line = timeout(PATIENCE, output.next_line()).await.expect("all answers").unwrap().expect("no end");
        let message: Value = serde_json::from_str(&line).unwrap();
        answers.extend(message["id"].as_i64().map(|id| (id, line)));
    }
    drop(input);
    while let Some(line) = timeout(PATIENCE, output.next_line()).await.unwrap().unwrap() {
        assert!(!line.contains("\"id\":2"), "it reads marks: {line}");
    }
    let records = proxy.end().await;
    for (id, method, outcome) in [
        ("2", "tools/call", "unknown"),
        ("3", "tools/call", "success"),
        ("4", "tools/call", "failure"),
        ("5", "ping", "success"),
        ("6", "tools/call", "success"),
    ] {
        let of_id = records.iter().filter(|record| record.text(names::JSONRPC_REQUEST_ID) == Some(id));
        let pair: Vec<_> = of_id.collect();
        assert_eq!(pair.len(), 2, "{id}: {pair:#?}");
        assert_eq!(pair[1].text(names::MCP_METHOD_NAME), Some(method), "{id}");
        assert_eq!(pair[1].text(names::AUDIT_OUTCOME), Some(outcome), "{id}: {:?}", answers.get(&id.parse().unwrap()));
    }
}

/// A proxy that is killed if it is left.
struct Proxy {
    process: Child,
    said: Lines<BufReader<ChildStderr>>,
    receiver: Receiver,
    _directory: TempDir,
}

impl Proxy {
    async fn start(arguments: &[&str]) -> Self {
        let (receiver, directory) = (Receiver::builder().start().await.unwrap(), tempfile::tempdir().unwrap());
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_auditrail")));
        for (name, _) in std::env::vars() {
            if name.starts_with("OTEL_") || name.starts_with("AUDITRAIL_") {
                command.env_remove(name);
            }
        }
        command.arg("proxy").args(arguments).env("AUDITRAIL_DIR", directory.path().join("state"));
        command.env("AUDITRAIL_FLUSH_TIMEOUT", "20000");
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn().unwrap();
        let said = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, said, receiver, _directory: directory }
    }

    async fn address(&mut self) -> String {
        loop {
            let line = timeout(PATIENCE, self.said.next_line()).await.unwrap().unwrap().expect("it ended");
            if let Some(address) = line.strip_prefix("auditrail: listens on ") {
                return address.to_owned();
            }
        }
    }

    fn terminate(&self) {
        let pid = self.process.id().expect("it runs").to_string();
        assert!(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    }

    /// All that it recorded, once it ends.
    async fn end(mut self) -> Vec<Record> {
        timeout(PATIENCE, self.process.wait()).await.unwrap().unwrap();
        self.receiver.records().iter().map(|got| Record::decode(&got.bytes).unwrap()).collect()
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Until somebody listens there.
async fn answers(port: u16) {
    let connect = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, connect).await.expect("the server did not start");
}
