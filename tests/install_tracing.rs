//! `install_tracing`, for real: one process-wide subscriber, OTLP to the embedded receiver, and handlers as careless as
//! they get. Canary secrets are in arguments, results, error texts, log texts, span fields and headers; they are found in
//! no record, no exported span, and no line that auditrail writes (promises, test 20).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

#[path = "suite/server.rs"]
mod server;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::capture::telemetry::TelemetryError;
use auditrail::config::Environment;
use auditrail::record::{EventName, Record, names};
use auditrail::serve::{ReceivedSpan, Receiver};
use opentelemetry_proto::tonic::common::v1::any_value;
use prost::Message as _;

use self::server::{Everything, call, connect};

const LONG: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_and_records_leave_clean_and_agree() {
    let receiver = Receiver::builder().start().await.unwrap();
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let said = lines.clone();
    let environment = Environment::from_iter([
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap().as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20canary-header"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
    ]);
    let directory = tempfile::tempdir().unwrap();
    let trail = Trail::builder("weather")
        .directory(directory.path())
        .environment(environment)
        .flush_timeout(LONG)
        .denied_when(|failure| failure.message.contains("no such canary"))
        .on_notice(move |notice| said.lock().unwrap().push(notice.text.clone()))
        .start()
        .unwrap();
    let telemetry = trail.install_tracing().unwrap();
    assert!(matches!(trail.install_tracing(), Err(TelemetryError::AlreadySet)));

    tracing::info_span!("unaudited", secret = "canary-root").in_scope(|| ());
    drop(careless("canary-bare"));
    let client = connect(&trail, Everything::default()).await;
    for tool in ["ok", "fails", "breaks", "misused", "panics-not", "logs"] {
        drop(call(&client, tool).await);
    }
    drop(client.list_tools(None).await);
    client.cancel().await.unwrap();
    tokio::task::spawn_blocking(move || drop(telemetry)).await.unwrap();

    let records: Vec<Record> =
        receiver.records().iter().map(|received| Record::decode(&received.bytes).unwrap()).collect();
    let spans = receiver.spans();
    no_canary("a record", receiver.records().iter().flat_map(|received| received.bytes.to_vec()).collect());
    no_canary("a span", spans.iter().flat_map(|received| received.span.encode_to_vec()).collect());
    no_canary("a notice", lines.lock().unwrap().concat().into_bytes());

    // Every record with a span is an event of exactly that span, by its id.
    for record in records.iter().filter(|record| record.span_id.is_some()) {
        let span = spans.iter().find(|received| received.span.span_id == record.span_id.unwrap().to_bytes()).unwrap();
        assert_eq!(span.span.trace_id, record.trace_id.unwrap().to_bytes());
        let id = record.text(names::AUDIT_RECORD_ID).unwrap();
        assert!(event_ids(span).contains(&id.to_owned()), "{} of {}", record.event_name, span.span.name);
    }
    let names: Vec<_> = spans.iter().map(|received| received.span.name.as_str()).collect();
    for expected in ["careless", "tools/call ok", "handler", "nested", "tools/call logs", "initialize"] {
        assert!(names.contains(&expected), "{expected}: audited traces are kept whatever the sampler says: {names:?}");
    }
    assert!(!names.contains(&"unaudited"), "the rest follows OTEL_TRACES_SAMPLER");
    assert!(!names.contains(&"auditrail.probe"));
    assert!(!names.contains(&"serve_inner"), "nothing of rmcp is exported");
    let logs = spans.iter().find(|received| received.span.name == "tools/call logs").unwrap();
    assert_eq!(logs.span.status.as_ref().map_or(0, |status| status.code), 0, "a log line does not fail a call");
    assert!(logs.span.events.iter().any(|event| event.name == "log"), "its time and place stay, its text goes");
    let fails = spans.iter().find(|received| received.span.name == "tools/call fails").unwrap();
    let status = fails.span.status.as_ref().unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, ""));
    let count = |event: EventName| records.iter().filter(|record| record.event_name == event.as_str()).count();
    assert_eq!(count(EventName::McpToolsCall), 6 * 2 + 2, "six calls through the wrapper, one by hand");
}

/// By hand, outside any open call, with everything in its span.
#[tracing::instrument(err, ret, fields(mcp.method.name = "tools/call", mcp.resource.uri = "https://u:canary@h/p?canary"))]
fn careless(secret: &str) -> Result<String, String> {
    Err(format!("failed with {secret}"))
}

fn no_canary(place: &str, bytes: Vec<u8>) {
    assert!(!bytes.is_empty() || place == "a notice");
    let text = String::from_utf8_lossy(&bytes);
    let found = text.find("canary").map(|at| text.chars().skip(at.saturating_sub(60)).take(120).collect::<String>());
    assert_eq!(found, None, "{place} holds a secret");
}

fn event_ids(received: &ReceivedSpan) -> Vec<String> {
    let ids = received.span.events.iter().flat_map(|event| &event.attributes);
    ids.filter(|attribute| attribute.key == names::AUDIT_RECORD_ID)
        .filter_map(|attribute| match attribute.value.as_ref()?.value.as_ref()? {
            any_value::Value::StringValue(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}
