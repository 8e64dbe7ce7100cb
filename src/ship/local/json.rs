//! OTLP JSON lines: a request as text, as the `file` exporter of the collector writes it and its `otlpjsonfile` receiver reads it.
//!
//! That is the JSON form of protobuf with the exceptions of OTLP (OTLP specification, "JSON Protobuf Encoding"): ids are
//! hexadecimal, enumerations are numbers, names are in camel case. As always there, integers of 64 bits are strings and bytes
//! are base64. What has its default value is left out, but for `body`. Names stand in the order in which the collector
//! writes them.

use std::io::Write as _;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use crate::hex::hex;

/// One line for each record of an encoded `ExportLogsServiceRequest`, each with its resource and scope: a line is then found by
/// what is in it, and is short enough for every reader.
///
/// # Errors
/// If the bytes are not such a request.
pub fn json_lines(request: &[u8]) -> Result<Vec<u8>, prost::DecodeError> {
    let request = ExportLogsServiceRequest::decode(request)?;
    let mut lines = Vec::new();
    for of_resource in &request.resource_logs {
        for of_scope in &of_resource.scope_logs {
            let (mut before, mut after) = (Vec::from(LINE_BEGINS), Vec::new());
            before.extend_from_slice(br#"{"resource":"#);
            Object::new(&mut before).resource(of_resource.resource.as_ref());
            before.extend_from_slice(br#","scopeLogs":[{"scope":"#);
            Object::new(&mut before).scope(of_scope.scope.as_ref());
            before.extend_from_slice(br#","logRecords":["#);
            after.push(b']');
            schema_url(&mut after, &of_scope.schema_url);
            after.extend_from_slice(b"}]");
            schema_url(&mut after, &of_resource.schema_url);
            after.extend_from_slice(b"}]}\n");
            for record in &of_scope.log_records {
                lines.extend_from_slice(&before);
                Object::new(&mut lines).record(record);
                lines.extend_from_slice(&after);
            }
        }
    }
    Ok(lines)
}

/// What every line begins with.
pub(super) const LINE_BEGINS: &[u8] = br#"{"resourceLogs":["#;

fn schema_url(out: &mut Vec<u8>, url: &str) {
    if !url.is_empty() {
        out.extend_from_slice(br#","schemaUrl":"#);
        string(out, url);
    }
}

/// An object that is being written. Its methods end it.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> Object<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    fn resource(mut self, resource: Option<&Resource>) {
        if let Some(resource) = resource {
            self.attributes(&resource.attributes);
            self.number("droppedAttributesCount", resource.dropped_attributes_count.into());
        }
        self.end();
    }

    fn scope(mut self, scope: Option<&InstrumentationScope>) {
        if let Some(scope) = scope {
            self.text("name", &scope.name);
            self.text("version", &scope.version);
            self.attributes(&scope.attributes);
            self.number("droppedAttributesCount", scope.dropped_attributes_count.into());
        }
        self.end();
    }

    fn record(mut self, record: &LogRecord) {
        self.quoted_number("timeUnixNano", record.time_unix_nano);
        self.quoted_number("observedTimeUnixNano", record.observed_time_unix_nano);
        self.number("severityNumber", record.severity_number.into());
        self.text("severityText", &record.severity_text);
        self.name("body");
        value(self.out, record.body.as_ref());
        self.attributes(&record.attributes);
        self.number("droppedAttributesCount", record.dropped_attributes_count.into());
        self.number("flags", record.flags.into());
        self.text("traceId", &hex(&record.trace_id));
        self.text("spanId", &hex(&record.span_id));
        self.text("eventName", &record.event_name);
        self.end();
    }

    fn attributes(&mut self, attributes: &[KeyValue]) {
        if !attributes.is_empty() {
            self.name("attributes");
            entries(self.out, attributes);
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.name(name);
            string(self.out, text);
        }
    }

    fn number(&mut self, name: &str, number: i64) {
        if number != 0 {
            self.name(name);
            print(self.out, format_args!("{number}"));
        }
    }

    fn quoted_number(&mut self, name: &str, number: u64) {
        if number != 0 {
            self.name(name);
            print(self.out, format_args!("\"{number}\""));
        }
    }

    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
        print(self.out, format_args!("\"{name}\":"));
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

fn entries(out: &mut Vec<u8>, entries: &[KeyValue]) {
    list(out, entries, |out, entry| {
        out.extend_from_slice(br#"{"key":"#);
        string(out, &entry.key);
        out.extend_from_slice(br#","value":"#);
        value(out, entry.value.as_ref());
        out.push(b'}');
    });
}

/// The depth of nesting is bounded by the decoder's own limit.
fn value(out: &mut Vec<u8>, of: Option<&AnyValue>) {
    use any_value::Value;
    out.push(b'{');
    match of.and_then(|of| of.value.as_ref()) {
        // Only profiles have tables of strings.
        None | Some(Value::StringValueStrindex(_)) => {}
        Some(Value::StringValue(text)) => {
            out.extend_from_slice(br#""stringValue":"#);
            string(out, text);
        }
        Some(Value::BoolValue(flag)) => print(out, format_args!("\"boolValue\":{flag}")),
        Some(Value::IntValue(number)) => print(out, format_args!("\"intValue\":\"{number}\"")),
        Some(Value::DoubleValue(number)) => {
            out.extend_from_slice(br#""doubleValue":"#);
            double(out, *number);
        }
        Some(Value::BytesValue(bytes)) => print(out, format_args!("\"bytesValue\":\"{}\"", base64(bytes))),
        Some(Value::ArrayValue(array)) => {
            out.extend_from_slice(br#""arrayValue":{"#);
            if !array.values.is_empty() {
                out.extend_from_slice(br#""values":"#);
                list(out, &array.values, |out, element| value(out, Some(element)));
            }
            out.push(b'}');
        }
        Some(Value::KvlistValue(map)) => {
            out.extend_from_slice(br#""kvlistValue":{"#);
            if !map.values.is_empty() {
                out.extend_from_slice(br#""values":"#);
                entries(out, &map.values);
            }
            out.push(b'}');
        }
    }
    out.push(b'}');
}

fn list<T>(out: &mut Vec<u8>, elements: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (place, element) in elements.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(out, element);
    }
    out.push(b']');
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(br#"\""#),
            '\\' => out.extend_from_slice(br"\\"),
            '\n' => out.extend_from_slice(br"\n"),
            '\r' => out.extend_from_slice(br"\r"),
            '\t' => out.extend_from_slice(br"\t"),
            c if c < ' ' => print(out, format_args!("\\u{:04x}", u32::from(c))),
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// JSON has no number for these three (protobuf, JSON mapping).
fn double(out: &mut Vec<u8>, number: f64) {
    let size = number.abs();
    if number.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" });
    } else if size != 0.0 && !(1e-6..1e21).contains(&size) {
        print(out, format_args!("{number:e}"));
    } else {
        print(out, format_args!("{number}"));
    }
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * place) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

fn print(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    drop(out.write_fmt(text));
}
