//! Back from OTLP: the typed record of received or journalled bytes.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;

use super::Record;
use super::ids::{SpanId, TraceId};
use super::outcome::Severity;
use super::value::{Key, Value};

impl Record {
    /// Reads the bytes of an `opentelemetry.proto.logs.v1.LogRecord`.
    ///
    /// # Errors
    /// Where the bytes are no such message, or an id has neither no bytes nor all of them.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::from_proto(LogRecord::decode(bytes)?)
    }

    /// The typed record of an OTLP message.
    ///
    /// # Errors
    /// Where an id has neither no bytes nor all of them, or a string stands in a table that only profiles have.
    pub fn from_proto(message: LogRecord) -> Result<Self, DecodeError> {
        Ok(Self {
            time_unix_nano: message.time_unix_nano,
            observed_time_unix_nano: message.observed_time_unix_nano,
            event_name: message.event_name.into(),
            severity: Severity { number: message.severity_number, text: message.severity_text.into() },
            body: message.body.map(any).transpose()?,
            attributes: entries(message.attributes)?,
            dropped_attributes_count: message.dropped_attributes_count,
            flags: message.flags,
            trace_id: id("trace_id", &message.trace_id, TraceId::new)?,
            span_id: id("span_id", &message.span_id, SpanId::new)?,
        })
    }
}

/// The bytes are no log record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Not an OTLP `LogRecord`.
    #[error("the bytes are no OTLP LogRecord: {0}; check that they are protobuf (not JSON) and that none is missing")]
    Protobuf(#[from] prost::DecodeError),
    /// An id of a wrong length.
    #[error("{field} has {length} bytes; OTLP wants {expected}, or none")]
    IdLength {
        /// `trace_id` or `span_id`.
        field: &'static str,
        /// The bytes it has.
        length: usize,
        /// The bytes it must have.
        expected: usize,
    },
    /// A string by index into a table.
    #[error("a string value is given by an index into a table, which only OTLP profiles have; send it as string_value")]
    StringIndex,
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

fn entries(list: Vec<KeyValue>) -> Result<Vec<(Key, Value)>, DecodeError> {
    list.into_iter().map(|entry| Ok((entry.key.into(), entry.value.map_or(Ok(Value::Empty), any)?))).collect()
}

/// The value of an attribute from the bytes of its `AnyValue`.
pub(super) fn value(bytes: &[u8]) -> Result<Value, DecodeError> {
    any(AnyValue::decode(bytes)?)
}

/// The depth of nesting is bounded by prost's own recursion limit.
fn any(message: AnyValue) -> Result<Value, DecodeError> {
    Ok(match message.value {
        None => Value::Empty,
        Some(any_value::Value::StringValue(text)) => Value::from(text),
        Some(any_value::Value::BoolValue(flag)) => Value::Bool(flag),
        Some(any_value::Value::IntValue(number)) => Value::Int(number),
        Some(any_value::Value::DoubleValue(number)) => Value::Double(number),
        Some(any_value::Value::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(any_value::Value::ArrayValue(array)) => {
            Value::Array(array.values.into_iter().map(any).collect::<Result<_, _>>()?)
        }
        Some(any_value::Value::KvlistValue(list)) => Value::Map(entries(list.values)?),
        Some(any_value::Value::StringValueStrindex(_)) => return Err(DecodeError::StringIndex),
    })
}
