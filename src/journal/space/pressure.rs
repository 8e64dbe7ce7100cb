//! How short of room the journal is, measured by what it could still accept.
//!
//! What waits is a poor measure: a segment is removed as a whole, other streams take their part of the limit, and if no
//! further segment can be created, only the rest of the last one is left.

use std::sync::atomic::Ordering;

use super::fits::ALARM_RESERVE;
use crate::journal::handle::Journal;
use crate::journal::state::{Shared, State};

/// How short of room the journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// There is enough room.
    Low,
    /// Less than four tenths of the limit are left.
    Near,
    /// Less than three tenths are left.
    Filling,
    /// Less than a tenth is left.
    NearlyFull,
}

impl Journal {
    /// How short of room the journal is now. This is cheap.
    #[must_use]
    pub fn pressure(&self) -> Pressure {
        self.0.pressure()
    }
}

impl Shared {
    pub(in crate::journal) fn pressure(&self) -> Pressure {
        let (left, tenth) = (self.left.load(Ordering::Relaxed), self.options.max_bytes / 10);
        match left {
            _ if left >= 4 * tenth => Pressure::Low,
            _ if left >= 3 * tenth => Pressure::Near,
            _ if left >= tenth => Pressure::Filling,
            _ => Pressure::NearlyFull,
        }
    }

    /// Computes again what is left, after more than one frame has changed.
    pub(in crate::journal) fn note_fullness(&self, state: &State) {
        self.left.store(self.left(state), Ordering::Relaxed);
    }

    /// Counts an appended frame. The lock is held, so no other thread counts.
    pub(in crate::journal) fn note_appended(&self, size: u64) {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(size), Ordering::Relaxed);
    }

    /// How many bytes can be accepted: the rest of the existing segments, or what the limit still allows.
    fn left(&self, state: &State) -> u64 {
        let active = state.segments.active.length.saturating_sub(state.segments.active.offset);
        let next = state.segments.next.as_ref().map_or(0, |next| next.length.saturating_sub(self.header_length()));
        let ready = (active + next).saturating_sub(state.reserved);
        // A disk that is full, or that refuses new files, may have no room for what the limit allows. Reserved room is
        // added when segments are created.
        let is_made = state.segments.full_because.is_none();
        let may_wait = if is_made { self.options.max_bytes.saturating_sub(self.waiting(state)) } else { 0 };
        ready.max(may_wait).saturating_sub(ALARM_RESERVE)
    }
}
