//! Injected trace context: the server sees the proxy's span in `_meta` and in the head, and everything else unchanged.

use std::sync::Arc;

use auditrail::capture::telemetry::KeepAudited;
use auditrail::record::Record;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::bytes::gzip;
use crate::message::Message;
use crate::rig::{Proxy, Server, call, ok, post, result, reverse};
use crate::support::{Bench, Spans, record_ids, tracer_with};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER: &str = "00-11111111111111111111111111111111-2222222222222222-01";

/// A proxy that injects, a server behind it, and a tracer for as long as it lives.
struct Traced {
    server: Server,
    proxy: Proxy,
    spans: Spans,
    _default: tracing::subscriber::DefaultGuard,
}

impl Traced {
    async fn new() -> Self {
        Self::with(Bench::new(), 4 << 20).await
    }

    async fn with(bench: Bench, max_held: u64) -> Self {
        let sampler: KeepAudited = bench.trail.keep_audited(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)));
        let (tracer, spans) = tracer_with(SdkTracerProvider::builder().with_sampler(sampler));
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let default = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let server = Server::answering(|_| ok("application/json", &result(1))).await;
        let mut settings = reverse(server.address);
        (settings.inject_trace, settings.max_held) = (true, max_held);
        let proxy = Proxy::with(Arc::new(bench), settings).await;
        Self { server, proxy, spans, _default: default }
    }

    /// What the server got of it.
    async fn relayed(&self, request: impl AsRef<[u8]>) -> Message {
        assert_eq!(self.proxy.client().await.ask(request).await.status(), 200);
        self.server.last()
    }

    async fn records(self) -> (Vec<Record>, Spans) {
        (self.proxy.records().await, self.spans)
    }
}

/// A request with more fields, which end in a line's end.
fn with(fields: &str, body: &str) -> Vec<u8> {
    let head = format!("POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{fields}");
    format!("{head}Content-Length: {}\r\nX-Last: 1\r\n\r\n{body}", body.len()).into_bytes()
}

fn in_meta(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap();
    body["params"]["_meta"]["traceparent"].as_str().unwrap_or("").to_owned()
}

