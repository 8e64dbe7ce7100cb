//! Whole exchanges through the service, with an inner service that does what a test says.

use std::future::{Future, Ready, pending, ready};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as _;
use tower_layer::Layer as _;
use tower_service::Service;

use super::rig::{Rig, Script, Step, int, next, read};
use crate::capture::mcp::correlate::Exchange;
use crate::capture::mcp::{McpLayer, McpService, PeerAddr, TapBody};
use crate::record::{Record, names};
use crate::trail::Actor;

pub(super) type Asked = Request<TapBody<Script>>;

/// An inner service.
#[derive(Clone)]
pub(super) struct Inner<F>(pub(super) F);

impl<F: FnMut(Asked) -> Fut, Fut: Future<Output = Result<Response<Script>, &'static str>>> Service<Asked> for Inner<F> {
    type Response = Response<Script>;
    type Error = &'static str;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Asked) -> Fut {
        (self.0)(request)
    }
}

/// Reads the request and answers so.
pub(super) fn answering(
    respond: impl Fn() -> Response<Script>,
) -> Inner<impl FnMut(Asked) -> Ready<Result<Response<Script>, &'static str>>> {
    Inner(move |mut request: Asked| {
        read(request.body_mut());
        ready(Ok(respond()))
    })
}

pub(super) fn post(body: &'static [u8]) -> Request<Script> {
    let request = Request::post("/mcp?key=canary-query").header("content-type", "application/json");
    request.body(Script::new(&[body]).with_length()).unwrap()
}

pub(super) fn response(status: u16, content_type: &str, body: &[u8]) -> Response<Script> {
    let response = Response::builder().status(status).header("content-type", content_type);
    response.body(Script::new(&[body])).unwrap()
}

pub(super) fn now<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

/// Opens the session of that id.
pub(super) fn issuing(id: &'static str) -> Response<Script> {
    let mut response = response(200, "text/event-stream", INITIALIZED);
    response.headers_mut().insert("mcp-session-id", http::HeaderValue::from_static(id));
    response
}

pub(super) fn within(mut request: Request<Script>, id: &'static str) -> Request<Script> {
    request.headers_mut().insert("mcp-session-id", http::HeaderValue::from_static(id));
    request
}

/// The bytes of the answer, read to the end.
pub(super) fn exchange<S>(service: &mut McpService<S>, request: Request<Script>) -> Vec<u8>
where
    S: Service<Asked, Response = Response<Script>, Error = &'static str>,
{
    read(now(service.call(request)).unwrap().body_mut())
}

#[test]
fn a_call_is_a_pair() {
    let rig = Rig::new();
    let mut service = rig.trail.mcp_layer().layer(answering(|| response(200, "text/event-stream", OK)));
    assert_eq!(exchange(&mut service, post(CALL)), OK);
    assert_eq!(rig.told(), ["mcp.tools.call request tools/call: -", "mcp.tools.call response tools/call: ok"]);
    let last = rig.records().pop().unwrap();
    assert_eq!(int(&last, names::HTTP_RESPONSE_STATUS_CODE), Some(200));
    assert_eq!(last.text(names::AUDITRAIL_MCP_TRANSPORT), Some("streamable_http"));
}

#[test]
fn the_call_is_begun_before_the_server_has_all_of_it_and_ended_before_the_client_has_its_answer() {
    let rig = Rig::new();
    let begun = Arc::new(std::sync::Mutex::new(0));
    let (trail, counted) = (rig.trail.clone(), begun.clone());
    let inner = Inner(move |mut request: Asked| {
        let before = trail.counts().emitted;
        assert!(next(request.body_mut()).is_some(), "the only frame, and no further poll");
        *counted.lock().unwrap() = trail.counts().emitted - before;
        ready(Ok(response(200, "text/event-stream", OK)))
    });
    let mut service = rig.trail.mcp_layer().layer(inner);
    let mut response = now(service.call(post(CALL))).unwrap();
    assert_eq!(*begun.lock().unwrap(), 1);
    let before = rig.trail.counts().emitted;
    assert!(next(response.body_mut()).is_some());
    assert_eq!(rig.trail.counts().emitted - before, 1);
    drop(response);
    assert_eq!(rig.told().len(), 2, "and no more when the rest is dropped");
}

