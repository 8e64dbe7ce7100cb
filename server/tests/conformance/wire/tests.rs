//! The counter itself: what counts as a request, what answers it, and what an audit of it finds.

use std::sync::{Arc, Mutex};

use auditrail::record::{Outcome, Record, names};
use auditrail::trail::Call;
use axum::body::Body;
use http::StatusCode;
use http_body::Body as _;
use libtest_mimic::Trial;

use super::body::Copied;
use super::events::Events;
use super::log::{Answer, Direction, Log};
use super::{Audit, Request};
use crate::peers::{own, trial};
use crate::support::Bench;

const OK: StatusCode = StatusCode::OK;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        own("wire::both_sides_may_use_the_same_id", both_sides_may_use_the_same_id),
        own("wire::what_is_sent_again_is_not_counted_again", what_is_sent_again_is_not_counted_again),
        own(
            "wire::each_request_of_a_batch_counts_and_no_other_exchange_answers_it",
            each_request_of_a_batch_counts_and_no_other_exchange_answers_it,
        ),
        own("wire::what_asks_nothing_may_be_refused", what_asks_nothing_may_be_refused),
        own("wire::events_are_whole_however_their_bytes_come", events_are_whole_however_their_bytes_come),
        trial("wire::a_body_passes_as_it_is", &[], |_| a_body_passes_as_it_is()),
        trial("wire::an_audit_finds_what_is_missing_and_what_is_too_much", &[], |_| {
            an_audit_finds_what_is_missing_and_what_is_too_much()
        }),
    ]
}

fn both_sides_may_use_the_same_id() {
    let (mut log, session) = (Log::default(), Some("s".to_owned()));
    let call = log.begun(session.clone(), br#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#);
    log.answered(call, OK, None);
    log.sent(call, br#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}"#);
    log.sent(call, br#"{"jsonrpc":"2.0","method":"notifications/progress"}"#);
    let reply = log.begun(session, br#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    log.answered(reply, StatusCode::ACCEPTED, None);
    log.sent(call, br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32602}}"#);
    let seen: Vec<_> = log.requests().iter().map(|it| (it.direction, it.method.as_str(), it.answer)).collect();
    assert_eq!(
        seen,
        [
            (Direction::ClientToServer, "tools/call", Some(Answer::Error(-32602))),
            (Direction::ServerToClient, "sampling/createMessage", Some(Answer::Result)),
        ]
    );
}

fn what_is_sent_again_is_not_counted_again() {
    let (mut log, session) = (Log::default(), Some("s".to_owned()));
    let asked = br#"{"jsonrpc":"2.0","id":0,"method":"elicitation/create"}"#;
    let call = log.begun(session.clone(), br#"{"jsonrpc":"2.0","id":7,"method":"tools/call"}"#);
    log.sent(call, asked);
    let back = log.begun(session, b"");
    log.sent(back, asked);
    log.sent(back, br#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
    let answers: Vec<_> = log.requests().iter().map(|request| request.answer).collect();
    assert_eq!(answers, [Some(Answer::Result), None], "the answer came by another exchange of the session");
}

fn each_request_of_a_batch_counts_and_no_other_exchange_answers_it() {
    let mut log = Log::default();
    let batch = br#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":"1","method":"ping"}]"#;
    let first = log.begun(None, batch);
    let second = log.begun(None, br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#);
    log.answered(first, StatusCode::FORBIDDEN, None);
    log.answered(second, OK, None);
    log.sent(second, br#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    log.begun(None, b"this is not JSON");
    let ends: Vec<_> = log.requests().iter().map(|request| (request.status.unwrap(), request.answer)).collect();
    assert_eq!(ends, [(StatusCode::FORBIDDEN, None), (StatusCode::FORBIDDEN, None), (OK, Some(Answer::Result))]);
}

fn what_asks_nothing_may_be_refused() {
    let (mut log, session) = (Log::default(), Some("s".to_owned()));
    for (body, status) in [
        (&br#"{"jsonrpc":"2.0","id":1,"result":{}}"#[..], 404),
        (br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, 202),
        (br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, 403),
        (b"", 405),
    ] {
        let exchange = log.begun(session.clone(), body);
        log.answered(exchange, StatusCode::from_u16(status).unwrap(), None);
    }
    assert_eq!(log.refused(), [404]);
}

fn events_are_whole_however_their_bytes_come() {
    let stream = b": keep-alive\n\nid: 1\r\nretry: 3000\r\ndata: \r\n\r\nevent: message\ndata: {\"a\":\ndata: 1}\n\ndata:2\n\nda";
    let mut events = Events::default();
    let data: Vec<u8> = stream.iter().flat_map(|byte| events.feed(&[*byte])).flatten().collect();
    assert_eq!(String::from_utf8(data).unwrap(), "\n{\"a\":\n1}\n2\n");
}

async fn a_body_passes_as_it_is() {
    for (is_events, text) in [(true, "data: {}\n\n: end\n\n"), (false, "{}\n{}"), (false, "")] {
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let copy = seen.clone();
        let body = Copied::new(Body::from(text), is_events, move |message| copy.lock().unwrap().extend(message));
        assert_eq!(body.size_hint().exact(), Some(text.len() as u64), "hyper may announce the length");
        assert_eq!(axum::body::to_bytes(Body::new(body), 100).await.unwrap(), text);
        let message = if is_events { "{}\n" } else { text };
        assert_eq!(String::from_utf8_lossy(&seen.lock().unwrap()), message);
    }
}

async fn an_audit_finds_what_is_missing_and_what_is_too_much() {
    let mut log = Log::default();
    log.begun(None, br#"[{"id":1,"method":"ping"},{"id":1,"method":"ping"},{"id":"1","method":"tools/list"}]"#);
    let wire = log.requests();
    let bench = Bench::new();
    for (method, id, id_type) in [("ping", 1, "number"), ("ping", 1, "number"), ("tools/list", 1, "string")] {
        let call = Call::mcp(method)
            .attribute(names::JSONRPC_REQUEST_ID, id.to_string())
            .attribute(names::AUDITRAIL_JSONRPC_ID_TYPE, id_type);
        bench.trail.begin(call).await.unwrap().finish(Outcome::ok()).await;
    }
    let records = bench.records();
    Audit::of(wire, &records).assert_one_pair_each();

    let shown = |wire: &[Request], records: &[Record]| Audit::of(wire, records).to_string();
    let all = "2 of 2 requests on the wire have a pair of records\n";
    assert_eq!(shown(&wire[..2], &records), format!("{all}  pair without request: 1 × tools/list (ClientToServer)\n"));
    assert_eq!(
        shown(wire, &records[2..]),
        "2 of 3 requests on the wire have a pair of records\n  no pair: 1 × ping (ClientToServer) no answer\n"
    );
    assert_eq!(
        shown(wire, &records[1..]).lines().last().unwrap(),
        r#"  not one pair: ping 1 has ["response"]"#,
        "half a pair is none"
    );
}
