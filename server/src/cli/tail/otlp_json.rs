//! OTLP JSON, read as leniently as the specification asks for: integers as strings or numbers, names of unknown fields.

use std::fmt;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::found::Found;

/// The records of one line. A line with spans or metrics has none.
pub(super) fn records_of(line: &[u8]) -> serde_json::Result<Vec<Found>> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let request: JsonRequest = serde_json::from_slice(line)?;
    let mut records = Vec::new();
    for of_resource in request.resource_logs {
        let resource: Resource = of_resource.resource.into();
        for of_scope in of_resource.scope_logs {
            let scope: InstrumentationScope = of_scope.scope.into();
            records.extend(of_scope.log_records.into_iter().map(|record| Found {
                resource: resource.clone(),
                scope: scope.clone(),
                record: record.into(),
                schema_url: of_scope.schema_url.clone(),
            }));
        }
    }
    Ok(records)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct JsonRequest {
    resource_logs: Vec<JsonResourceLogs>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JsonResourceLogs {
    resource: JsonResource,
    scope_logs: Vec<JsonScopeLogs>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JsonResource {
    attributes: Vec<JsonEntry>,
    dropped_attributes_count: u32,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JsonScopeLogs {
    scope: JsonScope,
    log_records: Vec<JsonRecord>,
    schema_url: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JsonScope {
    name: String,
    version: String,
    attributes: Vec<JsonEntry>,
    dropped_attributes_count: u32,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JsonRecord {
    time_unix_nano: JsonInt,
    observed_time_unix_nano: JsonInt,
    severity_number: i32,
    severity_text: String,
    body: Option<JsonValue>,
    attributes: Vec<JsonEntry>,
    dropped_attributes_count: u32,
    flags: u32,
    trace_id: String,
    span_id: String,
    event_name: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct JsonEntry {
    key: String,
    value: JsonValue,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct JsonValue {
    string_value: Option<String>,
    bool_value: Option<bool>,
    int_value: Option<JsonInt>,
    double_value: Option<JsonDouble>,
    bytes_value: Option<String>,
    array_value: Option<JsonArray>,
    kvlist_value: Option<JsonMap>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct JsonArray {
    values: Vec<JsonValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct JsonMap {
    values: Vec<JsonEntry>,
}

/// An integer of 64 bits: as a string, or as a number.
#[derive(Clone, Copy, Default)]
struct JsonInt(i128);

/// A number, or one of three names.
struct JsonDouble(f64);

impl From<JsonResource> for Resource {
    fn from(json: JsonResource) -> Self {
        Self {
            attributes: entries(json.attributes),
            dropped_attributes_count: json.dropped_attributes_count,
            ..Self::default()
        }
    }
}

impl From<JsonScope> for InstrumentationScope {
    fn from(json: JsonScope) -> Self {
        Self {
            name: json.name,
            version: json.version,
            attributes: entries(json.attributes),
            dropped_attributes_count: json.dropped_attributes_count,
        }
    }
}

impl From<JsonRecord> for LogRecord {
    fn from(json: JsonRecord) -> Self {
        let time = |JsonInt(nanos)| u64::try_from(nanos).unwrap_or(0);
        Self {
            time_unix_nano: time(json.time_unix_nano),
            observed_time_unix_nano: time(json.observed_time_unix_nano),
            severity_number: json.severity_number,
            severity_text: json.severity_text,
            body: json.body.map(AnyValue::from),
            attributes: entries(json.attributes),
            dropped_attributes_count: json.dropped_attributes_count,
            flags: json.flags,
            trace_id: from_hex(&json.trace_id),
            span_id: from_hex(&json.span_id),
            event_name: json.event_name,
        }
    }
}

fn entries(entries: Vec<JsonEntry>) -> Vec<KeyValue> {
    let entry = |entry: JsonEntry| KeyValue { key: entry.key, value: Some(entry.value.into()), key_strindex: 0 };
    entries.into_iter().map(entry).collect()
}

impl From<JsonValue> for AnyValue {
    fn from(json: JsonValue) -> Self {
        let int = |JsonInt(number)| Value::IntValue(i64::try_from(number).unwrap_or_default());
        let array = |JsonArray { values }| {
            Value::ArrayValue(ArrayValue { values: values.into_iter().map(Self::from).collect() })
        };
        let value = json
            .string_value
            .map(Value::StringValue)
            .or_else(|| json.bool_value.map(Value::BoolValue))
            .or_else(|| json.int_value.map(int))
            .or_else(|| json.double_value.map(|JsonDouble(number)| Value::DoubleValue(number)))
            .or_else(|| json.bytes_value.map(|text| Value::BytesValue(from_base64(&text))))
            .or_else(|| json.array_value.map(array))
            .or_else(|| json.kvlist_value.map(|map| Value::KvlistValue(KeyValueList { values: entries(map.values) })));
        Self { value }
    }
}

impl<'de> Deserialize<'de> for JsonInt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Int;

        impl Visitor<'_> for Int {
            type Value = JsonInt;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer, as a number or a string")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<JsonInt, E> {
                Ok(JsonInt(number.into()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<JsonInt, E> {
                Ok(JsonInt(number.into()))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<JsonInt, E> {
                text.parse().map(JsonInt).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Int)
    }
}

impl<'de> Deserialize<'de> for JsonDouble {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Double;

        impl Visitor<'_> for Double {
            type Value = JsonDouble;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<JsonDouble, E> {
                Ok(JsonDouble(number))
            }

            #[expect(clippy::cast_precision_loss, reason = "JSON does not tell 1 from 1.0")]
            fn visit_u64<E: Error>(self, number: u64) -> Result<JsonDouble, E> {
                Ok(JsonDouble(number as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "JSON does not tell -1 from -1.0")]
            fn visit_i64<E: Error>(self, number: i64) -> Result<JsonDouble, E> {
                Ok(JsonDouble(number as f64))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<JsonDouble, E> {
                // "NaN", "Infinity", "-Infinity", or a number.
                name.parse().map(JsonDouble).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(Double)
    }
}

/// What is not hexadecimal is no id.
fn from_hex(text: &str) -> Vec<u8> {
    let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let bytes = digits.unwrap_or_default();
    let byte = |pair: &[u32]| u8::try_from(pair.iter().fold(0, |byte, digit| byte * 16 + digit)).unwrap_or(0);
    bytes.chunks_exact(2).map(byte).collect()
}

/// RFC 4648, of both alphabets; what is no digit ends it.
fn from_base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let digits: Vec<_> = text.bytes().map_while(digit).collect();
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit)) << (6 * (4 - group.len()));
        let [_, bytes @ ..] = bits.to_be_bytes();
        bytes.into_iter().take(group.len().saturating_sub(1))
    };
    digits.chunks(4).flat_map(group).collect()
}
