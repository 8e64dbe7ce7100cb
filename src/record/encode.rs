//! Straight to OTLP: writes the bytes of an `opentelemetry.proto.logs.v1.LogRecord`, without a message in between.
//!
//! Invariants:
//! 1. The bytes equal those that prost writes for the same message (fields in the order of their numbers).
//! 2. An attribute is written once and never touched again; keys are unique because the caller gives them so.

use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use super::{Outcome, Severity, SpanIds, Value};

/// Appends one `LogRecord` to a buffer, field by field.
///
/// ```
/// # use auditrail::record::{Encoder, Severity};
/// let mut bytes = Vec::new();
/// let mut encoder = Encoder::new(&mut bytes, 1_767_225_600_000_000_000, &Severity::INFO);
/// encoder.body("tools/call get_weather");
/// encoder.text("mcp.method.name", "tools/call");
/// encoder.finish(None, 1_767_225_600_000_000_000, "auditrail.mcp.tools.call");
/// ```
#[derive(Debug)]
pub struct Encoder<'b> {
    buffer: &'b mut Vec<u8>,
}

impl<'b> Encoder<'b> {
    /// Starts a record of that time (nanoseconds since 1970) and severity.
    pub fn new(buffer: &'b mut Vec<u8>, time_unix_nano: u64, severity: &Severity) -> Self {
        fixed64(buffer, TIME, time_unix_nano);
        if severity.number != 0 {
            encode_key(SEVERITY_NUMBER, WireType::Varint, buffer);
            encode_varint(i64::from(severity.number).cast_unsigned(), buffer);
        }
        text_field(buffer, SEVERITY_TEXT, &severity.text);
        Self { buffer }
    }

    /// The body, before any attribute.
    pub fn body(&mut self, body: &str) {
        length_field(self.buffer, BODY, text_length(body));
        text_value(self.buffer, body);
    }

    /// The body, of any type, before any attribute.
    pub fn body_value(&mut self, body: &Value) {
        length_field(self.buffer, BODY, value_length(body));
        value(self.buffer, body);
    }

    /// An attribute of any type.
    pub fn attribute(&mut self, key: &str, attribute: &Value) {
        key_value(self.buffer, ATTRIBUTES, key, attribute);
    }

    /// A string attribute.
    pub fn text(&mut self, key: &str, text: &str) {
        self.attribute_header(key, text_length(text));
        text_value(self.buffer, text);
    }

    /// An integer attribute.
    pub fn int(&mut self, key: &str, number: i64) {
        self.attribute(key, &Value::Int(number));
    }

    /// A double attribute.
    pub fn double(&mut self, key: &str, number: f64) {
        self.attribute(key, &Value::Double(number));
    }

    /// The attributes that say how something ended.
    pub fn outcome(&mut self, outcome: &Outcome) {
        self.text(super::names::AUDIT_OUTCOME, outcome.status.as_str());
        if let Some(detail) = outcome.detail {
            self.text(super::names::AUDITRAIL_OUTCOME_DETAIL, detail.as_str());
        }
        if let Some(error_type) = &outcome.error_type {
            self.text(super::names::ERROR_TYPE, error_type);
        }
        if let Some(code) = outcome.code {
            self.text(super::names::RPC_RESPONSE_STATUS_CODE, &code.to_string());
        }
    }

    /// How many attributes others dropped before; nothing if none.
    pub(super) fn dropped(&mut self, count: u32) {
        if count != 0 {
            encode_key(DROPPED_ATTRIBUTES, WireType::Varint, self.buffer);
            encode_varint(u64::from(count), self.buffer);
        }
    }

    /// Ends the record: the span's ids if they are known, the observed time, the event name.
    pub fn finish(self, ids: Option<SpanIds>, observed_unix_nano: u64, event_name: &str) {
        let flags = ids.map_or(0, |ids| u32::from(ids.flags));
        let trace = ids.map(|ids| ids.trace.to_bytes());
        let span = ids.map(|ids| ids.span.to_bytes());
        self.finish_with(
            flags,
            trace.as_ref().map_or(&[], <[u8; 16]>::as_slice),
            span.as_ref().map_or(&[], <[u8; 8]>::as_slice),
            observed_unix_nano,
            event_name,
        );
    }

    pub(super) fn finish_with(self, flags: u32, trace: &[u8], span: &[u8], observed_unix_nano: u64, event_name: &str) {
        let buffer = self.buffer;
        if flags != 0 {
            encode_key(FLAGS, WireType::ThirtyTwoBit, buffer);
            buffer.extend_from_slice(&flags.to_le_bytes());
        }
        bytes_field(buffer, TRACE_ID, trace);
        bytes_field(buffer, SPAN_ID, span);
        fixed64(buffer, OBSERVED_TIME, observed_unix_nano);
        text_field(buffer, EVENT_NAME, event_name);
    }

    fn attribute_header(&mut self, key: &str, any_value_length: usize) {
        key_value_header(self.buffer, ATTRIBUTES, key, any_value_length);
    }
}

