//! `Trail::http_layer` around routes of an ordinary service.

use std::sync::{Arc, Mutex};

use auditrail::capture::mcp::PeerAddr;
use auditrail::record::{Record, Severity, Value, names};
use auditrail::{HttpLayer, HttpRecording};
use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode, Version};
use axum::response::Response;
use axum::routing::{any, get};
use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower_layer::Layer as _;
use tower_service::Service as _;
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, ask, pieces, request, serve, told, until};
use crate::support::{Bench, attribute, ids, record_ids, tracer};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

fn with_routes(layer: HttpLayer) -> HttpLayer {
    layer.route(|request| request.get::<MatchedPath>().map(|path| path.as_str().to_owned()))
}

fn int(record: &Record, name: &str) -> Option<i64> {
    match record.get(name)? {
        Value::Int(number) => Some(*number),
        other => panic!("{name} is {other:?}"),
    }
}

/// The pair, its span, and the handler's own spans under it. The query is nowhere.
#[tokio::test]
async fn a_request_is_a_pair_with_its_route_under_the_span_of_its_caller() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let otel = tracing_opentelemetry::layer().with_tracer(bench.trail.timed_tracer(tracer));
    let _guard = tracing_subscriber::registry().with(bench.trail.layer()).with(otel).set_default();
    let known = async |mut request: Request| {
        request.extensions_mut().insert(PeerAddr("[::ffff:192.0.2.7]:4711".parse().unwrap()));
        request
    };
    let router = Router::new()
        .route("/cities/{city}", get(async || looked_up().await))
        .layer(with_routes(bench.trail.http_layer()))
        .layer(axum::middleware::map_request(known));
    let address = serve(router).await;
    let headers: [&[u8]; 4] = [
        format!("traceparent: 00-{TRACE}-{CALLER}-01").leak().as_bytes(),
        b"baggage: secret=canary-baggage",
        b"x-request-id: order-17",
        b"user-agent: tests/1",
    ];
    let answer = ask(address, "GET /cities/Lisbon?key=canary-query", &headers, "").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("sunny"), "{answer}");
    assert!(!answer.contains("x-request-id"), "it is switched off by default: {answer}");

    let records = bench.records();
    assert_eq!(told(&records), ["http.request request: unknown", "http.request response: ok"]);
    for record in &records {
        for (name, value) in [
            (names::HTTP_REQUEST_METHOD, "GET"),
            (names::HTTP_ROUTE, "/cities/{city}"),
            (names::URL_PATH, "/cities/Lisbon"),
            (names::AUDITRAIL_REQUEST_ID, "order-17"),
            (names::CLIENT_ADDRESS, "192.0.2.7"),
            (names::NETWORK_TRANSPORT, "tcp"),
            (names::NETWORK_PROTOCOL_NAME, "http"),
            (names::NETWORK_PROTOCOL_VERSION, "1.1"),
            (names::USER_AGENT_ORIGINAL, "tests/1"),
        ] {
            assert_eq!(record.text(name), Some(value), "{name}");
        }
        assert_eq!(record.text(names::AUDITRAIL_MCP_TRANSPORT), None, "it is no MCP");
        assert_eq!(int(record, names::CLIENT_PORT), Some(4711));
    }
    assert_eq!(int(&records[0], names::HTTP_RESPONSE_STATUS_CODE), None);
    assert_eq!(int(&records[1], names::HTTP_RESPONSE_STATUS_CODE), Some(200));
    assert_eq!(records[1].text(names::AUDITRAIL_TENANT_ID), Some("blue"), "a span of the handler adds to it");
    assert!(records[1].get(names::AUDITRAIL_DURATION).is_some());

    let span = spans.named("GET /cities/{city}");
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(span.span_context.trace_id().to_string(), TRACE);
    assert_eq!(span.parent_span_id.to_string(), CALLER);
    assert_eq!(attribute(&span, "http.response.status_code").unwrap().to_string(), "200");
    assert_eq!(attribute(&span, "http.route").unwrap().as_str(), "/cities/{city}");
    assert_eq!(attribute(&span, "auditrail.request.id").unwrap().as_str(), "order-17");
    assert!(records.iter().all(|record| record_ids(record) == ids(&span)));
    let handler = spans.named("looked_up");
    assert_eq!(handler.parent_span_id, span.span_context.span_id());
    let everything = format!("{:?}{}", spans.all(), String::from_utf8_lossy(&bench.sunk.bytes()));
    assert!(!everything.contains("canary"), "{everything}");
}

