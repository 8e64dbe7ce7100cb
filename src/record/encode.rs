//! Straight to OTLP: writes the bytes of an `opentelemetry.proto.logs.v1.LogRecord`, without a message in between.
//!
//! Invariants:
//! 1. The bytes equal those that prost writes for the same message (fields in the order of their numbers).
//! 2. An attribute is written once and never touched again; keys are unique because the caller gives them so.

use prost::encoding::{WireType, encode_key, encode_varint};

use super::attributes::Attributes;
use super::fields::leading_fixed64;
use super::ids::{SpanId, SpanIds};
use super::outcome::{Detail, Outcome, Severity, Status};
use super::value::Value;
use super::value::{Given, Scalar};
use super::{names, wire};

/// A string attribute whose key and text are known when this is compiled, encoded then.
macro_rules! fixed {
    ($key:expr, $text:expr) => {{
        const LENGTH: usize = $crate::record::wire::fixed_length($key, $text);
        const BYTES: [u8; LENGTH] = $crate::record::wire::fixed_attribute($key, $text);
        BYTES.as_slice()
    }};
}
pub(crate) use fixed;

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
        wire::fixed64(buffer, TIME, time_unix_nano);
        match (u8::try_from(severity.number), u8::try_from(severity.text.len())) {
            // All that anybody has.
            (Ok(number @ 1..0x80), Ok(length @ 1..0x80)) => {
                buffer.extend_from_slice(&[SEVERITY_NUMBER << 3, number, wire::tag(SEVERITY_TEXT), length]);
                buffer.extend_from_slice(severity.text.as_bytes());
            }
            (number, _) => {
                if number != Ok(0) {
                    buffer.push(SEVERITY_NUMBER << 3);
                    encode_varint(i64::from(severity.number).cast_unsigned(), buffer);
                }
                wire::bytes_field(buffer, SEVERITY_TEXT, severity.text.as_bytes());
            }
        }
        Self { buffer }
    }

    /// Goes on with a record that has its time already.
    #[inline]
    pub(crate) fn continued(buffer: &'b mut Vec<u8>) -> Self {
        Self { buffer }
    }

    /// Starts a record whose severity comes with what is prepared.
    #[inline]
    pub(crate) fn timed(buffer: &'b mut Vec<u8>, time_unix_nano: u64) -> Self {
        wire::fixed64(buffer, TIME, time_unix_nano);
        Self { buffer }
    }

    /// What was encoded before, with the texts of ids put in at those places.
    #[inline]
    pub(crate) fn prepared<'i>(&mut self, bytes: &[u8], ids: impl Iterator<Item = (usize, &'i [u8; 36])>) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        for (place, id) in ids {
            let place = self.buffer.get_mut(start + place..).and_then(<[u8]>::first_chunk_mut);
            if let Some(place) = place {
                *place = *id;
            }
        }
    }

    /// The body, before any attribute.
    pub fn body(&mut self, body: &str) {
        self.body_parts(&[body]);
    }

    /// The body in parts, which nobody has to join before.
    #[inline]
    pub fn body_parts(&mut self, parts: &[&str]) {
        wire::text_parts(self.buffer, BODY, parts);
    }

    /// The body in parts, each the bytes of a string.
    #[inline]
    pub(crate) fn body_bytes(&mut self, parts: &[&[u8]]) {
        wire::text_parts(self.buffer, BODY, parts);
    }

    /// The body, of any type, before any attribute.
    pub fn body_value(&mut self, body: &Value) {
        wire::length_field(self.buffer, BODY, wire::value_length(body));
        wire::value(self.buffer, body);
    }

    /// An attribute of any type.
    pub fn attribute(&mut self, key: &str, attribute: &Value) {
        wire::attribute(self.buffer, key, attribute);
    }

    /// Attributes that are encoded already.
    #[inline]
    pub fn attributes(&mut self, attributes: &Attributes) {
        self.buffer.extend_from_slice(attributes.as_bytes());
    }

    /// An attribute that was encoded when this was compiled.
    #[inline]
    pub(crate) fn fixed(&mut self, attribute: &'static [u8]) {
        self.buffer.extend_from_slice(attribute);
    }

    /// A string attribute.
    #[inline]
    pub fn text(&mut self, key: &str, text: &str) {
        self.text_bytes(key, text.as_bytes());
    }

    /// A string attribute, of the bytes of a string.
    #[inline]
    pub(crate) fn text_bytes(&mut self, key: &str, text: &[u8]) {
        wire::text_attribute(self.buffer, key, text);
    }

    /// An integer attribute.
    pub fn int(&mut self, key: &str, number: i64) {
        self.attribute(key, &Value::Int(number));
    }

    /// A double attribute.
    pub fn double(&mut self, key: &str, number: f64) {
        wire::given_attribute(self.buffer, key, Given { scalar: Scalar::Double(number), in_list: false });
    }

    /// How long something took, in seconds.
    #[inline]
    pub(crate) fn duration(&mut self, seconds: f64) {
        const LENGTH: usize = wire::fixed_double_length(names::AUDITRAIL_DURATION);
        const HEAD: [u8; LENGTH] = wire::fixed_double(names::AUDITRAIL_DURATION);
        self.buffer.extend_from_slice(&HEAD);
        self.buffer.extend_from_slice(&seconds.to_le_bytes());
    }

    /// The attributes that say how something ended.
    pub fn outcome(&mut self, outcome: &Outcome) {
        let status = match outcome.status {
            Status::Success => fixed!(names::AUDIT_OUTCOME, Status::Success.as_str()),
            Status::Failure => fixed!(names::AUDIT_OUTCOME, Status::Failure.as_str()),
            Status::Unknown => fixed!(names::AUDIT_OUTCOME, Status::Unknown.as_str()),
        };
        self.buffer.extend_from_slice(status);
        match outcome.detail {
            Some(Detail::Ok) => {
                self.buffer.extend_from_slice(fixed!(names::AUDITRAIL_OUTCOME_DETAIL, "ok"));
            }
            Some(detail) => self.text(names::AUDITRAIL_OUTCOME_DETAIL, detail.as_str()),
            None => {}
        }
        if let Some(error_type) = &outcome.error_type {
            self.text(names::ERROR_TYPE, error_type);
        }
        if let Some(code) = outcome.code {
            self.text(names::RPC_RESPONSE_STATUS_CODE, &code.to_string());
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
    #[inline]
    pub fn finish(self, ids: Option<SpanIds>, observed_unix_nano: u64, event_name: &str) {
        if let Some(SpanIds { trace, span: Some(span), flags: flags @ 1.. }) = ids {
            // Nearly all records: every length is known.
            let buffer = self.buffer;
            buffer.reserve(TAIL + event_name.len());
            buffer.extend_from_slice(&[FLAGS_KEY, flags, 0, 0, 0, wire::tag(TRACE_ID), 16]);
            buffer.extend_from_slice(&trace.to_bytes());
            buffer.extend_from_slice(&[wire::tag(SPAN_ID), 8]);
            buffer.extend_from_slice(&span.to_bytes());
            return finish(buffer, observed_unix_nano, event_name);
        }
        let flags = ids.map_or(0, |ids| u32::from(ids.flags));
        let trace = ids.map(|ids| ids.trace.to_bytes());
        let span = ids.and_then(|ids| ids.span).map(SpanId::to_bytes);
        self.finish_with(
            flags,
            trace.as_ref().map_or(&[], <[u8; 16]>::as_slice),
            span.as_ref().map_or(&[], <[u8; 8]>::as_slice),
            observed_unix_nano,
            event_name,
        );
    }

    #[inline]
    pub(super) fn finish_with(self, flags: u32, trace: &[u8], span: &[u8], observed_unix_nano: u64, event_name: &str) {
        let buffer = self.buffer;
        buffer.reserve(TAIL + event_name.len());
        if flags != 0 {
            buffer.push(FLAGS_KEY);
            buffer.extend_from_slice(&flags.to_le_bytes());
        }
        wire::bytes_field(buffer, TRACE_ID, trace);
        wire::bytes_field(buffer, SPAN_ID, span);
        finish(buffer, observed_unix_nano, event_name);
    }
}

/// What stands behind the ids.
#[inline]
fn finish(buffer: &mut Vec<u8>, observed_unix_nano: u64, event_name: &str) {
    wire::fixed64(buffer, OBSERVED_TIME, observed_unix_nano);
    wire::bytes_field(buffer, EVENT_NAME, event_name.as_bytes());
}

/// `time_unix_nano` of the bytes of a record, which begin with it; of bytes that begin with anything else nothing.
pub(crate) fn time_of(record: &[u8]) -> Option<u64> {
    leading_fixed64(record, TIME_KEY)
}

// Field numbers of a `LogRecord`; those of its attributes are with their bytes.
const TIME: u8 = 1;
const SEVERITY_NUMBER: u8 = 2;
const SEVERITY_TEXT: u8 = 3;
const BODY: u8 = 5;
const DROPPED_ATTRIBUTES: u32 = 7;
const TRACE_ID: u8 = 9;
const SPAN_ID: u8 = 10;
const OBSERVED_TIME: u8 = 11;
const EVENT_NAME: u8 = 12;
/// Number and type of the time, which has eight bytes.
const TIME_KEY: u8 = (TIME << 3) | 1;
/// Number and type of the flags, which have four bytes.
const FLAGS_KEY: u8 = (8 << 3) | 5;
/// More than the fields after the attributes take, without the event's name.
const TAIL: usize = 64;