fn key_value(buffer: &mut Vec<u8>, field: u32, key: &str, any: &Value) {
    key_value_header(buffer, field, key, value_length(any));
    value(buffer, any);
}

/// Everything of a `KeyValue` up to the content of its `AnyValue`.
fn key_value_header(buffer: &mut Vec<u8>, field: u32, key: &str, any_value_length: usize) {
    length_field(buffer, field, key_value_length(key, any_value_length));
    text_field(buffer, KEY, key);
    length_field(buffer, VALUE, any_value_length);
}

fn key_value_length(key: &str, any_value_length: usize) -> usize {
    let key_length = if key.is_empty() { 0 } else { 1 + delimited(key.len()) };
    key_length + 1 + delimited(any_value_length)
}

/// The content of an `AnyValue`.
fn value(buffer: &mut Vec<u8>, any: &Value) {
    match any {
        Value::Empty => {}
        Value::Str(text) => text_value(buffer, text),
        Value::Bool(flag) => {
            encode_key(BOOL_VALUE, WireType::Varint, buffer);
            encode_varint(u64::from(*flag), buffer);
        }
        Value::Int(number) => {
            encode_key(INT_VALUE, WireType::Varint, buffer);
            encode_varint(number.cast_unsigned(), buffer);
        }
        Value::Double(number) => {
            encode_key(DOUBLE_VALUE, WireType::SixtyFourBit, buffer);
            buffer.extend_from_slice(&number.to_le_bytes());
        }
        Value::Bytes(bytes) => {
            length_field(buffer, BYTES_VALUE, bytes.len());
            buffer.extend_from_slice(bytes);
        }
        Value::Array(items) => {
            length_field(buffer, ARRAY_VALUE, array_length(items));
            for item in items {
                length_field(buffer, ITEMS, value_length(item));
                value(buffer, item);
            }
        }
        Value::Map(entries) => {
            length_field(buffer, MAP_VALUE, map_length(entries));
            for (key, entry) in entries {
                key_value(buffer, ITEMS, key, entry);
            }
        }
    }
}

fn value_length(any: &Value) -> usize {
    match any {
        Value::Empty => 0,
        Value::Str(text) => text_length(text),
        Value::Bool(_) => 2,
        Value::Int(number) => 1 + encoded_len_varint(number.cast_unsigned()),
        Value::Double(_) => 9,
        Value::Bytes(bytes) => 1 + delimited(bytes.len()),
        Value::Array(items) => 1 + delimited(array_length(items)),
        Value::Map(entries) => 1 + delimited(map_length(entries)),
    }
}

fn array_length(items: &[Value]) -> usize {
    items.iter().map(|item| 1 + delimited(value_length(item))).sum()
}

fn map_length(entries: &[(super::Key, Value)]) -> usize {
    entries.iter().map(|(key, entry)| 1 + delimited(key_value_length(key, value_length(entry)))).sum()
}

fn text_value(buffer: &mut Vec<u8>, text: &str) {
    length_field(buffer, STRING_VALUE, text.len());
    buffer.extend_from_slice(text.as_bytes());
}

fn text_length(text: &str) -> usize {
    1 + delimited(text.len())
}

fn text_field(buffer: &mut Vec<u8>, field: u32, text: &str) {
    bytes_field(buffer, field, text.as_bytes());
}

fn bytes_field(buffer: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    if !bytes.is_empty() {
        length_field(buffer, field, bytes.len());
        buffer.extend_from_slice(bytes);
    }
}

fn fixed64(buffer: &mut Vec<u8>, field: u32, number: u64) {
    if number != 0 {
        encode_key(field, WireType::SixtyFourBit, buffer);
        buffer.extend_from_slice(&number.to_le_bytes());
    }
}

fn length_field(buffer: &mut Vec<u8>, field: u32, length: usize) {
    encode_key(field, WireType::LengthDelimited, buffer);
    encode_varint(length as u64, buffer);
}

fn delimited(length: usize) -> usize {
    encoded_len_varint(length as u64) + length
}

// Field numbers of opentelemetry/proto/logs/v1/logs.proto and common/v1/common.proto; all below 16, so that a key is one byte.
const TIME: u32 = 1;
const SEVERITY_NUMBER: u32 = 2;
const SEVERITY_TEXT: u32 = 3;
const BODY: u32 = 5;
const ATTRIBUTES: u32 = 6;
const DROPPED_ATTRIBUTES: u32 = 7;
const FLAGS: u32 = 8;
const TRACE_ID: u32 = 9;
const SPAN_ID: u32 = 10;
const OBSERVED_TIME: u32 = 11;
const EVENT_NAME: u32 = 12;
const KEY: u32 = 1;
const VALUE: u32 = 2;
const ITEMS: u32 = 1;
const STRING_VALUE: u32 = 1;
const BOOL_VALUE: u32 = 2;
const INT_VALUE: u32 = 3;
const DOUBLE_VALUE: u32 = 4;
const ARRAY_VALUE: u32 = 5;
const MAP_VALUE: u32 = 6;
const BYTES_VALUE: u32 = 7;
