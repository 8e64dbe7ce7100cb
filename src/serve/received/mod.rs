//! What was received: the newest records and spans, in bounded memory.
//!
//! # Invariants
//!
//! 1. Positions are consecutive in the order of arrival, and none is given twice: not in a run, and not in a later run
//!    either, because the first is the time of the start in microseconds and nobody receives a record a microsecond.
//! 2. Never more items and bytes than the limits say, but for a single item that is larger than all that may be held.
//!    The oldest leave first, and are counted.
//! 3. All of an export becomes visible at once.
//! 4. A change is announced after it is visible, so that whoever looks, finds nothing and waits will look again.
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