#[tracing::instrument(fields(auditrail.tenant.id = "blue"))]
async fn looked_up() -> &'static str {
    "sunny"
}

/// A request beside MCP that the layer for MCP records is under its caller, too; it is known as such when it is over.
#[tokio::test]
async fn an_ordinary_request_beside_mcp_is_under_the_span_of_its_caller() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let otel = tracing_opentelemetry::layer().with_tracer(tracer);
    let _guard = tracing_subscriber::registry().with(bench.trail.layer()).with(otel).set_default();
    let router = Router::new().route("/mcp", get(async || StatusCode::BAD_GATEWAY)).layer(bench.trail.mcp_layer());
    let traceparent = format!("traceparent: 00-{TRACE}-{CALLER}-01");
    ask(serve(router).await, "GET /mcp", &[traceparent.as_bytes()], "").await;
    let records = bench.records();
    assert_eq!(told(&records), ["http.request request: unknown", "http.request response: http_error"]);
    let span = spans.named("GET");
    assert_eq!(
        (span.span_context.trace_id().to_string(), span.parent_span_id.to_string()),
        (TRACE.into(), CALLER.into())
    );
    assert_eq!(attribute(&span, "http.response.status_code").unwrap().to_string(), "502");
    assert!(span.links.is_empty() && records.iter().all(|record| record_ids(record) == ids(&span)));
}

/// A host that has a span of its own for the request keeps it in between; one of another trace is not of the request.
#[tokio::test]
async fn the_span_of_the_host_is_the_parent() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let otel = tracing_opentelemetry::layer().with_tracer(tracer);
    let _guard = tracing_subscriber::registry().with(bench.trail.layer()).with(otel).set_default();
    let mut service = bench.trail.http_layer().layer(tower_service_fn(|_| Ok(Response::new(Body::empty()))));
    let host = tracing::info_span!("host");
    let answer = host.in_scope(|| service.call(Request::get("/").body(Body::empty()).unwrap()));
    drop(answer.await.unwrap());
    let headed = Request::get("/").header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    let answer = host.in_scope(|| service.call(headed.body(Body::empty()).unwrap()));
    drop(answer.await.unwrap());
    drop(host);
    let host = spans.named("host");
    let parents: Vec<_> =
        spans.all().iter().filter(|span| span.name == "GET").map(|span| span.parent_span_id.to_string()).collect();
    assert_eq!(parents, [host.span_context.span_id().to_string(), CALLER.to_owned()]);
}

/// What is said of each request of a service, by the selection.
#[tokio::test]
async fn what_is_recorded_is_selected() {
    for (recording, expected) in [
        (
            HttpRecording::all().exclude("/health").exclude("/metrics*"),
            vec!["/ 200", "/.well-known/x 404", "/broken 500", "/no 404"],
        ),
        (HttpRecording::failures().exclude("/metrics*"), vec!["/broken 500", "/health 503", "/no 404"]),
        (HttpRecording::none(), vec![]),
    ] {
        let bench = Bench::new();
        let router = Router::new()
            .route("/", get(async || "fine"))
            .route("/health", get(async || StatusCode::SERVICE_UNAVAILABLE))
            .route("/metrics/all", get(async || StatusCode::SERVICE_UNAVAILABLE))
            .route("/broken", any(async || StatusCode::INTERNAL_SERVER_ERROR))
            .layer(with_routes(bench.trail.http_layer().record_http(recording)));
        let address = serve(router).await;
        for path in ["/", "/health", "/metrics/all", "/broken", "/no", "/.well-known/x"] {
            let answer = ask(address, &format!("GET {path}"), &[], "").await;
            assert!(answer.starts_with("HTTP/1.1 "), "{path}");
        }
        let records = bench.records();
        let responses = records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("response"));
        let mut seen: Vec<_> = responses
            .map(|record| {
                format!(
                    "{} {}",
                    record.text(names::URL_PATH).unwrap(),
                    int(record, names::HTTP_RESPONSE_STATUS_CODE).unwrap()
                )
            })
            .collect();
        seen.sort();
        assert_eq!(seen, expected);
        assert_eq!(records.len(), 2 * expected.len(), "each is a pair");
        let of = |path: &str| records.iter().rfind(|record| record.text(names::URL_PATH) == Some(path)).cloned();
        if let Some(unknown) = of("/no") {
            assert_eq!((unknown.text(names::HTTP_ROUTE), &unknown.severity), (None, &Severity::ERROR));
        }
        if let Some(discovery) = of("/.well-known/x") {
            assert_eq!(discovery.text(names::AUDIT_OUTCOME), Some("success"), "the protocol provides for it");
        }
    }
}

