//! What was received: the newest records and spans, in bounded memory.
//!
//! # Invariants
//!
//! 1. Positions are consecutive in the order of arrival, and none is used twice, neither in a run nor in a later run,
//!    because the first one is the start time in microseconds, and no receiver gets a record every microsecond.
//! 2. There are never more items and bytes than the limits say, except a single item that is larger than the limit.
//!    The oldest items are dropped first, and counted.
//! 3. All of an export becomes visible in one step.
//! 4. A change is announced after it is visible, so that a reader that looks, finds nothing and waits will look
//!    again.
//! 5. The lock is held for memory operations only: never across an `await`, never while a caller's code runs.

mod item;
mod memory;
mod progress;
mod ring;
mod state;
mod subscription;
#[cfg(test)]
mod tests;
mod weight;

pub(crate) use self::{
    item::{ItemOrigin, Weighed},
    ring::RingLimits,
    weight::{message_of_record, message_of_resource, message_of_scope, message_of_span},
};
pub use self::{
    item::{ReceivedRecord, ReceivedSpan},
    memory::Received,
    state::{Dropped, Snapshot},
    subscription::Subscription,
};
