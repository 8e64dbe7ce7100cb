//! The exported span of every call begins and ends with its records, to the nanosecond, on every route in a process, by
//! what a collector was sent. The clock is a test's: it stands decades away from that of the machine, and goes back at each
//! reading of the wall clock, so that a second reading of either clock shows.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

#[path = "support/agreement.rs"]
mod agreement;
#[path = "suite/server.rs"]
mod server;
#[path = "suite/tapped.rs"]
mod tapped;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::record::{Clock, EventName, Outcome, Record};
use auditrail::serve::Receiver;
use auditrail::trail::{Call, Moment};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tracing::Instrument as _;

use self::agreement::{Agreed, agree};
use self::server::{Everything, View, call, connect_as};
use self::tapped::Wire;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_begin_and_end_with_their_records() {
    let receiver = Receiver::builder().start().await.unwrap();
    let environment = Environment::from_iter([("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap())]);
    let directory = tempfile::tempdir().unwrap();
    let trail = Trail::builder("times")
        .directory(directory.path())
        .environment(environment)
        .flush_timeout(Duration::from_secs(30))
        .authorize(|call| match call.name() {
            Some("forbidden") => auditrail::policy::Decision::deny("not today"),
            _ => auditrail::policy::Decision::Allow,
        })
        .clock(Skewed::default())
        .start()
        .unwrap();
    let telemetry = trail.install_tracing().unwrap();

    let mut pairs = by_hand(&trail).await;
    pairs += through_the_wrapper(&trail).await;
    pairs += past_the_tap(&trail).await;
    pairs += past_the_tower_layer(&trail).await;
    let (annotated, moments) = annotated().await;

    tokio::task::spawn_blocking(move || drop((telemetry, trail))).await.unwrap();
    let records: Vec<_> = receiver.records().iter().map(|got| Record::decode(&got.bytes).unwrap()).collect();
    for record in records.iter().filter(|record| record.event_name != EventName::Lifecycle.as_str()) {
        assert!(record.time_unix_nano / 1_000_000_000 > BASE / 1_000_000_000 - 100_000_000, "{record:#?}");
        assert!(record.span_id.is_some() || !record.event_name.contains("tools"), "every call has a span: {record:#?}");
    }
    assert_eq!(agree(&records, &receiver.spans()), Agreed { pairs: pairs + annotated, moments });
}

/// `Trail::begin`: finished, dropped, denied.
async fn by_hand(trail: &Trail) -> usize {
    let open = trail.begin(Call::mcp("tools/call").tool("by_hand")).await.unwrap();
    async { tokio::task::yield_now().await }.instrument(open.span().clone()).await;
    // It goes on outside of its span.
    trail.record(Moment::new(EventName::Context));
    open.finish(Outcome::ok()).await;
    drop(trail.begin(Call::mcp("tools/call").tool("dropped")).await.unwrap());
    trail.begin(Call::mcp("tools/call").tool("forbidden")).await.unwrap_err();
    3
}

/// The wrapper, alone and behind a tap: `initialize`, and three calls.
async fn through_the_wrapper(trail: &Trail) -> usize {
    for view in [View::Wrapper, View::Both] {
        let client = connect_as(view, trail, Everything::default()).await;
        for tool in ["ok", "annotated", "breaks"] {
            drop(call(&client, tool).await);
        }
        client.cancel().await.unwrap();
    }
    // A connection may end before or after what the client's end tells; these are answered.
    2 * (1 + 3)
}

/// The tap over stdio: what the client asks, what the server asks, a cancellation, and a call that nobody answers.
async fn past_the_tap(trail: &Trail) -> usize {
    let mut wire = Wire::new(trail);
    wire.client(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"answered"}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}"#).await;
    wire.client(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    wire.client(r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"cancelled"}}"#).await;
    wire.client(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}"#).await;
    wire.client(r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"unanswered"}}"#).await;
    drop(wire);
    4
}

/// The tap over HTTP: an answer in the response, a call whose answer comes with another exchange, and what is no message.
async fn past_the_tower_layer(trail: &Trail) -> usize {
    let router = axum::Router::new().fallback(scripted).layer(trail.mcp_layer());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let ask = async |method: &str, body: &str| {
        let head = "HTTP/1.1\r\nHost: a\r\nMcp-Session-Id: s1\r\nContent-Type: application/json\r\nConnection: close";
        let text = format!("{method} /mcp {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    };
    ask("POST", r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#).await;
    ask("POST", r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"plain"}}"#).await;
    ask("POST", r#"{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"parked"}}"#).await;
    ask("GET", "").await;
    ask("POST", "").await;
    server.abort();
    assert!(server.await.unwrap_err().is_cancelled());
    4
}

async fn scripted(request: Request) -> Response {
    let is_get = request.method() == "GET";
    let body = axum::body::to_bytes(request.into_body(), 1 << 16).await.unwrap();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let answer = |kind: &str, text: &str| {
        Response::builder()
            .header("content-type", kind)
            .header("mcp-session-id", "s1")
            .body(Body::from(text.to_owned()))
    };
    let answer = match &text {
        _ if is_get => answer("text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}\n\n"),
        text if text.contains("parked") => answer("text/event-stream", ": nothing yet\n\n"),
        text if text.contains("plain") => answer("application/json", "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}"),
        text if text.contains("initialize") => {
            answer("application/json", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}")
        }
        _ => Response::builder().status(415).body(Body::empty()),
    };
    answer.unwrap()
}

/// Annotated spans: pairs and moments, of one thread and of several.
async fn annotated() -> (usize, usize) {
    in_one_go().unwrap();
    waits().await;
    // Made here, first entered elsewhere.
    let made = tracing::info_span!("made_here", mcp.method.name = "tools/call", gen_ai.tool.name = "made_here");
    tokio::spawn(async { tokio::task::yield_now().await }.instrument(made)).await.unwrap();
    moment();
    let made = tracing::info_span!("moment_made_here", auditrail.event = "auditrail.context");
    std::thread::spawn(move || made.in_scope(|| ())).join().unwrap();
    (3, 2)
}

#[tracing::instrument(err, fields(mcp.method.name = "tools/call", gen_ai.tool.name = "in_one_go"))]
fn in_one_go() -> Result<(), String> {
    Ok(())
}

#[tracing::instrument(ret, fields(mcp.method.name = "tools/call", gen_ai.tool.name = "waits"))]
async fn waits() -> u32 {
    tokio::task::yield_now().await;
    1
}

#[tracing::instrument(fields(auditrail.event = "auditrail.context"))]
fn moment() {}

/// Each reading of the monotonic clock is 37 ms later, and each of the wall clock an hour earlier.
#[derive(Debug, Default)]
struct Skewed {
    monotonic: AtomicU64,
    wall: AtomicU64,
}

impl Clock for Skewed {
    fn unix_nano(&self) -> u64 {
        BASE - 3_600_000_000_007 * self.wall.fetch_add(1, Ordering::Relaxed)
    }

    fn monotonic_nano(&self) -> u64 {
        37_000_003 * self.monotonic.fetch_add(1, Ordering::Relaxed)
    }
}

/// In 2065.
const BASE: u64 = 3_000_000_000_000_000_000;
