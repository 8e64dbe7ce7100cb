//! The typed form of a record, read from OTLP and written to it.

use std::borrow::Cow;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;

use super::decode::{self, DecodeError};
use super::encode::Encoder;
use super::ids::{SpanId, TraceId};
use super::outcome::Severity;
use super::value::{Key, Value};

/// A log record, with all the fields that OTLP has.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When the audited thing happened, in nanoseconds since 1970; 0 if unknown.
    pub time_unix_nano: u64,
    /// When it was observed, in nanoseconds since 1970; 0 if unknown.
    pub observed_time_unix_nano: u64,
    /// The event name; records of auditrail have one of [`EventName::ALL`](crate::record::EventName::ALL).
    pub event_name: Cow<'static, str>,
    /// Number and text.
    pub severity: Severity,
    /// One short line for people.
    pub body: Option<Value>,
    /// Key and value, in the order in which they were written.
    pub attributes: Vec<(Key, Value)>,
    /// How many attributes were dropped before the record arrived.
    pub dropped_attributes_count: u32,
    /// The low byte holds the W3C trace flags.
    pub flags: u32,
    /// The trace, if known.
    pub trace_id: Option<TraceId>,
    /// The span, if known.
    pub span_id: Option<SpanId>,
}

impl Record {
    /// Appends the record as OTLP bytes.
    pub fn encode(&self, buffer: &mut Vec<u8>) {
        let mut encoder = Encoder::new(buffer, self.time_unix_nano, &self.severity);
        if let Some(body) = &self.body {
            encoder.body_value(body);
        }
        for (key, value) in &self.attributes {
            encoder.attribute(key, value);
        }
        encoder.dropped(self.dropped_attributes_count);
        let trace = self.trace_id.map(TraceId::to_bytes);
        let span = self.span_id.map(SpanId::to_bytes);
        encoder.finish_with(
            self.flags,
            trace.as_ref().map_or(&[], <[u8; 16]>::as_slice),
            span.as_ref().map_or(&[], <[u8; 8]>::as_slice),
            self.observed_time_unix_nano,
            &self.event_name,
        );
    }

    /// The attribute of that name, if the record has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The string attribute of that name, if the record has it.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }
}

impl Record {
    /// Reads the bytes of an `opentelemetry.proto.logs.v1.LogRecord`.
    ///
    /// # Errors
    /// If the bytes are not such a message, or an id has a wrong length.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_proto(LogRecord::decode(bytes)?)
    }

    /// The typed record of an OTLP message.
    ///
    /// # Errors
    /// If an id has a wrong length, or a string refers to a table, which only OTLP profiles have.
    pub fn from_proto(message: LogRecord) -> Result<Self, DecodeError> {
        Ok(Self {
            time_unix_nano: message.time_unix_nano,
            observed_time_unix_nano: message.observed_time_unix_nano,
            event_name: message.event_name.into(),
            severity: Severity { number: message.severity_number, text: message.severity_text.into() },
            body: message.body.map(decode::any).transpose()?,
            attributes: decode::entries(message.attributes)?,
            dropped_attributes_count: message.dropped_attributes_count,
            flags: message.flags,
            trace_id: id("trace_id", &message.trace_id, TraceId::new)?,
            span_id: id("span_id", &message.span_id, SpanId::new)?,
        })
    }
}

fn id<const N: usize, T>(
    field: &'static str,
    bytes: &[u8],
    make: fn([u8; N]) -> Option<T>,
) -> Result<Option<T>, DecodeError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let bytes: [u8; N] =
        bytes.try_into().map_err(|_| DecodeError::IdLength { field, length: bytes.len(), expected: N })?;
    Ok(make(bytes))
}
