//! Calls with one id, calls without one, and what ends a session.

use std::sync::Arc;

use http::{Request, Response};
use tower_layer::Layer as _;
use tower_service::Service;

use super::rig::{Rig, Script, read};
use super::service::{INITIALIZE, answering, exchange, issuing, now, post, response, within};
use crate::capture::mcp::correlate::{Correlator, MessageOrigin};
use crate::capture::mcp::message::{ErrorFacts, Id, IdKind, Message, Params};
use crate::capture::mcp::{McpLayer, TapBody};
use crate::record::names;
use crate::trail::{Direction, Refused};

/// `tool: detail error.type` of each response record.
pub(super) fn ends(rig: &Rig) -> Vec<String> {
    let records = rig.records();
    let responses = records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("response"));
    let of_tools = responses.filter_map(|record| {
        let text = |name| record.text(name).unwrap_or("-").to_owned();
        let tool = record.text(names::GEN_AI_TOOL_NAME)?;
        Some(format!("{tool}: {} {}", text(names::AUDITRAIL_OUTCOME_DETAIL), text(names::ERROR_TYPE)))
    });
    let mut ends: Vec<_> = of_tools.collect();
    ends.sort();
    ends
}

fn call(id: &str, tool: &str) -> Request<Script> {
    let id = if id.is_empty() { String::new() } else { format!("\"id\":{id},") };
    let body = format!(r#"{{"jsonrpc":"2.0",{id}"method":"tools/call","params":{{"name":"{tool}"}}}}"#);
    post(Box::leak(body.into_bytes().into_boxed_slice()))
}

fn ok(id: &str) -> String {
    format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"content\":[]}}}}\n\n")
}

fn failed(id: &str) -> String {
    format!("data: {{\"jsonrpc\":\"2.0\",\"id\":{id},\"error\":{{\"code\":-32000,\"message\":\"\"}}}}\n\n")
}

/// Asks, with an answer that nobody has read yet.
fn open(layer: &McpLayer, request: Request<Script>, answer: &str) -> Response<TapBody<Script>> {
    let answer = Arc::new(answer.to_owned());
    let mut service = layer.layer(answering(move || response(200, "text/event-stream", answer.as_bytes())));
    now(service.call(request)).unwrap()
}

fn session(rig: &Rig) -> McpLayer {
    let layer = rig.trail.mcp_layer();
    exchange(&mut layer.layer(answering(|| issuing("issued-1"))), post(INITIALIZE));
    layer
}

/// The SDKs know the streams of a session by the ids of what was asked, so the answer of one call may go out with the stream
/// of the other.
#[test]
fn of_two_open_calls_of_a_session_with_one_id_neither_gets_an_outcome() {
    for (first, second) in [("1", "1"), ("1", r#""1""#), (r#""1""#, "1"), ("9007199254740992", "9007199254740993")] {
        let rig = Rig::new();
        let layer = session(&rig);
        // What the first was asked is answered with the second stream, and then what the second was asked.
        let mut one = open(&layer, within(call(first, "deletes"), "issued-1"), &ok(first));
        let mut other = open(&layer, within(call(second, "lists"), "issued-1"), &failed(first));
        read(other.body_mut());
        read(one.body_mut());
        drop((one, other));
        let both = ["deletes: - ambiguous_id", "lists: - ambiguous_id"];
        assert_eq!(ends(&rig), both, "{first}, {second}");
        // Both answers have come: whatever is asked now gets its own.
        read(open(&layer, within(call(first, "other"), "issued-1"), &failed(first)).body_mut());
        assert_eq!(ends(&rig)[2], "other: jsonrpc_error -32000");
    }
}

#[test]
fn calls_with_one_id_that_do_not_meet_have_their_own_outcomes() {
    // One after the other, in a session.
    let rig = Rig::new();
    let layer = session(&rig);
    for (tool, answer) in [("deletes", ok("1")), ("lists", failed("1"))] {
        read(open(&layer, within(call("1", tool), "issued-1"), &answer).body_mut());
    }
    assert_eq!(ends(&rig), ["deletes: ok -", "lists: jsonrpc_error -32000"]);
    // Both at once, of clients that have nothing to do with each other.
    let rig = Rig::new();
    let layer = rig.trail.mcp_layer();
    let mut one = open(&layer, call("1", "deletes"), &ok("1"));
    let mut other = open(&layer, call("1", "lists"), &failed("1"));
    read(other.body_mut());
    read(one.body_mut());
    assert_eq!(ends(&rig), ["deletes: ok -", "lists: jsonrpc_error -32000"]);
    // An HTTP error is of its own request, whatever else is open. The SDK for Go answers an id so that is open already.
    let duplicate = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"duplicate in-flight request ID 1"}}"#;
    for (status, body, expected) in [
        (401, r#"{"error":"invalid_token"}"#, "lists: denied http_error"),
        (400, duplicate, "lists: jsonrpc_error -32600"),
    ] {
        let rig = Rig::new();
        let layer = session(&rig);
        let mut one = open(&layer, within(call("1", "deletes"), "issued-1"), &ok("1"));
        let mut refusing = layer.layer(answering(|| response(status, "application/json", body.as_bytes())));
        exchange(&mut refusing, within(call("1", "lists"), "issued-1"));
        read(one.body_mut());
        assert_eq!(ends(&rig), ["deletes: ok -", expected]);
    }
}

