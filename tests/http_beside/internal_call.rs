//! A tool whose handler calls an internal REST service: one trace and one request id, in one process and over two.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use auditrail::config::Environment;
use auditrail::record::{Record, names};
use auditrail::serve::Receiver;
use auditrail::{RequestId, Trail};
use axum::Router;
use axum::extract::MatchedPath;
use axum::routing::get;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::StreamableHttpService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tracing_subscriber::prelude::*;

use crate::rig::{LONG, ask, serve, until};
use crate::support::{Bench, Spans, ids, record_ids, tracer};

/// Its tools ask the service at that address.
#[derive(Clone)]
struct Weather(SocketAddr);

impl ServerHandler for Weather {
    async fn call_tool(
        &self,
        _: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let request = context.extensions.get::<http::request::Parts>().unwrap();
        let mut headers = http::HeaderMap::new();
        auditrail::propagation::inject(&mut headers);
        headers.extend(request.extensions.get::<RequestId>().unwrap().to_header());
        let lines: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        let lines: Vec<_> = lines.iter().map(String::as_bytes).collect();
        let answer = ask(self.0, "GET /cities/Lisbon", &lines, "").await;
        Ok(CallToolResult::success(vec![ContentBlock::text(answer)]).into())
    }
}

fn rest(trail: &Trail) -> Router {
    let layer = trail.http_layer().route(|request| request.get::<MatchedPath>().map(|path| path.as_str().to_owned()));
    Router::new().route("/cities/{city}", get(async || "sunny")).layer(layer)
}

/// Calls a tool of an audited server whose handler asks the service there. Gives what the server recorded.
async fn call(bench: &Bench, rest: SocketAddr, headers: &[&[u8]]) -> Vec<Record> {
    let trail = bench.trail.clone();
    let service: StreamableHttpService<_, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(trail.audited(Weather(rest))), Default::default(), Default::default());
    let router = Router::new().nest_service("/mcp", service).layer(bench.trail.mcp_layer());
    let meta = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let body =
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"weather","_meta":{meta}}}}}"#);
    let all = [
        &[
            b"content-type: application/json".as_slice(),
            b"accept: application/json, text/event-stream",
            b"mcp-protocol-version: 2026-07-28",
            b"mcp-method: tools/call",
            b"mcp-name: weather",
        ],
        headers,
    ]
    .concat();
    let answer = ask(serve(router).await, "POST /mcp", &all, &body).await;
    assert!(answer.contains("sunny"), "{answer}");
    bench.records()
}

fn subscribe(trail: &Trail) -> (tracing::subscriber::DefaultGuard, Spans) {
    let (tracer, spans) = tracer();
    let otel = tracing_opentelemetry::layer().with_tracer(trail.timed_tracer(tracer));
    (tracing_subscriber::registry().with(trail.layer()).with(otel).set_default(), spans)
}

#[tokio::test]
async fn a_call_and_the_request_of_its_handler_have_one_trace_and_id() {
    let bench = Bench::new();
    let (_guard, spans) = subscribe(&bench.trail);
    let rest = serve(rest(&bench.trail)).await;
    for sent in [true, false] {
        let headers: &[&[u8]] = if sent { &[b"x-request-id: order-17", b"baggage: a=canary"] } else { &[] };
        let before = bench.records().len();
        let records = call(&bench, rest, headers).await.split_off(before);
        let events: Vec<_> = records.iter().map(|record| record.event_name.as_ref()).collect();
        assert_eq!(
            events,
            [
                "auditrail.mcp.tools.call",
                "auditrail.http.request",
                "auditrail.http.request",
                "auditrail.mcp.tools.call"
            ]
        );
        let traces: Vec<_> = records.iter().map(|record| record_ids(record).0).collect();
        assert!(traces.iter().all(|trace| trace == &traces[0] && !trace.is_empty()), "{traces:?}");
        let request_ids: Vec<_> =
            records.iter().map(|record| record.text(names::AUDITRAIL_REQUEST_ID).unwrap()).collect();
        assert!(request_ids.iter().all(|id| id == &request_ids[0]), "{request_ids:?}");
        assert_eq!(request_ids[0] == "order-17", sent);
        let all = spans.all();
        let of = |record: &Record| all.iter().find(|span| ids(span) == record_ids(record)).unwrap();
        assert_eq!(
            of(&records[1]).parent_span_id,
            of(&records[0]).span_context.span_id(),
            "it is the child of the call"
        );
        assert_eq!(
            (of(&records[0]).name.as_ref(), of(&records[1]).name.as_ref()),
            ("tools/call weather", "GET /cities/{city}")
        );
        assert!(!format!("{all:?}{}", String::from_utf8_lossy(&bench.sunk.bytes())).contains("canary"), "no baggage");
    }
}

