//! Lines over stdio that other programs read, and lines that auditrail cannot read.

use auditrail::record::{Record, Value, names};

use crate::support::{Bench, ending};
use crate::tapped::Wire;

fn flaws(record: &Record) -> Vec<String> {
    match record.get(names::AUDITRAIL_MESSAGE_FLAW) {
        Some(Value::Array(flaws)) => flaws.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// `phase method tool id: outcome detail error.type`
fn told(record: &Record) -> String {
    let text = |name| record.text(name).unwrap_or("-");
    let (phase, outcome, detail) = ending(record);
    let [method, tool, id] = [names::MCP_METHOD_NAME, names::GEN_AI_TOOL_NAME, names::JSONRPC_REQUEST_ID].map(text);
    format!("{phase} {method} {tool} {id}: {outcome} {detail} {}", text(names::ERROR_TYPE))
}

fn all(bench: &Bench) -> Vec<String> {
    bench.records().iter().map(told).collect()
}

const PING: &str = r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#;
const PONG: &str = r#"{"jsonrpc":"2.0","id":7,"result":{}}"#;
const OK: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
const CALL: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_user"}}"#;

#[tokio::test]
async fn a_line_in_another_encoding_is_a_call() {
    let utf16: Vec<u8> = format!("{CALL}\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let lines = [format!("\u{feff}{CALL}\n").into_bytes(), [b"\xff\xfe", &utf16[..]].concat(), utf16.clone(), lossy()];
    for (number, line) in lines.into_iter().enumerate() {
        let bench = Bench::new();
        let mut wire = Wire::new(&bench.trail);
        wire.client_bytes(&line).await;
        wire.server(OK).await;
        assert_eq!(
            all(&bench),
            ["request tools/call delete_user 1: unknown  -", "response tools/call delete_user 1: success ok -"],
            "{number}"
        );
    }
}

/// Python and Node.js put U+FFFD in the place of what is no UTF-8.
fn lossy() -> Vec<u8> {
    let text =
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete_user","arguments":{"a":"@"}}}"#;
    let mut line: Vec<u8> = text.bytes().map(|byte| if byte == b'@' { 0xff } else { byte }).collect();
    line.push(b'\n');
    line
}

/// Servers that read their input as text, as Python's do, take what stands behind a carriage return for another line.
#[tokio::test]
async fn a_call_behind_a_carriage_return_is_a_call() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(&format!("{PING}\r{CALL}")).await;
    wire.server(PONG).await;
    wire.server(OK).await;
    assert_eq!(
        all(&bench),
        [
            "request ping - 7: unknown  -",
            "request tools/call delete_user 1: unknown  -",
            "response ping - 7: success ok -",
            "response tools/call delete_user 1: success ok -",
        ]
    );
    assert!(bench.records().iter().all(|record| flaws(record) == ["carriage_return"]));
}

/// What cannot be read is a pair all the same, with as much as was read of it.
#[tokio::test]
async fn an_unreadable_line_is_a_pair_with_its_answer() {
    let parse_error = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"canary"}}"#;
    let no_json = [CALL, " x"].concat();
    let deep = ["[".repeat(100_000), "]".repeat(100_000)].concat();
    let open = "[".repeat(100_000);
    for (line, request, flaw) in [
        ("canary {", "request - - -: unknown  -", "not_json"),
        (&no_json[..], "request tools/call delete_user 1: unknown  -", "not_json"),
        (&deep[..], "request - - -: unknown  -", "too_deep"),
        (&open[..], "request - - -: unknown  -", "not_json"),
    ] {
        let bench = Bench::new();
        let mut wire = Wire::new(&bench.trail);
        wire.client(line).await;
        wire.server(parse_error).await;
        let records = bench.records();
        let response = request.replace("request", "response").replace("unknown  -", "failure jsonrpc_error -32700");
        assert_eq!(all(&bench), [request, &response], "{line:.40}");
        assert!(!records.is_empty() && records.iter().all(|record| flaws(record) == [flaw]), "{line:.40}: {records:?}");
        // Of a batch each element is a message.
        let batch = line.matches("[[").take(1).count() + line.matches("]]").take(1).count();
        let size = line.len() - batch;
        assert_eq!(records[0].get(names::AUDITRAIL_MESSAGE_SIZE), Some(&Value::Int(i64::try_from(size).unwrap())));
        assert!(!format!("{records:?}").contains("canary"));
    }
}

/// A server that answers such a line well has run something.
#[tokio::test]
async fn an_unreadable_line_that_is_answered_well_is_found_by_its_name() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(&[CALL, CALL].concat()).await;
    wire.server(OK).await;
    assert_eq!(all(&bench)[1..], ["response tools/call delete_user 1: unknown  unreadable"]);
}

/// Most servers say nothing to what they cannot read; nobody waits for the end of the session to be told so.
#[tokio::test]
async fn an_unreadable_line_without_an_answer_ends_with_the_next_answer_or_the_connection() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client("{").await;
    wire.client(PING).await;
    wire.server(PONG).await;
    assert_eq!(all(&bench)[2..], ["response - - -: unknown no_response unreadable", "response ping - 7: success ok -"]);
    wire.client("}").await;
    drop(wire);
    assert_eq!(all(&bench)[4..], ["request - - -: unknown  -", "response - - -: unknown no_response unreadable"]);
}