#[test]
fn a_call_without_an_id_is_a_call_that_wants_no_answer() {
    for (status, answer, expected) in [
        (202, "", "deletes: no_response no_id"),
        (200, "data: {\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}\n\n", "deletes: no_response no_id"),
        (400, "", "deletes: http_error http_error"),
        (
            200,
            "data: {\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32600,\"message\":\"\"}}\n\n",
            "deletes: jsonrpc_error -32600",
        ),
    ] {
        for in_session in [false, true] {
            let rig = Rig::new();
            let layer = session(&rig);
            let request = call("", "deletes");
            let request = if in_session { within(request, "issued-1") } else { request };
            let mut service = layer.layer(answering(|| response(status, "text/event-stream", answer.as_bytes())));
            exchange(&mut service, request);
            assert_eq!(ends(&rig), [expected], "{status} {answer}");
            let told = rig.told();
            assert!(
                !told.iter().any(|told| told.contains("notification") || told.contains("http.request")),
                "{told:?}"
            );
        }
    }
}

/// Only a GET takes up a stream again.
#[test]
fn last_event_id_on_a_post_makes_no_replay_of_an_answer() {
    let rig = Rig::new();
    let layer = session(&rig);
    let event = |id: &str| format!("id: 0/1\n{}", ok(id));
    read(open(&layer, within(call("1", "first"), "issued-1"), &event("1")).body_mut());
    let mut request = within(call("2", "second"), "issued-1");
    request.headers_mut().insert("last-event-id", http::HeaderValue::from_static("0/1"));
    read(open(&layer, request, &event("2")).body_mut());
    assert_eq!(ends(&rig), ["first: ok -", "second: ok -"]);
    assert_eq!(rig.trail.wire_counts().replayed, 0);
}

/// What does not belong to it, or is no answer of a server that has ended it.
#[test]
fn a_404_elsewhere_does_not_end_a_session() {
    let of_session = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        within(request.body(Script::new(&[])).unwrap(), "issued-1")
    };
    let unknown = br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#;
    for (request, body) in [
        (of_session("GET", "/health"), &b""[..]),
        (of_session("GET", "/mcp"), b""),
        (of_session("POST", "/elsewhere"), b""),
        (of_session("DELETE", "/mcp/2"), b""),
        (within(call("1", "unknown"), "issued-1"), unknown),
        (within(call("1", "unknown"), "issued-2"), b""),
    ] {
        let rig = Rig::new();
        let layer = session(&rig);
        let about = format!("{} {}", request.method(), request.uri());
        exchange(&mut layer.layer(answering(|| response(404, "application/json", body))), request);
        let ended = |rig: &Rig| rig.told().contains(&"mcp.session - -: end".to_owned());
        assert!(!ended(&rig), "{about}");
        let gone = within(call("2", "late"), "issued-1");
        exchange(&mut layer.layer(answering(|| response(404, "text/plain", b"Session not found"))), gone);
        assert!(ended(&rig), "{about}");
    }
}

