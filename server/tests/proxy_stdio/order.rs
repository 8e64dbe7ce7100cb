//! Invariant 2: an answer is taken in before what the client says because of it, however fast the client is.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use auditrail::record::names;
use auditrail::serve::Receiver;

use crate::rig::records;

/// Lists a tool of another name each time, and answers calls.
const SERVER: &str = r#"s/"id":([0-9]+),"method":"tools.list"/"id":\1,"result":{"tools":[{"name":"t\1"}]}/
s/"id":([0-9]+),"method":"tools.call".*/"id":\1,"result":{}}/"#;
const ROUNDS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_known_when_it_is_called_at_once() {
    let receiver = Receiver::builder().start().await.unwrap();
    let (endpoint, state) = (receiver.grpc_endpoint().unwrap(), tempfile::tempdir().unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
    command.args(["proxy", "--", "sed", "-u", "-E", SERVER]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).env("AUDITRAIL_DIR", state.path());
    command.env("AUDITRAIL_FLUSH_TIMEOUT", "100000").stdin(Stdio::piped()).stdout(Stdio::piped());
    let client = tokio::task::spawn_blocking(move || {
        let mut process = command.spawn().unwrap();
        let mut input = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut ask = |id: usize, rest: String| {
            let mut answer = String::new();
            input.write_all(format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{rest}}}\n").as_bytes()).unwrap();
            output.read_line(&mut answer).unwrap();
            assert!(answer.contains("\"result\""), "{answer}");
        };
        for round in 0..ROUNDS {
            ask(round, "\"method\":\"tools/list\"".into());
            ask(round, format!("\"method\":\"tools/call\",\"params\":{{\"name\":\"t{round}\"}}"));
        }
        drop(input);
        assert!(process.wait().unwrap().success());
    });
    client.await.unwrap();
    let records = records(&receiver);
    let called = records.iter().filter(|record| {
        record.text(names::MCP_METHOD_NAME) == Some("tools/call")
            && record.text(names::AUDITRAIL_PHASE) == Some("request")
    });
    let known = called.filter(|record| record.text(names::AUDITRAIL_MCP_TOOL_DIGEST).is_some()).count();
    assert_eq!(known, ROUNDS);
}
