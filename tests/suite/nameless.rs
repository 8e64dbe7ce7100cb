//! Errors without an id: they end a call only if nothing else can have caused them.

use auditrail::record::{Record, names};

use crate::support::{Bench, ending};
use crate::tapped::Wire;

/// What a client sends, what the server says then, and how the call of each tool ended: status, detail, `error.type`.
type Scene<'a> = (&'a [&'a str], &'a [&'a str], &'a [(&'a str, End)]);
type End = [&'static str; 3];

const A: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}"#;
const B: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"b"}}"#;
const NULL: &str = r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"null"}}"#;
const PING: &str = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
const PONG: &str = r#"{"jsonrpc":"2.0","id":"p","result":{}}"#;
const OK_A: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
const OK_B: &str = r#"{"jsonrpc":"2.0","id":2,"result":{"content":[]}}"#;
const ERROR: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}"#;

const OK: End = ["success", "ok", ""];
const FAILED: End = ["failure", "jsonrpc_error", "-32600"];
const AMBIGUOUS: End = ["unknown", "", "ambiguous_id"];
const DISCONNECTED: End = ["unknown", "no_response", "disconnected"];

async fn played(client: &[&str], server: &[&str]) -> Vec<Record> {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    for line in client {
        wire.client(line).await;
    }
    for line in server {
        wire.server(line).await;
    }
    drop(wire);
    bench.records()
}

/// Of the one pair of the call of that tool.
fn end(records: &[Record], tool: &str) -> [String; 3] {
    let of_it = records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool));
    let (requests, responses): (Vec<_>, Vec<_>) = of_it.partition(|record| ending(record).0 == "request");
    assert_eq!((requests.len(), responses.len()), (1, 1), "one pair for {tool}");
    [names::AUDIT_OUTCOME, names::AUDITRAIL_OUTCOME_DETAIL, names::ERROR_TYPE]
        .map(|name| responses[0].text(name).unwrap_or_default().to_owned())
}

async fn assert_ends(scenes: &[Scene<'_>]) {
    for (client, server, ends) in scenes {
        let records = played(client, server).await;
        for (tool, expected) in *ends {
            assert_eq!(end(&records, tool), *expected, "{tool} of {client:?}, answered {server:?}");
        }
    }
}

/// Batches of one call, and of two.
fn batch(elements: &[&str]) -> String {
    format!("[{}]", elements.join(","))
}

/// `{}` and others of its kind are answered with an error, too.
#[tokio::test]
async fn a_call_beside_what_is_no_message_waits_for_its_own_answer() {
    let (one, garbage) = (batch(&[A]), batch(&["{}", A]));
    let split = format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"x":{}}}}}"#, "\r\r[@]\r");
    let (behind, split) = (format!("{{}}\r{one}"), split.replace('@', &[A, B].join(",")));
    let (answered, answers) = (batch(&[ERROR, OK_A]), batch(&[OK_A, OK_B]));
    assert_ends(&[
        (&[&behind], &[ERROR, OK_A], &[("a", OK)]),
        (&[&behind], &[ERROR], &[("a", AMBIGUOUS)]),
        (&[&split], &[ERROR, &answers, ERROR], &[("a", OK), ("b", OK)]),
        (&[&garbage], &[&answered], &[("a", OK)]),
        (&[&garbage], &[ERROR], &[("a", AMBIGUOUS)]),
        (&["{}", &one], &[ERROR, OK_A], &[("a", OK)]),
        (&["[]", &one], &[ERROR, ERROR, OK_A], &[("a", OK)]),
    ])
    .await;
}

/// Nor is it known whose it is where two things are answered so.
#[tokio::test]
async fn a_call_beside_another_that_is_answered_so_waits_for_its_own_answer() {
    let (mixed, one, both) = (batch(&[NULL, A]), batch(&[A]), batch(&[A, B]));
    let nan = A.replace("}}", r#","arguments":{"x":NaN}}}"#);
    let progress = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"x":NaN}}"#;
    assert_ends(&[
        // The batch was refused, or the element without an id: that has failed in any case.
        (&[&mixed], &[ERROR, OK_A], &[("null", FAILED), ("a", OK)]),
        (&[&mixed], &[ERROR], &[("null", FAILED), ("a", AMBIGUOUS)]),
        (&[NULL, &one], &[ERROR, OK_A], &[("null", AMBIGUOUS), ("a", OK)]),
        (&["canary {", &one], &[ERROR, OK_A], &[("a", OK)]),
        (&[&nan, &one.replace("\"a\"", "\"b\"").replace("\"id\":1", "\"id\":2")], &[ERROR, OK_B], &[("b", OK)]),
        (&[progress, NULL], &[ERROR], &[("null", AMBIGUOUS)]),
        (&[&format!("{progress}\r"), &both], &[ERROR, OK_A, OK_B], &[("a", OK), ("b", OK)]),
    ])
    .await;
}

#[tokio::test]
async fn where_nothing_else_can_have_caused_it_it_ends_the_call() {
    let (one, both) = (batch(&[A]), batch(&[A, B]));
    let nan = A.replace("}}", r#","arguments":{"x":NaN}}}"#);
    let noticed = batch(&[A, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#]);
    assert_ends(&[
        (&[&one], &[ERROR], &[("a", FAILED)]),
        (&[&both], &[ERROR], &[("a", FAILED), ("b", FAILED)]),
        (&[&noticed], &[ERROR], &[("a", FAILED)]),
        (&[NULL], &[ERROR], &[("null", FAILED)]),
        (&[A, NULL], &[ERROR, OK_A], &[("null", FAILED), ("a", OK)]),
        // A strict server cannot read its id.
        (&[&nan], &[ERROR], &[("a", FAILED)]),
        (&[A], &[ERROR], &[("a", DISCONNECTED)]),
    ])
    .await;
}

/// Servers take lines in their order: behind an answer no error comes for what was asked before.
#[tokio::test]
async fn what_was_asked_before_an_answered_call_is_done_with() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client("{}").await;
    wire.client(PING).await;
    wire.server(PONG).await;
    wire.client(&batch(&[A])).await;
    wire.server(ERROR).await;
    // Which of both it is for is not known, and neither waits for more than the next answer.
    wire.client(NULL).await;
    wire.client("{}").await;
    wire.server(ERROR).await;
    wire.client(PING).await;
    wire.server(PONG).await;
    wire.client(&NULL.replace("\"null\"", "\"later\"")).await;
    wire.server(ERROR).await;
    drop(wire);
    let records = bench.records();
    assert_eq!(["a", "null", "later"].map(|tool| end(&records, tool)), [FAILED, AMBIGUOUS, FAILED]);
}

/// A server may answer a null id with a null id, which is no answer to anybody; an error that comes later is for something else.
#[tokio::test]
async fn what_was_passed_over_by_an_answer_is_not_failed_by_an_error() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(NULL).await;
    wire.server(r#"{"jsonrpc":"2.0","id":null,"result":{"content":[]}}"#).await;
    wire.client(PING).await;
    wire.server(PONG).await;
    wire.server(ERROR).await;
    drop(wire);
    assert_eq!(end(&bench.records(), "null"), AMBIGUOUS);
}

/// An error of the client belongs to no call of its own.
#[tokio::test]
async fn a_client_ends_no_call_of_its_own() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    wire.client(NULL).await;
    wire.client(ERROR).await;
    drop(wire);
    assert_eq!(end(&bench.records(), "null"), DISCONNECTED);
}