/// Some servers go on with what runs, and answer it, when somebody has ended its session.
#[test]
fn what_is_answered_behind_the_end_of_its_session_has_that_outcome() {
    for (answer, expected) in [(ok("1"), "runs: ok -"), (String::new(), "runs: no_response disconnected")] {
        let rig = Rig::new();
        let layer = session(&rig);
        // Its exchange is over, so no answer can come any more.
        read(open(&layer, within(call("2", "waits"), "issued-1"), "").body_mut());
        let mut runs = open(&layer, within(call("1", "runs"), "issued-1"), &answer);
        let end = Request::delete("/mcp").body(Script::new(&[])).unwrap();
        exchange(&mut layer.layer(answering(|| response(200, "text/plain", b""))), within(end, "issued-1"));
        assert_eq!(ends(&rig), ["waits: no_response disconnected"]);
        assert!(rig.told().contains(&"mcp.session - -: end".to_owned()));
        read(runs.body_mut());
        assert_eq!(ends(&rig), [expected, "waits: no_response disconnected"]);
    }
}

fn message(id: &str, tool: &str, alternative: Option<u64>) -> Message {
    let id = Some(Id { kind: IdKind::Integer, text: id.to_owned(), rest: 0 });
    let params = Params { name: Some(tool.to_owned()), ..Params::default() };
    Message { id, method: Some("tools/call".into()), is_jsonrpc: true, params, alternative, ..Message::default() }
}

fn answer_to(id: &str, code: Option<i64>) -> Message {
    let id = Some(Id { kind: IdKind::Integer, text: id.to_owned(), rest: 0 });
    let (has_error, error) = (code.is_some(), ErrorFacts { code, message: None });
    Message { id, is_jsonrpc: true, has_result: !has_error, has_error, error, ..Message::default() }
}

const TO_SERVER: Direction = Direction::ClientToServer;
const TO_CLIENT: Direction = Direction::ServerToClient;

/// What readers make of one message is answered by one answer; whose it is of two messages is not known for that.
#[test]
fn an_answer_is_for_all_that_one_message_may_be() {
    for (second, expected) in [
        (Some(7), ["one: ok -", "other: ok -"]),
        (Some(8), ["one: - ambiguous_id", "other: - ambiguous_id"]),
        (None, ["one: - ambiguous_id", "other: - ambiguous_id"]),
    ] {
        let rig = Rig::new();
        let exchange = Correlator::new(rig.trail.core()).exchange(MessageOrigin::default());
        for (tool, alternative) in [("one", Some(7)), ("other", second)] {
            drop(exchange.see(TO_SERVER, message("1", tool, alternative)));
        }
        drop(exchange.see(TO_CLIENT, answer_to("1", None)));
        assert_eq!(ends(&rig), expected, "{second:?}");
    }
}

/// Nor is an answer for what has not reached the server, and a refusal is for the call that it refuses.
#[test]
fn a_call_that_is_held_back_is_not_answered_by_the_server() {
    let rig = Rig::new();
    let origin = MessageOrigin { is_held: true, ..MessageOrigin::default() };
    let exchange = Correlator::new(rig.trail.core()).exchange(origin);
    let passes = exchange.see(TO_SERVER, message("1", "passes", None)).unwrap();
    now(passes.may_run()).unwrap();
    let waits = exchange.see(TO_SERVER, message("1", "waits", None)).unwrap();
    exchange.refuse(&waits, answer_to("1", Some(Refused::UNRECORDED_CODE)));
    let held = exchange.see(TO_SERVER, message("1", "held", None)).unwrap();
    drop(exchange.see(TO_CLIENT, answer_to("1", None)));
    exchange.refuse(&held, answer_to("1", Some(Refused::UNRECORDED_CODE)));
    assert_eq!(ends(&rig), ["held: denied -32044", "passes: ok -", "waits: denied -32044"]);
}