/// HttpExchange 3.
#[test]
fn what_fails_without_a_message_is_a_pair_of_its_own() {
    let rig = Rig::new();
    let unread = Inner(|_: Asked| ready(Ok(response(406, "text/plain", b"Not Acceptable"))));
    let mut service = rig.trail.mcp_layer().layer(unread);
    assert_eq!(exchange(&mut service, post(CALL)), b"Not Acceptable");
    let get = Request::get("/mcp").header("mcp-session-id", "canary-made-up").body(Script::new(&[])).unwrap();
    exchange(&mut service, get);
    let records = rig.records();
    assert_eq!(rig.told(), ["http.request request -: -", "http.request response -: http_error"].repeat(2));
    let text = |record: &Record, name| record.text(name).map(str::to_owned);
    assert_eq!(text(&records[0], names::HTTP_REQUEST_METHOD).as_deref(), Some("POST"));
    assert_eq!(text(&records[1], names::URL_PATH).as_deref(), Some("/mcp"), "without the query");
    assert_eq!(int(&records[1], names::HTTP_RESPONSE_STATUS_CODE), Some(406));
    assert_eq!(int(&records[0], names::HTTP_RESPONSE_STATUS_CODE), None, "which was not known then");
    assert_eq!(text(&records[3], names::HTTP_REQUEST_METHOD).as_deref(), Some("GET"));
    assert_eq!(text(&records[3], names::MCP_SESSION_ID), None, "no session that the server has issued");
}

#[test]
fn what_succeeds_without_a_message_leaves_nothing() {
    let rig = Rig::new();
    let mut service = rig.trail.mcp_layer().layer(answering(|| response(200, "text/plain", b"fine")));
    for method in ["GET", "DELETE", "OPTIONS", "HEAD", "POST"] {
        let request = Request::builder().method(method).uri("/mcp").header("content-type", "text/plain");
        assert_eq!(exchange(&mut service, request.body(Script::new(&[b"hello"])).unwrap()), b"fine");
    }
    assert!(rig.records().is_empty());
}

#[test]
fn a_call_that_got_an_error_status_says_so() {
    let rig = Rig::new();
    let mut plain = rig.trail.mcp_layer().layer(answering(|| response(415, "text/plain", b"fail to deserialize")));
    exchange(&mut plain, post(CALL));
    let mut coded = rig.trail.mcp_layer().layer(answering(|| response(400, "application/json", MISMATCH)));
    exchange(&mut coded, post(CALL));
    let mut nameless = rig.trail.mcp_layer().layer(answering(|| response(400, "application/json", NAMELESS)));
    exchange(&mut nameless, post(CALL));
    let records = rig.records();
    let endings: Vec<_> = records.iter().filter_map(|record| record.text(names::ERROR_TYPE)).collect();
    assert_eq!(endings, ["http_error", "-32020", "-32020"]);
    let statuses: Vec<_> = records.iter().filter_map(|record| int(record, names::HTTP_RESPONSE_STATUS_CODE)).collect();
    assert_eq!(statuses, [415, 400, 400]);
    assert_eq!(rig.records().len(), 6);
}