const SERVES: &str = "AUDITRAIL_TEST_SERVES_REST_FOR";

#[tokio::test]
async fn a_call_and_the_request_in_another_process_have_one_trace_and_id() {
    if let Ok(endpoint) = std::env::var(SERVES) {
        return serve_until_told(&endpoint).await;
    }
    let receiver = Receiver::builder().start().await.unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "internal_call::a_call_and_the_request_in_another_process_have_one_trace_and_id",
        ])
        .env(SERVES, receiver.grpc_endpoint().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (telling, stdout) = (process.stdin.take(), process.stdout.take().unwrap());
    let (tell, mut addresses) = tokio::sync::mpsc::unbounded_channel::<SocketAddr>();
    // To the end, or the other process could not print it.
    let reading = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let address = line.split_once("serves ").and_then(|(_, address)| address.parse().ok());
            address.into_iter().for_each(|address| tell.send(address).unwrap());
        }
    });
    let rest = addresses.recv().await.expect("the other process serves");

    let bench = Bench::new();
    let (_guard, spans) = subscribe(&bench.trail);
    let records = call(&bench, rest, &[b"x-request-id: order-17"]).await;
    let (trace, span) = record_ids(&records[0]);
    assert!(
        !spans.all().is_empty() && records.iter().all(|record| record_ids(record) == (trace.clone(), span.clone()))
    );

    drop(telling);
    let ended = tokio::task::spawn_blocking(move || process.wait()).await.unwrap().unwrap();
    assert!(ended.success());
    reading.join().unwrap();
    until(|| receiver.spans().iter().any(|received| received.span.name == "GET /cities/{city}")).await;
    let http: Vec<_> = receiver.records().iter().map(|received| Record::decode(&received.bytes).unwrap()).collect();
    let http: Vec<_> = http.iter().filter(|record| record.event_name == "auditrail.http.request").collect();
    assert_eq!(http.len(), 2);
    for record in &http {
        assert_eq!(record_ids(record).0, trace);
        assert_eq!(record.text(names::AUDITRAIL_REQUEST_ID), Some("order-17"));
    }
    let exported = receiver.spans();
    let exported = exported.iter().find(|received| received.span.name == "GET /cities/{city}").unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!((hex(&exported.span.trace_id), hex(&exported.span.parent_span_id)), (trace, span));
    assert_eq!(hex(&exported.span.span_id), record_ids(http[0]).1);
}

/// The other process: serves until its standard input ends.
async fn serve_until_told(endpoint: &str) {
    let directory = tempfile::tempdir().unwrap();
    let trail = Trail::builder("rest")
        .directory(directory.path())
        .environment(Environment::from_iter([("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]))
        .flush_timeout(LONG)
        .start()
        .unwrap();
    let telemetry = trail.install_tracing().unwrap();
    println!("serves {}", serve(rest(&trail)).await);
    let told = || std::io::stdin().lines().count();
    tokio::task::spawn_blocking(told).await.unwrap();
    tokio::task::spawn_blocking(move || drop((telemetry, trail))).await.unwrap();
}
