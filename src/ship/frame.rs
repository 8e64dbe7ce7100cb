//! Builds OTLP requests around encoded records by concatenation: `ScopeLogs.log_records` is a repeated field, and so
//! is `LogRecord.attributes`, so attributes that only the journal knows are appended to a record's own bytes.

use bytes::{BufMut as _, Bytes, BytesMut};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

use crate::journal::Sequence;
use crate::record::{StreamId, names};

/// Encodes an OTLP `Resource` with those attributes.
#[must_use]
pub fn encode_resource(attributes: &[(String, String)]) -> Bytes {
    let attributes = attributes.iter().map(|(key, value)| key_value(key, value)).collect();
    Resource { attributes, ..Resource::default() }.encode_to_vec().into()
}

/// Encodes the `InstrumentationScope` of auditrail's records.
#[must_use]
pub fn encode_scope() -> Bytes {
    let scope = InstrumentationScope {
        name: names::SCOPE_NAME.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        ..InstrumentationScope::default()
    };
    scope.encode_to_vec().into()
}

/// The part of a request around the records of a stream: resource and scope.
#[derive(Debug, Clone)]
pub struct Envelope {
    resource: Bytes,
    scope: Bytes,
}

impl Envelope {
    /// Creates the envelope of a stream; `resource` and `scope` are encoded messages.
    #[must_use]
    pub fn new(resource: Bytes, scope: Bytes) -> Self {
        Self { resource, scope }
    }

    /// Builds one request. The fields of the records in `ScopeLogs` have `length` bytes in total, and `put_records`
    /// writes them.
    pub(super) fn around(&self, length: usize, put_records: impl FnOnce(&mut BytesMut)) -> Bytes {
        let schema = names::SCHEMA_URL.as_bytes();
        let scope_logs = field_length(self.scope.len()) + length + field_length(schema.len());
        let resource_logs = field_length(self.resource.len()) + field_length(scope_logs) + field_length(schema.len());

        let mut request = BytesMut::with_capacity(field_length(resource_logs));
        header(&mut request, RESOURCE_LOGS, resource_logs);
        field(&mut request, RESOURCE, &self.resource);
        header(&mut request, SCOPE_LOGS, scope_logs);
        field(&mut request, SCOPE, &self.scope);
        put_records(&mut request);
        field(&mut request, SCHEMA_URL, schema);
        field(&mut request, SCHEMA_URL, schema);
        request.freeze()
    }
}

/// Writes the header of a record's field in a request.
pub(super) fn record_header(request: &mut BytesMut, length: usize) {
    header(request, LOG_RECORDS, length);
}

/// The length of a field in a request, for content of that length.
pub(super) fn field_length(length: usize) -> usize {
    key_len(RESOURCE_LOGS) + encoded_len_varint(length as u64) + length
}

/// The attributes that only the journal knows: number and stream. They are appended to a record before it is shipped.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// `auditrail.stream.id`, as a field of a `LogRecord`.
    stream: Bytes,
}

impl Stamp {
    /// The stamp for records of `stream`.
    #[must_use]
    pub fn of(stream: StreamId) -> Self {
        let id = key_value(names::AUDITRAIL_STREAM_ID, &stream.to_string()).encode_to_vec();
        let mut stream = BytesMut::with_capacity(field_length(id.len()));
        field(&mut stream, ATTRIBUTES, &id);
        Self { stream: stream.freeze() }
    }

    /// The number of bytes that it adds to the record with that number.
    pub(super) fn length(&self, sequence: Sequence) -> usize {
        field_length(sequence_key_value_length(sequence)) + self.stream.len()
    }

    pub(super) fn put(&self, record: &mut BytesMut, sequence: Sequence) {
        sequence_number(record, sequence);
        record.put_slice(&self.stream);
    }
}

/// Writes `audit.sequence.number`, as a field of a `LogRecord`. Protobuf's `int64` is the varint of its bits.
fn sequence_number(request: &mut BytesMut, sequence: Sequence) {
    header(request, ATTRIBUTES, sequence_key_value_length(sequence));
    field(request, KEY, names::AUDIT_SEQUENCE_NUMBER.as_bytes());
    header(request, VALUE, 1 + encoded_len_varint(sequence));
    encode_key(INT_VALUE, WireType::Varint, request);
    encode_varint(sequence, request);
}

fn sequence_key_value_length(sequence: Sequence) -> usize {
    field_length(names::AUDIT_SEQUENCE_NUMBER.len()) + field_length(1 + encoded_len_varint(sequence))
}

fn key_value(key: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(any_value::Value::StringValue(value.to_owned())) };
    KeyValue { key: key.to_owned(), value: Some(value), key_strindex: 0 }
}

fn field(request: &mut BytesMut, number: u32, content: &[u8]) {
    header(request, number, content.len());
    request.put_slice(content);
}

fn header(request: &mut BytesMut, number: u32, length: usize) {
    encode_key(number, WireType::LengthDelimited, request);
    encode_varint(length as u64, request);
}

// Field numbers of opentelemetry/proto/collector/logs/v1/logs_service.proto, logs/v1/logs.proto and common/v1/common.proto;
// each key is one byte.
const RESOURCE_LOGS: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPE_LOGS: u32 = 2;
const SCOPE: u32 = 1;
const LOG_RECORDS: u32 = 2;
const SCHEMA_URL: u32 = 3;
const ATTRIBUTES: u32 = 6;
const KEY: u32 = 1;
const VALUE: u32 = 2;
const INT_VALUE: u32 = 3;
