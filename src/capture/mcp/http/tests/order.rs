//! Requests and responses whose parts come in any order. (The numbers are those of the invariants of `http_exchange.rs`.)

use std::future::ready;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use tower_layer::Layer as _;
use tower_service::Service;

use super::rig::{Rig, Script, int, next};
use super::service::{Asked, Inner, now};
use crate::capture::mcp::TapBody;
use crate::record::names;

/// How a body is framed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Framing {
    /// With `Content-Length`.
    Length,
    /// In chunks: its end comes behind its last byte.
    Chunked,
    /// As HTTP/2: its last frame says that it is the last.
    Ended,
}

const FRAMINGS: [Framing; 3] = [Framing::Length, Framing::Chunked, Framing::Ended];

fn framed(body: &[u8], pieces: usize, framing: Framing) -> Script {
    let size = body.len().div_ceil(pieces).max(1);
    let script = Script::new(&body.chunks(size).collect::<Vec<_>>());
    match framing {
        Framing::Length => script.with_length(),
        Framing::Chunked => script,
        Framing::Ended => script.knowing_its_end(),
    }
}

/// A request whose server answers after so many of its frames, and whose other frames come when the test wants them.
struct Early {
    request: Option<Asked>,
    response: Option<Response<TapBody<Script>>>,
}

impl Early {
    fn begin(rig: &Rig, request: Request<Script>, frames_before: usize, response: Response<Script>) -> Self {
        let (kept, answer) = (Arc::new(Mutex::new(None)), Mutex::new(Some(response)));
        let keep = kept.clone();
        let inner = Inner(move |mut request: Asked| {
            (0..frames_before).for_each(|_| drop(next(request.body_mut())));
            *keep.lock().unwrap() = Some(request);
            ready(Ok(answer.lock().unwrap().take().unwrap()))
        });
        let response = now(rig.trail.mcp_layer().layer(inner).call(request)).unwrap();
        let request = kept.lock().unwrap().take();
        Self { request, response: Some(response) }
    }

    fn request_frames(&mut self, count: usize) {
        let request = self.request.as_mut().unwrap();
        (0..count).for_each(|_| drop(next(request.body_mut())));
    }

    fn response_frames(&mut self, count: usize) {
        let response = self.response.as_mut().unwrap();
        (0..count).for_each(|_| drop(next(response.body_mut())));
    }
}

fn post(body: Script) -> Request<Script> {
    Request::post("/mcp").header("content-type", "application/json").body(body).unwrap()
}

fn answer(status: u16, kind: &str, body: Script) -> Response<Script> {
    Response::builder().status(status).header("content-type", kind).body(body).unwrap()
}

/// 1, 2: every way to lay the frames of a request and the head and the frames of its response behind one another.
#[test]
fn one_request_is_one_pair_however_head_body_and_answer_interleave() {
    const FRAMES: usize = 4; // Three, and a poll behind the last.
    for (asked, answered) in FRAMINGS.into_iter().flat_map(|one| FRAMINGS.map(|other| (one, other))) {
        let rig = Rig::new();
        let ways = (0..=FRAMES).flat_map(|before| (0..=FRAMES - before).map(move |between| (before, between)));
        let ways: Vec<_> = ways.collect();
        for (before, between) in &ways {
            let body = framed(b"{\"error\":\"invalid_token\"}", 2, answered);
            let refused = answer(401, "application/json", body);
            let mut early = Early::begin(&rig, post(framed(CALL, 3, asked)), *before, refused);
            early.response_frames(1);
            early.request_frames(*between);
            early.response_frames(2);
            drop(early.response.take());
            early.request_frames(FRAMES - before - between);
        }
        let told = [
            "mcp.tools.call request tools/call: -",
            "authn - tools/call: denied",
            "mcp.tools.call response tools/call: denied",
        ];
        assert_eq!(rig.told(), told.repeat(ways.len()), "{asked:?}, {answered:?}");
        for (at, record) in rig.records().iter().enumerate() {
            let (before, between) = ways[at / 3];
            let way = format!("{asked:?}, {answered:?}, {before} frames before the head, {between} before its end");
            assert_eq!(record.text(names::GEN_AI_TOOL_NAME), Some("delete_user"), "{way}");
            assert_eq!(record.text(names::JSONRPC_REQUEST_ID), Some("7"), "{way}");
            assert_eq!(int(record, names::HTTP_RESPONSE_STATUS_CODE), (at % 3 > 0).then_some(401), "{way}");
        }
    }
}

/// 1: a server may understand a request before its end, which is the last chunk.
#[test]
fn an_answer_finds_its_request_although_that_ends_later() {
    for (kind, body) in [("application/json", OK), ("text/event-stream", EVENT)] {
        for early_end in [false, true] {
            let rig = Rig::new();
            let mut early = Early::begin(&rig, post(framed(CALL, 1, Framing::Chunked)), 1, {
                answer(200, kind, framed(body, 1, Framing::Length))
            });
            early.response_frames(1);
            if early_end {
                drop(early.response.take());
            }
            early.request_frames(1);
            drop(early);
            let pair = ["mcp.tools.call request tools/call: -", "mcp.tools.call response tools/call: ok"];
            assert_eq!(rig.told(), pair, "{kind}");
        }
    }
}

