//! Decodes values from OTLP bytes; the errors of decoding.

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use prost::Message as _;

use super::value::{Key, Value};

/// The bytes are not a log record.
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

pub(super) fn entries(list: Vec<KeyValue>) -> Result<Vec<(Key, Value)>, DecodeError> {
    list.into_iter().map(|entry| Ok((entry.key.into(), entry.value.map_or(Ok(Value::Empty), any)?))).collect()
}

/// The value of an attribute from the bytes of its `AnyValue`.
pub(super) fn value(bytes: &[u8]) -> Result<Value, DecodeError> {
    any(AnyValue::decode(bytes)?)
}

/// The depth of nesting is bounded by prost's own recursion limit.
pub(super) fn any(message: AnyValue) -> Result<Value, DecodeError> {
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
