//! The wrapper over Streamable HTTP on axum, under one subscriber for the whole process: rmcp spawns tasks of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

#[path = "support/late_keys.rs"]
mod late_keys;
#[path = "suite/server.rs"]
mod server;
#[path = "suite/support.rs"]
mod support;

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;
use std::time::Duration;

use auditrail::identity::VerifiedClaims;
use auditrail::policy::Decision;
use auditrail::record::{EventName, names};
use auditrail::trail::{Actor, Class};
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use rmcp::ServiceExt as _;
use rmcp::model::ClientConfig;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::prelude::*;

use self::late_keys::LateKeys;
use self::server::{Client, Everything, call};
use self::support::{Bench, ending, record_ids};

const CLIENTS: usize = 16;
const CALLS: usize = 10_000;

/// The one trail and the one subscriber of this process.
fn process() -> &'static (Bench, InMemorySpanExporter) {
    static PROCESS: OnceLock<(Bench, InMemorySpanExporter)> = OnceLock::new();
    PROCESS.get_or_init(|| {
        let bench = Bench::with(|builder| {
            builder.actor(|request| {
                let header = |headers: &HeaderMap| {
                    headers.get("x-user").and_then(|user| user.to_str().ok()).map(Actor::asserted)
                };
                request.headers.and_then(header)
            })
        });
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        // The tracer has only a weak hold on it.
        std::mem::forget(provider);
        tracing_subscriber::registry().with(bench.trail.layer()).with(otel).init();
        (bench, exporter)
    })
}

/// Serves the audited server until the token is cancelled, and gives its address.
async fn serve(bench: &Bench, ending: CancellationToken) -> String {
    serve_behind(bench, ending, |router| router).await
}

async fn serve_behind(
    bench: &Bench,
    ending: CancellationToken,
    layers: impl FnOnce(axum::Router) -> axum::Router,
) -> String {
    let trail = bench.trail.clone();
    let service: StreamableHttpService<_, LocalSessionManager> = StreamableHttpService::new(
        move || Ok(trail.audited(Everything::default())),
        Default::default(),
        StreamableHttpServerConfig::default().with_cancellation_token(ending.child_token()),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = layers(axum::Router::new().nest_service("/mcp", service));
    tokio::spawn(async move {
        axum::serve(listener, router)
            .with_graceful_shutdown(async move { ending.cancelled_owned().await })
            .await
            .unwrap();
    });
    format!("http://{address}/mcp")
}

async fn client(uri: String, headers: &[(&'static str, &'static str)]) -> Client {
    let headers: HashMap<HeaderName, HeaderValue> =
        headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
    let config = StreamableHttpClientTransportConfig::with_uri(uri).custom_headers(headers);
    ClientConfig::default().serve(StreamableHttpClientTransport::from_config(config)).await.unwrap()
}

/// The handler does not run before the keys are there, and both records name who they verify.
#[tokio::test]
async fn a_call_for_verified_actors_waits_for_the_keys() {
    let keys = LateKeys::new();
    let bench = Bench::with(|builder| {
        builder.identify(keys.clone()).classify(|call| match call.name() {
            Some("annotated") => {
                Class { deadline: Duration::from_secs(600), ..Class::default() }.requires_verified_actor()
            }
            _ => Class::default(),
        })
    });
    let ending_token = CancellationToken::new();
    let uri = serve(&bench, ending_token.clone()).await;
    let client = client(uri, &[("x-user", "ada")]).await;
    let called = tokio::spawn(async move { call(&client, "annotated").await.map(|_| client) });
    keys.wanted().await;
    keys.arrive();
    drop(called.await.unwrap().unwrap());
    ending_token.cancel();
    let records = bench.records();
    let pair: Vec<_> =
        records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("annotated")).collect();
    assert_eq!(pair.iter().map(|record| ending(record).2).collect::<Vec<_>>(), ["", "ok"]);
    for record in pair {
        assert_eq!(record.text(names::AUDIT_ACTOR_ID), Some("ada"));
        assert_eq!(record.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&true.into()));
    }
}