/// 1: so many answers are not kept.
#[test]
fn answers_that_nobody_asked_for_are_not_kept_without_an_end() {
    let rig = Rig::new();
    let many: Vec<u8> = (0..10_000).flat_map(|_| EVENT.iter().copied()).collect();
    let response = answer(200, "text/event-stream", framed(&many, 1, Framing::Chunked));
    let mut early = Early::begin(&rig, post(framed(CALL, 1, Framing::Chunked)), 1, response);
    early.response_frames(1);
    assert!(rig.trail.wire_counts().unasked > 9_000, "{:?}", rig.trail.wire_counts());
    early.request_frames(1);
    drop(early);
    assert_eq!(rig.told()[1], "mcp.tools.call response tools/call: ok");
}

/// 3: what was answered before it was there whole is named by its beginning.
#[test]
fn a_call_of_which_only_the_beginning_came_is_named_if_it_was_answered() {
    let id_last = br#"{"method":"tools/call","params":{"name":"delete_user","arguments":{"a":"xxxxxxxx"}},"id":7 }"#;
    for (body, length, tool, id) in [
        (CALL, CALL.len() - 1, Some("delete_user"), Some("7")),
        (CALL, CALL.len() - 2, Some("delete_user"), Some("7")),
        (CALL, 60, None, Some("7")),
        (&id_last[..], id_last.len() - 1, Some("delete_user"), Some("7")),
        (&id_last[..], 70, Some("delete_user"), None),
        (&id_last[..], 24, None, None),
    ] {
        let rig = Rig::new();
        let refused = answer(403, "text/plain", framed(b"no", 1, Framing::Length));
        let mut early = Early::begin(&rig, post(Script::new(&[&body[..length], b" "])), 1, refused);
        early.response_frames(1);
        drop(early);
        let told = [
            "mcp.tools.call request tools/call: -",
            "authz - tools/call: denied",
            "mcp.tools.call response tools/call: denied",
        ];
        assert_eq!(rig.told(), told, "{length} of {}", String::from_utf8_lossy(body));
        for record in &rig.records()[1..] {
            assert_eq!(record.text(names::GEN_AI_TOOL_NAME), tool, "{length}");
            assert_eq!(record.text(names::JSONRPC_REQUEST_ID), id, "{length}");
            assert_eq!(int(record, names::HTTP_RESPONSE_STATUS_CODE), Some(403));
        }
    }
    // Of which not even the method came.
    let rig = Rig::new();
    let refused = answer(403, "text/plain", framed(b"no", 1, Framing::Length));
    drop(Early::begin(&rig, post(Script::new(&[&CALL[..20], b" "])), 1, refused));
    let told = ["http.request request -: -", "authz - -: denied", "http.request response -: denied"];
    assert_eq!(rig.told(), told);
}

#[test]
fn a_call_of_which_only_the_beginning_came_and_that_nobody_answered_is_none() {
    let rig = Rig::new();
    let inner = Inner(|mut request: Asked| {
        drop(next(request.body_mut()));
        ready(Err("broken"))
    });
    let request = post(Script::new(&[&CALL[..CALL.len() - 1], b" "]));
    assert_eq!(now(rig.trail.mcp_layer().layer(inner).call(request)).err(), Some("broken"));
    assert!(rig.records().is_empty());
}

#[test]
fn a_call_that_came_after_its_answer_has_begun_before() {
    let rig = Rig::new();
    let refused = answer(401, "text/plain", framed(b"no", 1, Framing::Length));
    let mut early = Early::begin(&rig, post(framed(CALL, 1, Framing::Chunked)), 0, refused);
    early.response_frames(1);
    rig.clock.go_on(Duration::from_secs(3));
    early.request_frames(2);
    drop(early);
    let records = rig.records();
    assert_eq!(records[2].time_unix_nano - records[0].time_unix_nano, 3_000_000_000);
    assert_eq!(records[2].get(names::AUDITRAIL_DURATION), Some(&3.0.into()));
}

#[test]
fn a_session_that_is_given_before_it_was_asked_for_begins() {
    let rig = Rig::new();
    let mut response = answer(200, "application/json", framed(INITIALIZED, 1, Framing::Length));
    response.headers_mut().insert("mcp-session-id", http::HeaderValue::from_static("issued-1"));
    let mut early = Early::begin(&rig, post(framed(INITIALIZE, 1, Framing::Chunked)), 1, response);
    early.response_frames(1);
    early.request_frames(1);
    drop(early);
    let begun = ["mcp.request request initialize: -", "mcp.request response initialize: ok", "mcp.session - -: start"];
    assert_eq!(rig.told()[..3], begun);
    assert_eq!(rig.records()[2].text(names::MCP_SESSION_ID), Some("issued-1"));
}

const CALL: &[u8] = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"delete_user"}}"#;
const OK: &[u8] = br#"{"jsonrpc":"2.0","id":7,"result":{"content":[ ] }}"#;
const EVENT: &[u8] = b"data: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[]}}\n\n";
const INITIALIZE: &[u8] = br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
const INITIALIZED: &[u8] = br#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18"}}"#;