/// Bodies of any kind pass as they are, and none of them is recorded.
#[tokio::test]
async fn bodies_are_nobodys_business() {
    let bench = Bench::new();
    let echo = any(async |request: Request| Response::new(request.into_body()));
    let address = serve(Router::new().route("/echo", echo).layer(bench.trail.http_layer())).await;
    let bodies = [
        "canary {",
        "\u{0}\u{1}canary",
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"canary"}}"#,
    ];
    for body in bodies {
        let answer = ask(address, "POST /echo", &[b"content-type: application/json"], body).await;
        assert!(answer.ends_with(body), "{answer}");
    }
    let records = bench.records();
    assert_eq!(told(&records), ["http.request request: unknown", "http.request response: ok"].repeat(bodies.len()));
    assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));
}

/// A panic is an outcome, and goes on to whoever catches it.
#[tokio::test]
async fn a_handler_that_panics_is_recorded_so() {
    let bench = Bench::new();
    let panics = async || -> &'static str { std::panic::resume_unwind(Box::new("expected")) };
    let address = serve(Router::new().route("/panics", get(panics)).layer(bench.trail.http_layer())).await;
    assert_eq!(ask(address, "GET /panics", &[], "").await, "", "as without the layer");
    let pair = ["http.request request: unknown", "http.request response: panic"];
    assert_eq!(told(&bench.records()), pair);

    // Somebody outside catches it, and drops the future later.
    let mut service =
        bench.trail.http_layer().layer(tower_service_fn(|_| std::panic::resume_unwind(Box::new("expected"))));
    let mut future = Box::pin(service.call(Request::get("/").body(Body::empty()).unwrap()));
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    }));
    assert!(polled.is_err());
    drop(future);
    assert_eq!(told(&bench.records())[2..], pair);
}

/// Before there is a future, and where only failures are recorded, too.
#[tokio::test]
async fn a_service_that_panics_when_it_is_called_is_recorded_so() {
    for recording in [HttpRecording::all(), HttpRecording::failures()] {
        let bench = Bench::new();
        let mut service = bench.trail.http_layer().record_http(recording).layer(Panics);
        let called = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            drop(service.call(Request::get("/").body(Body::empty()).unwrap()));
        }));
        assert!(called.is_err());
        let pair = ["http.request request: unknown", "http.request response: panic"];
        assert_eq!(told(&bench.records()), pair);
    }
}

struct Panics;

impl tower_service::Service<Request> for Panics {
    type Response = Response;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request) -> Self::Future {
        std::panic::resume_unwind(Box::new("expected"))
    }
}

