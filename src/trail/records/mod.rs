//! The content of records: those of calls and moments, and those of the trail about itself.

mod call_records;
mod counts;
mod lifecycle;
mod templates;

pub use self::counts::RecordCounts;

#[cfg(feature = "layer")]
pub(in crate::trail) use self::call_records::span_moment;
pub(in crate::trail) use self::call_records::{MomentHeader, REQUEST_OUTCOME, interrupted, moment, request, response};
pub(in crate::trail) use self::lifecycle::{Gap, Lifecycle, PolicyRecord};