#[test]
fn whoever_goes_away_ends_the_exchange() {
    let rig = Rig::new();
    // Before the response.
    let waiting = Inner(|mut request: Asked| {
        read(request.body_mut());
        pending()
    });
    let mut service = rig.trail.mcp_layer().layer(waiting);
    let mut future = Box::pin(service.call(post(CALL)));
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(future);
    // At its head, and in its middle.
    for frames in [0, 1] {
        let mut service = rig.trail.mcp_layer().layer(answering(|| {
            let steps = [Step::Data(Bytes::from_static(&OK[..10])), Step::Data(Bytes::from_static(&OK[10..]))];
            let response = Response::builder().header("content-type", "text/event-stream");
            response.body(Script::of(steps)).unwrap()
        }));
        let mut response = now(service.call(post(CALL))).unwrap();
        (0..frames).for_each(|_| drop(next(response.body_mut())));
    }
    // The service itself fails, with and without having read the request.
    let mut failing = rig.trail.mcp_layer().layer(Inner(|mut request: Asked| {
        read(request.body_mut());
        ready(Err("broken"))
    }));
    assert_eq!(now(failing.call(post(CALL))).err(), Some("broken"));
    let mut failing = rig.trail.mcp_layer().layer(Inner(|_: Asked| ready(Err("broken"))));
    assert_eq!(now(failing.call(post(CALL))).err(), Some("broken"));

    let pair = ["mcp.tools.call request tools/call: -", "mcp.tools.call response tools/call: no_response"];
    assert_eq!(rig.told(), pair.repeat(4));
}

#[test]
fn sessions_are_those_that_the_server_has_issued() {
    let rig = Rig::new();
    let layer = rig.trail.mcp_layer();
    exchange(&mut layer.layer(answering(|| issuing("issued-1"))), post(INITIALIZE));
    let mut calling = layer.layer(answering(|| response(200, "application/json", &OK[6..OK.len() - 2])));
    exchange(&mut calling, within(post(CALL), "issued-1"));
    exchange(&mut calling, within(post(CALL), "canary-made-up"));
    // The server's own request comes with a GET, its answer with a POST.
    let mut streaming = layer.layer(answering(|| response(200, "text/event-stream", ROOTS)));
    exchange(&mut streaming, within(Request::get("/mcp").body(Script::new(&[])).unwrap(), "issued-1"));
    let mut accepting = layer.layer(answering(|| Response::builder().status(202).body(Script::new(&[])).unwrap()));
    exchange(&mut accepting, within(post(ROOTS_LISTED), "issued-1"));
    exchange(&mut accepting, within(Request::delete("/mcp").body(Script::new(&[])).unwrap(), "issued-1"));
    exchange(&mut calling, within(post(CALL), "issued-1"));

    let told = rig.told();
    assert_eq!(
        told,
        [
            "mcp.request request initialize: -",
            "mcp.request response initialize: ok",
            "mcp.session - -: start",
            "mcp.tools.call request tools/call: -",
            "mcp.tools.call response tools/call: ok",
            "mcp.tools.call request tools/call: -",
            "mcp.tools.call response tools/call: ok",
            "mcp.request request roots/list: -",
            "mcp.request response roots/list: ok",
            "mcp.session - -: end",
            "mcp.tools.call request tools/call: -",
            "mcp.tools.call response tools/call: ok",
        ]
    );
    let records = rig.records();
    let ids: Vec<_> = records.iter().map(|record| record.text(names::MCP_SESSION_ID).unwrap_or("-")).collect();
    let issued = "issued-1";
    assert_eq!(ids[2..], [issued, issued, issued, "-", "-", issued, issued, issued, "-", "-"]);
}

#[test]
fn a_call_whose_stream_broke_is_answered_over_another() {
    let rig = Rig::new();
    let layer = rig.trail.mcp_layer();
    exchange(&mut layer.layer(answering(|| issuing("issued-1"))), post(INITIALIZE));
    // It ends before there is an answer, as a server does that lets its clients poll.
    let mut breaking = layer.layer(answering(|| response(200, "text/event-stream", b"id: 0/1\nretry: 10\ndata: \n\n")));
    exchange(&mut breaking, within(post(CALL), "issued-1"));
    let resume = || {
        let get = Request::get("/mcp").header("mcp-session-id", "issued-1").header("last-event-id", "0/1");
        get.body(Script::new(&[])).unwrap()
    };
    let mut resuming = layer.layer(answering(|| response(200, "text/event-stream", OK)));
    exchange(&mut resuming, resume());
    exchange(&mut resuming, resume());
    let calls: Vec<_> = rig.told().into_iter().filter(|told| told.contains("tools/call")).collect();
    assert_eq!(calls, ["mcp.tools.call request tools/call: -", "mcp.tools.call response tools/call: ok"], "once");
}