/// The layer is outside of authentication, so only the handler knows who it is: it runs, and the response record says so.
#[tokio::test]
async fn what_middleware_verifies_behind_the_layer_counts_for_the_class() {
    let bench = Bench::with(|builder| {
        builder.authorize(|_| Decision::Allow.by_rule("all")).record_allowed(true).classify(|call| match call.name() {
            Some("annotated") => Class::default().requires_verified_actor(),
            _ => Class::default(),
        })
    });
    let authenticate = async |mut request: axum::extract::Request, next: axum::middleware::Next| {
        request.extensions_mut().insert(VerifiedClaims::of("inner", Actor::verified("ada")));
        next.run(request).await
    };
    let ending_token = CancellationToken::new();
    let layer = bench.trail.mcp_layer();
    let layers = |router: axum::Router| router.layer(axum::middleware::from_fn(authenticate)).layer(layer);
    let uri = serve_behind(&bench, ending_token.clone(), layers).await;
    let client = client(uri, &[]).await;
    call(&client, "annotated").await.unwrap();
    drop(client);
    ending_token.cancel();
    let records = bench.records();
    let of_call: Vec<_> =
        records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("annotated")).collect();
    let (decisions, pair): (Vec<_>, Vec<_>) = of_call.into_iter().partition(|record| ending(record).0.is_empty());
    let response = pair.iter().find(|record| ending(record).0 == "response").unwrap();
    assert_eq!((pair.len(), ending(response).2), (2, "ok"));
    assert_eq!(response.text(names::AUDIT_ACTOR_ID), Some("ada"));
    assert_eq!(response.text(names::AUDITRAIL_ACTOR_SOURCE), Some("inner"));
    // What remains is what `authorize` has decided.
    assert_eq!(decisions.len(), 1);
    for record in [decisions[0], response] {
        assert_eq!(record.text(names::AUDITRAIL_DECISION), Some("allow"));
        assert_eq!(record.text(names::AUDITRAIL_DECISION_SOURCE), Some("authorize"));
        assert_eq!(record.text(names::AUDITRAIL_DECISION_REASON), None);
        assert_eq!(record.text(names::SECURITY_RULE_NAME), Some("all"));
    }
}

#[tokio::test]
async fn http_facts_are_recorded_and_the_http_span_is_a_link() {
    let (bench, exporter) = process();
    let ending = CancellationToken::new();
    let uri = serve(bench, ending.clone()).await;
    let client = client(
        uri,
        &[
            ("x-user", "alice"),
            ("x-request-id", "req-7"),
            ("authorization", "Bearer canary-token"),
            ("cookie", "canary-cookie"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ],
    )
    .await;
    call(&client, "fails").await.unwrap();
    client.cancel().await.unwrap();
    ending.cancel();
    let records = bench.records();
    let request = records.iter().find(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("fails")).unwrap();
    assert_eq!(request.text(names::AUDIT_ACTOR_ID), Some("alice"));
    assert_eq!(request.text(names::AUDITRAIL_REQUEST_ID), Some("req-7"));
    assert_eq!(request.text(names::AUDITRAIL_MCP_TRANSPORT), Some("streamable_http"));
    assert_eq!(request.text(names::NETWORK_TRANSPORT), Some("tcp"));
    let spans = exporter.get_finished_spans().unwrap();
    let span = spans.iter().find(|span| span.name == "tools/call fails").unwrap();
    assert_eq!(span.links[0].span_context.span_id().to_string(), "b7ad6b7169203331");
    assert_ne!(span.span_context.trace_id(), span.links[0].span_context.trace_id());
    assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));
}

/// 10 000 tool calls from 16 concurrent clients: exactly 20 000 records, none missing, none doubled, ids all right.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_calls_give_twenty_thousand_records() {
    let (bench, exporter) = process();
    let ending_token = CancellationToken::new();
    let uri = serve(bench, ending_token.clone()).await;

    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let uri = uri.clone();
            tokio::spawn(async move {
                let client = client(uri, &[]).await;
                for _ in 0..CALLS / CLIENTS {
                    call(&client, "ok").await.unwrap();
                }
                client.cancel().await.unwrap();
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    ending_token.cancel();

    let mut records = bench.records();
    records.retain(|record| {
        record.event_name == EventName::McpToolsCall.as_str() && record.text(names::GEN_AI_TOOL_NAME) == Some("ok")
    });
    assert_eq!(records.len(), 2 * CALLS);
    let record_ids_seen: HashSet<_> =
        records.iter().map(|record| record.text(names::AUDIT_RECORD_ID).unwrap()).collect();
    assert_eq!(record_ids_seen.len(), 2 * CALLS, "none doubled");

    let spans = exporter.get_finished_spans().unwrap();
    let calls: HashMap<String, (String, String)> = spans
        .iter()
        .filter(|span| span.name == "tools/call ok")
        .map(|span| {
            let call =
                span.attributes.iter().find(|attribute| attribute.key.as_str() == names::AUDITRAIL_CALL_ID).unwrap();
            (call.value.as_str().into_owned(), support::ids(span))
        })
        .collect();
    assert_eq!(calls.len(), CALLS, "one span a call");
    let mut halves: HashMap<&str, Vec<&str>> = HashMap::new();
    for record in &records {
        let call = record.text(names::AUDITRAIL_CALL_ID).unwrap();
        assert_eq!(record_ids(record), calls[call], "the ids are those of the call's own span");
        halves.entry(call).or_default().push(ending(record).0);
    }
    assert!(halves.values().all(|halves| halves == &["request", "response"]), "each call has both, in order");
    let counts = bench.trail.counts();
    assert_eq!((counts.refused, counts.lost, counts.pending), (0, 0, 0));
}