/// The client goes before there is a response, or in the middle of one.
#[tokio::test]
async fn a_client_that_disconnects_leaves_no_open_call() {
    let bench = Bench::new();
    let held = Arc::new(Mutex::new(Vec::new()));
    let keep = held.clone();
    let streams = async move || {
        let (go_on, rest) = tokio::sync::oneshot::channel();
        keep.lock().unwrap().push(go_on);
        Response::new(pieces(rest))
    };
    let router = Router::new()
        .route("/slow", get(std::future::pending::<&'static str>))
        .route("/stream", get(streams))
        .layer(bench.trail.http_layer());
    let address = serve(router).await;
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(&request("GET /slow", &[], "")).await.unwrap();
    until(|| bench.records().len() == 1).await;
    drop(slow);
    until(|| bench.records().len() == 2).await;

    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request("GET /stream", &[], "")).await.unwrap();
    let mut some = [0; 16];
    tokio::time::timeout(LONG, stream.read(&mut some)).await.unwrap().unwrap();
    drop(stream);
    until(|| bench.records().len() == 4).await;
    let records = bench.records();
    let ended = ["http.request request: unknown", "http.request response: no_response"];
    assert_eq!(told(&records), ended.repeat(2));
    assert!(records.iter().skip(1).step_by(2).all(|record| record.text(names::ERROR_TYPE) == Some("disconnected")));
    assert_eq!(int(&records[3], names::HTTP_RESPONSE_STATUS_CODE), Some(200), "it had begun");
}

/// The response ends with its last byte, and not before.
#[tokio::test]
async fn a_streamed_response_ends_with_its_last_byte() {
    let bench = Bench::new();
    let (go_on, rest) = tokio::sync::oneshot::channel();
    let rest = Mutex::new(Some(rest));
    let streams = tower_service_fn(move |_| Ok(Response::new(pieces(rest.lock().unwrap().take().unwrap()))));
    let mut service = bench.trail.http_layer().layer(streams);
    let response = service.call(Request::get("/stream").body(Body::empty()).unwrap()).await.unwrap();
    let mut body = Box::pin(response.into_body());
    let mut next = async || std::future::poll_fn(|context| http_body::Body::poll_frame(body.as_mut(), context)).await;
    assert!(next().await.is_some());
    assert_eq!(told(&bench.records()), ["http.request request: unknown"]);
    go_on.send(()).unwrap();
    assert!(next().await.is_some() && next().await.is_none());
    assert_eq!(told(&bench.records()), ["http.request request: unknown", "http.request response: ok"]);
}

/// Servers poll no body of a response that has none, whatever the handler gave.
#[tokio::test]
async fn a_response_without_a_body_is_over_with_its_head() {
    let bench = Bench::new();
    for (method, status) in [(Method::HEAD, 200), (Method::GET, 204), (Method::GET, 304)] {
        let mut service = bench.trail.http_layer().layer(tower_service_fn(move |_| {
            let (_go_on, rest) = tokio::sync::oneshot::channel();
            Ok(Response::builder().status(status).body(pieces(rest)).unwrap())
        }));
        let request = Request::builder().method(method).version(Version::HTTP_2).uri("/").body(Body::empty()).unwrap();
        drop(service.call(request).await.unwrap());
    }
    let records = bench.records();
    assert_eq!(told(&records), ["http.request request: unknown", "http.request response: ok"].repeat(3));
    assert!(records.iter().all(|record| record.text(names::NETWORK_PROTOCOL_VERSION) == Some("2")));
}

/// Nothing that goes wrong in the audit reaches the host.
#[tokio::test]
async fn a_hook_that_panics_costs_the_record_and_not_the_request() {
    let bench = Bench::new();
    let layer = bench.trail.http_layer().route(|_| std::panic::resume_unwind(Box::new("expected")));
    let address = serve(Router::new().route("/", get(async || "fine")).layer(layer)).await;
    assert!(ask(address, "GET /", &[], "").await.ends_with("fine"));
    assert_eq!(told(&bench.records()), [""; 0]);
}

/// However the layers are stacked, a request is one pair.
#[tokio::test]
async fn a_request_that_passes_several_layers_is_one_pair() {
    for order in 0..3 {
        let bench = Bench::new();
        let broken = get(async || StatusCode::INTERNAL_SERVER_ERROR);
        let router = Router::new().route("/broken", broken);
        let (http, mcp) = (bench.trail.http_layer(), bench.trail.mcp_layer());
        let router = match order {
            0 => router.layer(http).layer(mcp),
            1 => router.layer(mcp).layer(http),
            _ => router.layer(http.clone()).layer(http),
        };
        let address = serve(router).await;
        ask(address, "GET /broken", &[], "").await;
        assert_eq!(
            told(&bench.records()),
            ["http.request request: unknown", "http.request response: http_error"],
            "{order}"
        );
    }
}

/// A service of a function.
fn tower_service_fn<F>(answer: F) -> ServiceFn<F>
where
    F: Fn(Request) -> Result<Response, std::convert::Infallible>,
{
    ServiceFn(Arc::new(answer))
}

struct ServiceFn<F>(Arc<F>);

impl<F> tower_service::Service<Request> for ServiceFn<F>
where
    F: Fn(Request) -> Result<Response, std::convert::Infallible> + Send + Sync + 'static,
{
    type Response = Response;
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = self.0.clone();
        Box::pin(async move { answer(request) })
    }
}

/// The id of the trace that is current.
pub(crate) fn current_trace() -> String {
    opentelemetry::Context::current().span().span_context().trace_id().to_string()
}
