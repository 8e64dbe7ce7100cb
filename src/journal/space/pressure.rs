//! How short the room of a journal is: by what could still be taken, not by what waits.
//!
//! What waits says too little: a segment goes as a whole, those of other streams take their part of the bound, and where no
//! further segment can be made there is no more than what the last one has left.

use std::sync::atomic::Ordering;

use super::fits::ALARM_RESERVE;
use crate::journal::handle::Journal;
use crate::journal::state::{Shared, State};

/// How short the room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// There is enough.
    Low,
    /// Less than four tenths of the bound are left.
    Near,
    /// Less than three tenths are left.
    Filling,
    /// Less than a tenth is left.
    NearlyFull,
}

impl Journal {
    /// How short the room is now. Costs next to nothing.
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

    /// Counts again what is left, where more has changed than a frame.
    pub(in crate::journal) fn note_fullness(&self, state: &State) {
        self.left.store(self.left(state), Ordering::Relaxed);
    }

    /// A frame of that size was appended. Under the lock, so nobody else counts.
    pub(in crate::journal) fn note_appended(&self, size: u64) {
        let left = self.left.load(Ordering::Relaxed);
        self.left.store(left.saturating_sub(size), Ordering::Relaxed);
    }

    /// Bytes for which there is room: in the segments that are there, or until as much waits as may.
    fn left(&self, state: &State) -> u64 {
        let active = state.segments.active.length.saturating_sub(state.segments.active.offset);
        let next = state.segments.next.as_ref().map_or(0, |next| next.length.saturating_sub(self.header_length()));
        let ready = (active + next).saturating_sub(state.reserved);
        // A disk that is full, or takes no files, may have no room for what the bound allows. What was promised comes on top
        // of segments that are made.
        let is_made = state.segments.full_because.is_none();
        let may_wait = if is_made { self.options.max_bytes.saturating_sub(self.waiting(state)) } else { 0 };
        ready.max(may_wait).saturating_sub(ALARM_RESERVE)
    }
}