fn names_of(message: &Message) -> Vec<String> {
    let lines = message.head[1..].iter().map(|line| String::from_utf8_lossy(line).into_owned());
    lines.map(|line| line.split(':').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_request_names_the_span_of_its_record_in_its_body_and_its_head() {
    let traced = Traced::new().await;
    let seen = traced.relayed(post(&call(1, "a"))).await;
    let parent = in_meta(&seen.body);
    let expected = call(1, "a")
        .replace("\"arguments\":{}", &format!("\"arguments\":{{}},\"_meta\":{{\"traceparent\":\"{parent}\"}}"));
    assert_eq!(seen.text(), expected);
    assert_eq!(seen.field("traceparent"), Some(parent.as_str()));
    assert_eq!(seen.field("content-length"), Some(expected.len().to_string().as_str()));
    assert_eq!(names_of(&seen), ["Host", "Content-Type", "Accept", "Content-Length", "Traceparent"]);
    let (records, spans) = traced.records().await;
    let (trace, span) = record_ids(&records[0]);
    assert_eq!(parent, format!("00-{trace}-{span}-01"));
    assert_eq!(spans.named("tools/call a").span_context.span_id().to_string(), span);
}

#[tokio::test]
async fn chunks_and_trailers_stay() {
    let traced = Traced::new().await;
    let body = call(1, "a");
    let (one, two) = body.split_at(10);
    let head =
        "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-T";
    let chunks = format!("{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\nX-T: 1\r\n\r\n", one.len(), two.len());
    let seen = traced.relayed(format!("{head}\r\n\r\n{chunks}")).await;
    assert_eq!((seen.field("transfer-encoding"), seen.field("content-length")), (Some("chunked"), None));
    assert_eq!(seen.trailers, [b"X-T: 1".to_vec()]);
    assert_eq!(Some(in_meta(&seen.body).as_str()), seen.field("traceparent"));
}

/// Fields keep their places, and what belongs to a trace that does not go on goes.
#[tokio::test]
async fn what_the_client_says_of_its_trace_goes_on_where_it_is_whole() {
    let traced = Traced::new().await;
    let meta = |meta: &str| call(1, "a").replace("\"arguments\":{}", &format!("\"_meta\":{{{meta}}}"));
    let named = format!("\"traceparent\":\"{PARENT}\",\"tracestate\":\"m=1\"");

    // The head alone names it: its trace goes on, instead of ending here.
    let seen = traced.relayed(with(&format!("Traceparent: {PARENT}\r\nTracestate: h=1\r\n"), &call(1, "a"))).await;
    let parent = in_meta(&seen.body);
    assert_eq!((&parent[..36], seen.field("traceparent")), (&PARENT[..36], Some(parent.as_str())));
    assert_ne!(parent, PARENT);
    assert_eq!(seen.field("tracestate"), Some("h=1"));
    let order = ["Host", "Content-Type", "Traceparent", "Tracestate", "Content-Length", "X-Last"];
    assert_eq!(names_of(&seen), order);

    // The message counts more than the head.
    let seen = traced.relayed(with(&format!("Traceparent: {OTHER}\r\nTracestate: h=1\r\n"), &meta(&named))).await;
    let parent = in_meta(&seen.body);
    assert_eq!((&parent[..36], seen.field("traceparent")), (&PARENT[..36], Some(parent.as_str())));
    assert_eq!(seen.field("tracestate"), Some("m=1"), "that of the trace that goes on");
    assert!(seen.text().contains("\"tracestate\":\"m=1\""), "{}", seen.text());

    // None is valid: a trace is started, and what belonged to another goes.
    let broken = meta("\"traceparent\":\"00-zz\",\"tracestate\":\"m=1\",\"baggage\":\"b=1\"");
    let seen = traced.relayed(with("Traceparent: nonsense\r\nTracestate: h=1\r\n", &broken)).await;
    let parent = in_meta(&seen.body);
    assert!(!parent.is_empty() && seen.field("traceparent") == Some(parent.as_str()));
    assert_eq!(seen.field("tracestate"), None);
    assert_eq!(names_of(&seen), ["Host", "Content-Type", "Traceparent", "Content-Length", "X-Last"]);
    assert_eq!(seen.text(), meta(&format!("\"traceparent\":\"{parent}\",\"baggage\":\"b=1\"")));

    let (records, spans) = traced.records().await;
    let traces: Vec<_> = records.iter().map(|record| record_ids(record).0).collect();
    assert_eq!((traces[0].as_str(), traces[2].as_str()), (&PARENT[3..35], &PARENT[3..35]));
    let links: Vec<usize> = spans.all().iter().map(|span| span.links.len()).collect();
    assert_eq!(links, [0, 1, 0], "a parent is no link beside that");
}

#[tokio::test]
async fn a_batch_is_joined_in_its_body_only() {
    let traced = Traced::new().await;
    let batch = format!("[{}, {{\"method\":\"notifications/a\"}},{}]", call(1, "a"), call(2, "b"));
    let seen = traced.relayed(with(&format!("Traceparent: {PARENT}\r\n"), &batch)).await;
    assert_eq!(seen.field("traceparent"), Some(PARENT));
    let messages: Vec<Value> = serde_json::from_slice(&seen.body).unwrap();
    let parents: Vec<_> = messages.iter().map(|message| in_meta(message.to_string().as_bytes())).collect();
    assert!(parents[0].len() == 55 && parents[2].len() == 55 && parents[0] != parents[2], "{parents:?}");
    assert_eq!(messages[1], serde_json::json!({ "method": "notifications/a" }));
    assert_eq!(seen.field("content-length"), Some(seen.body.len().to_string().as_str()));
}

#[tokio::test]
async fn a_compressed_body_stays_and_the_head_says_it() {
    let traced = Traced::new().await;
    let body = gzip(call(1, "a").as_bytes());
    let head = "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n";
    let request = [format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes(), body.clone()].concat();
    let seen = traced.relayed(request).await;
    assert!(seen.body == body);
    let parent = seen.field("traceparent").unwrap().to_owned();
    let (records, _) = traced.records().await;
    let (trace, span) = record_ids(&records[0]);
    assert_eq!(parent, format!("00-{trace}-{span}-01"));
}

/// A head that names a span of another request would lie; bytes that somebody vouches for are not ours to change.
#[tokio::test]
async fn everything_else_passes_as_it_came() {
    let traced = Traced::new().await;
    let parent = format!("Traceparent: {PARENT}\r\n");
    let notification = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";
    let requests = [
        with(&parent, notification),
        with(&parent, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"),
        with(&parent, "no JSON"),
        with(&format!("{parent}Content-Digest: sha-256=:AAAA:\r\n"), &call(1, "a")),
        with(&format!("{parent}Authorization: AWS4-HMAC-SHA256 Credential=a\r\n"), &call(1, "a")),
        String::from_utf8(with(&parent, &call(1, "a"))).unwrap().replace("application/json", "text/plain").into_bytes(),
        format!("GET /mcp HTTP/1.1\r\nHost: a\r\n{parent}\r\n").into_bytes(),
    ];
    for request in requests {
        let seen = traced.relayed(&request).await;
        let text = String::from_utf8(request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!((seen.end_to_end().join("\r\n"), seen.text()), (head.to_owned(), body.to_owned()));
    }
}

#[tokio::test]
async fn what_is_too_large_passes_as_it_came_and_is_told_once() {
    let traced = Traced::with(Bench::new(), 10_000).await;
    let large = call(1, &"x".repeat(300_000));
    let head = "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
    let chunked = format!("{head}\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    for request in [post(&large), chunked.into_bytes()] {
        let seen = traced.relayed(request).await;
        assert!(seen.text() == large);
        assert_eq!(seen.field("traceparent"), None);
    }
    let batch = format!("[{}]", vec!["{\"id\":1,\"method\":\"a\"}"; 1025].join(","));
    let small = Traced::with(Bench::new(), 100_000).await;
    assert!(small.relayed(post(&batch)).await.text() == batch);
    for traced in [traced, small] {
        let told = traced.proxy.bench.said().iter().filter(|text| text.contains("trace context")).count();
        let unjoined = traced.proxy.bench.trail.wire_counts().unjoined;
        assert_eq!(told, 1);
        let (records, _) = traced.records().await;
        assert!(unjoined > 0 && records.len() as u64 >= 2 * unjoined, "all is recorded");
    }
}

/// Both at once: held until its record is safe, and joined to its span.
#[tokio::test]
async fn together_with_calls_that_may_not_go_unrecorded() {
    let bench = Bench::with(|builder| builder.class(auditrail::trail::Class::CRITICAL));
    let traced = Traced::with(bench, 10_000).await;
    let seen = traced.relayed(post(&call(1, "pay"))).await;
    assert_eq!(Some(in_meta(&seen.body).as_str()), seen.field("traceparent"));
    let refused = traced.proxy.client().await.post(&call(2, &"x".repeat(20_000))).await;
    assert_eq!(refused.status(), 413);
}
