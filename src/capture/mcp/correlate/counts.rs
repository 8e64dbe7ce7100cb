//! Counters of what was seen, and of what was left out.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// A message of any kind.
    Message,
    /// Something that is no JSON-RPC message.
    Flawed,
    /// An answer to nothing that is open: late, replayed, or made up.
    Unasked,
    /// A call that was ended because too many are open.
    Evicted,
    /// A body that could not be read: its encoding is unknown, or it expands beyond the bound.
    Unread,
}

/// The counters of one server.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; 5]);

impl Counts {
    pub(crate) fn add(&self, what: Counted) {
        if let Some(counter) = self.0.get(what as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn of(&self, what: Counted) -> u64 {
        self.0.get(what as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}
