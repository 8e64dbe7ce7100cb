//! What the tests send, and how they wait.

use std::{future::Future, time::Duration};

use auditrail::serve::{Receiver, proto::trail_service_client::TrailServiceClient};
use opentelemetry_proto::tonic::{
    collector::{
        logs::v1::{ExportLogsServiceRequest, logs_service_client::LogsServiceClient},
        trace::v1::ExportTraceServiceRequest,
    },
    common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use tonic::transport::Channel;

/// Far beyond what anything here takes: a test that waits this long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Fails instead of hanging.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(LONG, future).await.expect("hangs")
}

pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

pub(crate) fn record(id: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: 1,
        event_name: "auditrail.mcp.tools.call".to_owned(),
        attributes: vec![text("audit.record.id", id), text("audit.outcome", "success")],
        ..LogRecord::default()
    }
}

pub(crate) fn resource() -> Resource {
    Resource { attributes: vec![text("service.name", "weather")], ..Resource::default() }
}

pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope { name: "auditrail".to_owned(), version: "1".to_owned(), ..InstrumentationScope::default() }
}

pub(crate) fn logs_of(log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs = ScopeLogs { scope: Some(scope()), log_records, schema_url: "urn:scope".to_owned() };
    let resource_logs = ResourceLogs {
        resource: Some(resource()),
        scope_logs: vec![scope_logs],
        schema_url: "urn:resource".to_owned(),
    };
    ExportLogsServiceRequest { resource_logs: vec![resource_logs] }
}

pub(crate) fn logs(ids: &[&str]) -> ExportLogsServiceRequest {
    logs_of(ids.iter().map(|id| record(id)).collect())
}

/// A record that does not compress away to nothing of interest, but takes this many bytes.
pub(crate) fn large(id: &str, bytes: usize) -> LogRecord {
    LogRecord { severity_text: "x".repeat(bytes), ..record(id) }
}

pub(crate) fn traces(names: &[&str]) -> ExportTraceServiceRequest {
    let span = |name: &&str| Span { name: (*name).to_owned(), span_id: vec![1; 8], ..Span::default() };
    let scope_spans = ScopeSpans { spans: names.iter().map(span).collect(), ..ScopeSpans::default() };
    let resource_spans =
        ResourceSpans { resource: Some(resource()), scope_spans: vec![scope_spans], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}

/// A length-delimited protobuf field.
pub(crate) fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encoding::encode_varint(content.len() as u64, &mut bytes);
    bytes.extend_from_slice(content);
    bytes
}

pub(crate) async fn logs_client(receiver: &Receiver) -> LogsServiceClient<Channel> {
    LogsServiceClient::connect(receiver.grpc_endpoint().unwrap()).await.unwrap()
}

pub(crate) async fn trail_client(receiver: &Receiver) -> TrailServiceClient<Channel> {
    TrailServiceClient::connect(receiver.grpc_endpoint().unwrap()).await.unwrap()
}
