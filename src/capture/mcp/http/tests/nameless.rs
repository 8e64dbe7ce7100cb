//! Errors without an id, in the one response to what was asked.

use tower_layer::Layer as _;

use super::ids::ends;
use super::rig::Rig;
use super::service::{answering, exchange, post, response};
use crate::capture::mcp::correlate::{Correlator, MessageOrigin};
use crate::capture::mcp::message::{ErrorFacts, Id, Message};
use crate::trail::Direction;

const A: &str = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}"#;
const B: &str = r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"b"}}"#;
const NULL: &str = r#"{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"null"}}"#;
const OK_A: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#;
const ERROR: &str = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}"#;

const AMBIGUOUS: &str = "null: - ambiguous_id";

/// What became of each call, of a body that was answered with that status and document.
fn answered(request: &str, status: u16, answer: &str) -> Vec<String> {
    let rig = Rig::new();
    let answer = answer.to_owned();
    let layer = rig.trail.mcp_layer();
    let mut service = layer.layer(answering(move || response(status, "application/json", answer.as_bytes())));
    exchange(&mut service, post(Box::leak(request.to_owned().into_bytes().into_boxed_slice())));
    ends(&rig)
}

#[test]
fn it_ends_a_call_beside_which_nothing_can_have_caused_it() {
    let refused = "jsonrpc_error -32600";
    assert_eq!(answered(A, 200, ERROR), [format!("a: {refused}")]);
    assert_eq!(answered(&format!("[{A},{B}]"), 200, ERROR), [format!("a: {refused}"), format!("b: {refused}")]);
    // The batch was refused, or the one element that has no id.
    let both = ["a: ok -".to_owned(), format!("null: {refused}")];
    assert_eq!(answered(&format!("[{NULL},{A}]"), 200, &format!("[{ERROR},{OK_A}]")), both);
    // Readings of one message, of which the server has run none.
    let twice =
        A.replace("\"name\":\"a\"", "\"name\":\"a\",\"name\":\"b\"").replace("{\"json", "{\"Method\":\"x\",\"json");
    assert!(
        answered(&twice, 200, ERROR).iter().all(|end| end.ends_with(refused)),
        "{:?}",
        answered(&twice, 200, ERROR)
    );
}

#[test]
fn a_call_beside_something_else_waits_for_its_own_answer() {
    for (request, answer, expected) in [
        (format!("[{{}},{A}]"), format!("[{ERROR},{OK_A}]"), &["a: ok -"][..]),
        (format!("[{{}},{A}]"), ERROR.to_owned(), &["a: - ambiguous_id"]),
        (format!("[{NULL},{NULL},{A}]"), format!("[{ERROR},{ERROR},{OK_A}]"), &["a: ok -", AMBIGUOUS, AMBIGUOUS]),
    ] {
        assert_eq!(answered(&request, 200, &answer), expected, "{request}, answered {answer}");
    }
}

/// An error by its status is of all that was asked.
#[test]
fn an_http_error_is_of_its_request_whatever_stands_in_it() {
    for request in [format!("[{{}},{A}]"), A.to_owned()] {
        assert_eq!(answered(&request, 400, ERROR), ["a: jsonrpc_error -32600"], "{request}");
    }
    assert_eq!(answered(&format!("[{{}},{A}]"), 400, &format!("[{ERROR},{OK_A}]")), ["a: ok -"]);
}

/// A client may say something, too, when the response has begun.
#[test]
fn a_client_ends_no_call_of_its_own() {
    let rig = Rig::new();
    let exchange = Correlator::new(rig.trail.core()).exchange(MessageOrigin::default());
    let message = Message { is_jsonrpc: true, ..Message::default() };
    let (method, id) = (Some("tools/call".to_owned()), Some(Id::of_integer(1)));
    let mut call = Message { method, id, ..message.clone() };
    call.params.name = Some("a".to_owned());
    drop(exchange.see(Direction::ClientToServer, call));
    exchange.status(200);
    let error = ErrorFacts { code: Some(-32600), message: None };
    drop(exchange.see(Direction::ClientToServer, Message { has_error: true, error, ..message }));
    drop(exchange);
    assert_eq!(ends(&rig), ["a: no_response disconnected"]);
}