#[test]
fn facts_are_those_that_are_listed() {
    let rig = Rig::with(|builder| {
        builder.actor(|request| {
            let user = request.headers?.get("x-user")?.to_str().ok()?;
            Some(Actor::asserted(format!("{user}{}", request.extensions?.get::<u8>()?)))
        })
    });
    let mut service = rig.trail.mcp_layer().layer(answering(|| response(200, "text/event-stream", OK)));
    let mut request = post(CALL);
    let headers = [
        ("x-user", "alice"),
        ("x-request-id", "req-7"),
        ("user-agent", "curl/8"),
        ("mcp-protocol-version", "2025-06-18"),
        ("authorization", "Bearer canary-token"),
        ("cookie", "canary-cookie"),
        ("mcp-param-city", "canary-argument"),
        ("x-forwarded-for", "canary-forwarded"),
    ];
    for (name, value) in headers {
        request.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    request.extensions_mut().insert(PeerAddr(SocketAddr::from(([192, 0, 2, 7], 4711))));
    request.extensions_mut().insert(7_u8);
    *request.version_mut() = http::Version::HTTP_2;
    exchange(&mut service, request);
    let records = rig.records();
    for record in &records {
        let facts = [
            (names::AUDIT_ACTOR_ID, "alice7"),
            (names::AUDITRAIL_REQUEST_ID, "req-7"),
            (names::USER_AGENT_ORIGINAL, "curl/8"),
            (names::MCP_PROTOCOL_VERSION, "2025-06-18"),
            (names::CLIENT_ADDRESS, "192.0.2.7"),
            (names::NETWORK_PROTOCOL_NAME, "http"),
            (names::NETWORK_PROTOCOL_VERSION, "2"),
        ];
        for (name, value) in facts {
            assert_eq!(record.text(name), Some(value), "{name}");
        }
        assert_eq!(int(record, names::CLIENT_PORT), Some(4711));
        assert!(!format!("{record:?}").contains("canary"));
    }
}

/// Service 2, and what the wrapper finds.
#[test]
fn the_exchange_goes_with_the_request_and_is_tapped_once() {
    let rig = Rig::new();
    let inner = Inner(|mut request: Request<TapBody<TapBody<Script>>>| {
        assert!(request.extensions().get::<Arc<Exchange>>().is_some());
        read(request.body_mut());
        ready(Ok::<_, &'static str>(response(200, "text/event-stream", OK)))
    });
    let mut service = rig.trail.mcp_layer().layer(rig.trail.mcp_layer().layer(Doubly(inner)));
    assert_eq!(read(now(service.call(post(CALL))).unwrap().body_mut()), OK);
    assert_eq!(rig.told().len(), 2);
}

struct Doubly<F>(Inner<F>);

impl<F> Service<Request<TapBody<TapBody<Script>>>> for Doubly<F>
where
    F: FnMut(Request<TapBody<TapBody<Script>>>) -> Ready<Result<Response<Script>, &'static str>>,
{
    type Response = Response<Script>;
    type Error = &'static str;
    type Future = Ready<Result<Response<Script>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<TapBody<TapBody<Script>>>) -> Self::Future {
        (self.0.0)(request)
    }
}

#[test]
fn an_unknown_coding_is_said_once() {
    let rig = Rig::new();
    let mut service = rig.trail.mcp_layer().layer(answering(|| {
        let mut response = response(200, "application/json", b"(\xb5/\xfd");
        response.headers_mut().insert("content-encoding", http::HeaderValue::from_static("compress"));
        response
    }));
    for _ in 0..3 {
        assert_eq!(exchange(&mut service, post(CALL)), b"(\xb5/\xfd");
    }
    let said = rig.said();
    assert_eq!(said.iter().filter(|text| text.contains("Content-Encoding")).count(), 1, "{said:?}");
    let records = rig.records();
    assert_eq!(records[5].text(names::AUDITRAIL_OUTCOME_DETAIL), Some("no_response"));
    assert_eq!(records[5].text(names::ERROR_TYPE), Some("unreadable"));
    assert_eq!(rig.trail.wire_counts().unread, 3);
}

#[test]
fn a_server_without_sessions_begins_none() {
    let rig = Rig::new();
    let mut service = rig.trail.mcp_layer().layer(answering(|| response(200, "text/event-stream", INITIALIZED)));
    exchange(&mut service, post(INITIALIZE));
    drop(service);
    assert_eq!(rig.told(), ["mcp.request request initialize: -", "mcp.request response initialize: ok"]);
}

/// A client may ask for another session with the id of the one that it has.
#[test]
fn a_session_within_a_session_is_another() {
    let rig = Rig::new();
    let layer = rig.trail.mcp_layer();
    let mut one = layer.layer(answering(|| issuing("one")));
    exchange(&mut one, post(INITIALIZE));
    exchange(&mut one, within(post(INITIALIZE), "one"));
    exchange(&mut layer.layer(answering(|| issuing("two"))), within(post(INITIALIZE), "one"));
    let mut calling = layer.layer(answering(|| response(200, "text/event-stream", OK)));
    for id in ["one", "two"] {
        let before = rig.records().len();
        exchange(&mut calling, within(post(CALL), id));
        let records = rig.records();
        assert_eq!(records.len() - before, 2);
        assert!(records[before..].iter().all(|record| record.text(names::MCP_SESSION_ID) == Some(id)));
    }
}

#[test]
fn a_response_without_a_body_is_over_at_its_head() {
    let rig = Rig::new();
    for (status, length) in [(400, Some("0")), (304, None), (500, None)] {
        let mut service = rig.trail.mcp_layer().layer(answering(|| {
            let mut response = Response::builder().status(status).body(Script::new(&[])).unwrap();
            if let Some(length) = length {
                response.headers_mut().insert("content-length", http::HeaderValue::from_static(length));
            }
            if status == 500 {
                *response.body_mut() = Script::new(&[]).knowing_its_end();
            }
            response
        }));
        let before = rig.trail.counts().emitted;
        let response = now(service.call(post(CALL))).unwrap();
        assert_eq!(rig.trail.counts().emitted - before, 2, "{status}");
        assert!(response.body().size_hint().lower() == 0);
    }
}

/// Service 1.
#[test]
fn a_panic_in_the_tap_costs_no_answer() {
    let rig = Rig::new();
    let layer = rig.trail.mcp_layer();
    let mut service = layer.layer(answering(|| response(200, "text/event-stream", OK)));
    let breaking = rig.clock.breaking();
    assert_eq!(exchange(&mut service, post(CALL)), OK);
    drop(breaking);
    assert!(rig.records().is_empty());
    assert!(rig.said().iter().any(|text| text.contains("because of a bug in auditrail")), "{:?}", rig.said());
    assert_eq!(exchange(&mut service, post(CALL)), OK);
    assert_eq!(rig.records().len(), 2, "the next is recorded");
}

#[test]
fn layers_and_bodies_can_be_shown() {
    let rig = Rig::new();
    let layer: McpLayer = rig.trail.mcp_layer();
    let mut service = layer.layer(answering(|| response(200, "text/event-stream", OK)));
    let response = now(service.call(post(CALL))).unwrap();
    for shown in [format!("{layer:?}"), format!("{:?}", response.body())] {
        assert!(shown.len() < 10_000, "{shown}");
    }
}

pub(super) const CALL: &[u8] =
    br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{}}}"#;
pub(super) const OK: &[u8] = b"data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n\n";
const MISMATCH: &[u8] = br#"{"jsonrpc":"2.0","id":1,"error":{"code":-32020,"message":"canary"}}"#;
const NAMELESS: &[u8] = br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32020,"message":"canary"}}"#;
pub(super) const INITIALIZE: &[u8] = br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
const INITIALIZED: &[u8] = b"data: {\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"protocolVersion\":\"2025-06-18\"}}\n\n";
const ROOTS: &[u8] = b"data: {\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"roots/list\"}\n\n";
const ROOTS_LISTED: &[u8] = br#"{"jsonrpc":"2.0","id":0,"result":{"roots":[]}}"#;
