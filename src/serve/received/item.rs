//! A received record, and a received span.

use std::sync::Arc;

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, InstrumentationScope, any_value::Value},
    logs::v1::LogRecord,
    resource::v1::Resource,
    trace::v1::Span,
};

use crate::record::names::AUDIT_RECORD_ID;

/// A log record, decoded and as the bytes that were received.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedRecord {
    /// The record, decoded. Fields that this version of OTLP does not know are in `bytes` only.
    pub record: LogRecord,
    /// The record's own OTLP bytes, exactly as received: a slice of the export, never encoded again.
    pub bytes: Bytes,
    /// The resource, decoded; the default if the sender gave none.
    pub resource: Arc<Resource>,
    /// The resource's bytes as received; empty if the sender gave none.
    pub resource_bytes: Bytes,
    /// The schema URL that the sender gave for the resource.
    pub resource_schema_url: Arc<str>,
    /// The scope, decoded; the default if the sender gave none.
    pub scope: Arc<InstrumentationScope>,
    /// The scope's bytes as received; empty if the sender gave none.
    pub scope_bytes: Bytes,
    /// The schema URL that the sender gave for the scope and its records.
    pub scope_schema_url: Arc<str>,
    /// When the export was complete, in nanoseconds since 1970.
    pub received_unix_nano: u64,
    /// The position of the record in what was received: one more than that of the record before it.
    pub position: u64,
}

impl ReceivedRecord {
    /// Combines a record with its resource and scope. It has no position before it is held.
    pub(crate) fn new(record: LogRecord, bytes: Bytes, origin: ItemOrigin) -> Self {
        Self {
            record,
            bytes,
            resource: origin.resource,
            resource_bytes: origin.resource_bytes,
            resource_schema_url: origin.resource_schema_url,
            scope: origin.scope,
            scope_bytes: origin.scope_bytes,
            scope_schema_url: origin.scope_schema_url,
            received_unix_nano: origin.received_unix_nano,
            position: 0,
        }
    }

    /// The record's `audit.record.id`, if it has one. If the key occurs twice, the last one counts, as in the
    /// canonical form.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        let id = self.record.attributes.iter().rev().find(|attribute| attribute.key == AUDIT_RECORD_ID)?;
        match &id.value {
            Some(AnyValue { value: Some(Value::StringValue(id)) }) if !id.is_empty() => Some(id),
            _ => None,
        }
    }
}

/// A received span, decoded.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReceivedSpan {
    /// The span.
    pub span: Span,
    /// The resource; the default if the sender gave none.
    pub resource: Arc<Resource>,
    /// The scope; the default if the sender gave none.
    pub scope: Arc<InstrumentationScope>,
    /// When the export was complete, in nanoseconds since 1970.
    pub received_unix_nano: u64,
}

impl ReceivedSpan {
    /// Combines a span with its resource and scope.
    pub(crate) fn new(span: Span, origin: ItemOrigin) -> Self {
        Self { span, resource: origin.resource, scope: origin.scope, received_unix_nano: origin.received_unix_nano }
    }
}

/// What all records or spans of one scope in one export share.
#[derive(Clone, Debug)]
pub(crate) struct ItemOrigin {
    pub(crate) resource: Arc<Resource>,
    pub(crate) resource_bytes: Bytes,
    pub(crate) resource_schema_url: Arc<str>,
    pub(crate) scope: Arc<InstrumentationScope>,
    pub(crate) scope_bytes: Bytes,
    pub(crate) scope_schema_url: Arc<str>,
    pub(crate) received_unix_nano: u64,
}

/// An item, and the bytes of memory that are freed with it.
#[derive(Debug)]
pub(crate) struct Weighed<T> {
    pub(crate) item: T,
    pub(crate) weight: usize,
}
