//! Defines an audit record: names, values, ids and outcomes, and conversion to and from OTLP bytes.
//!
//! An audit record is an OTel `LogRecord`. The trail writes records straight to bytes with [`Encoder`]; [`Record`] is
//! the typed form, for reading them back.

pub mod error_type;
pub mod names;

mod attributes;
mod clock;
mod cut;
mod decode;
mod direction;
mod encode;
mod entropy;
mod event;
mod fields;
mod ids;
mod log_record;
mod outcome;
pub(crate) mod resource;
mod rfc3339;
mod terms;
#[cfg(test)]
mod tests;
mod value;
pub(crate) mod wire;

pub use self::attributes::Attributes;
pub use self::clock::{Clock, ClockReading, SystemClock};
pub use self::decode::DecodeError;
pub use self::direction::Direction;
pub use self::encode::Encoder;
pub use self::entropy::{Entropy, ThreadEntropy};
pub use self::event::{EventName, UnknownEvent};
pub use self::ids::{RecordId, SpanId, SpanIds, StreamId, TraceId};
pub use self::log_record::Record;
pub use self::outcome::{Detail, Outcome, Severity, Status, UnknownOutcome};
pub(crate) use self::resource::service_name;
pub use self::value::{Key, Value};

#[cfg(feature = "layer")]
pub(crate) use self::attributes::Name;
pub(crate) use self::attributes::Place;
pub(crate) use self::cut::cut;
pub(crate) use self::encode::{fixed, time_of};
#[cfg(feature = "serve")]
pub(crate) use self::fields::walk::{Slice, WireError};
pub(crate) use self::rfc3339::rfc3339;
pub(crate) use self::terms::terms;
#[cfg(feature = "layer")]
pub(crate) use self::value::{Given, Scalar};
