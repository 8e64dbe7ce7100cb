//! What an audit record is: its names, values, ids and outcomes, and its OTLP bytes, to and fro.
//!
//! An audit record is an OTel `LogRecord`. The trail writes records straight to bytes with [`Encoder`]; [`Record`] is
//! the typed form, for reading them back.

pub mod error_type;
pub mod names;

mod attributes;
mod clock;
mod cut;
mod decode;
mod encode;
mod entropy;
mod event;
mod fields;
mod ids;
mod outcome;
mod resource;
#[cfg(test)]
mod tests;
mod value;
mod wire;

use std::borrow::Cow;

pub use self::attributes::Attributes;
pub use self::clock::{Clock, Now, SystemClock};
pub use self::decode::DecodeError;
pub use self::encode::Encoder;
pub use self::entropy::{Entropy, ThreadEntropy};
pub use self::event::{EventName, UnknownEvent};
pub use self::ids::{RecordId, SpanId, SpanIds, StreamId, TraceId};
pub use self::outcome::{Detail, Outcome, Severity, Status, UnknownOutcome};
pub(crate) use self::resource::service_name;
pub use self::value::{Key, Value};

pub(crate) use self::attributes::{Name, Place};
pub(crate) use self::cut::cut;
pub(crate) use self::encode::{fixed, time_of};
#[cfg(feature = "serve")]
pub(crate) use self::fields::walk::{Slice, WireError};
pub(crate) use self::value::{Given, Scalar};
pub(crate) use self::wire::{fixed_attribute, fixed_length};

/// A log record, with all the fields that OTLP has.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// When the audited thing happened, in nanoseconds since 1970; 0 if unknown.
    pub time_unix_nano: u64,
    /// When it was observed, in nanoseconds since 1970; 0 if unknown.
    pub observed_time_unix_nano: u64,
    /// The event name; records of auditrail have one of [`EventName::ALL`].
    pub event_name: Cow<'static, str>,
    /// Number and text.
    pub severity: Severity,
    /// One short line for people.
    pub body: Option<Value>,
    /// Key and value, in the order in which they were written.
    pub attributes: Vec<(Key, Value)>,
    /// How many attributes somebody dropped.
    pub dropped_attributes_count: u32,
    /// The low byte holds the W3C trace flags.
    pub flags: u32,
    /// The trace, if known.
    pub trace_id: Option<TraceId>,
    /// The span, if known.
    pub span_id: Option<SpanId>,
}

impl Record {
    /// Appends the OTLP bytes of the record.
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
