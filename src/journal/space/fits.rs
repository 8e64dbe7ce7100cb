//! Whether a record has room.

use crate::journal::append::Room;
use crate::journal::error::{self, JournalError};
use crate::journal::state::{Shared, State, Unmade};

impl Shared {
    /// Whether a frame of that size fits, and what is kept for others with it.
    ///
    /// # Errors
    /// If no more room would help.
    pub(in crate::journal) fn has_room(&self, state: &State, size: u64, room: Room) -> Result<bool, JournalError> {
        // What was admitted is taken: its room was kept, and a commit has no more of it in memory than was promised.
        if state.commits.unsynced_bytes > TOO_MANY_UNSYNCED && room == Room::Free {
            return Err(self.full(state, ": the disk does not sync what was written"));
        }
        Ok(fits(state, size, room) && !self.is_next_too_small(state, size, room))
    }

    /// Whether what is promised would not fit into the next segment.
    pub(in crate::journal) fn is_next_too_small(&self, state: &State, size: u64, room: Room) -> bool {
        let least = self.least_next(state, size, room);
        room == Room::Free && state.segments.next.as_ref().is_some_and(|next| next.length < least)
    }

    /// Requests of open calls are carried into the next segment, and admitted responses may have to go there.
    pub(in crate::journal) fn least_next(&self, state: &State, size: u64, room: Room) -> u64 {
        let carried = self.header_length() + state.calls.bytes() + size;
        if room == Room::Free { carried + state.reserved + ALARM_RESERVE } else { carried }
    }

    pub(in crate::journal) fn full(&self, state: &State, because: &str) -> JournalError {
        let (pending, max) = (self.waiting(state), self.options.max_bytes);
        match &state.segments.full_because {
            Some(Unmade { text, cause: Some(cause) }) => {
                let fix = error::fix_of(*cause).unwrap_or(error::FIX);
                JournalError::NoSegment { cause: text.clone(), pending, fix }
            }
            Some(Unmade { text, cause: None }) => JournalError::Full { pending, max, because: format!(" ({text})") },
            None => JournalError::Full { pending, max, because: because.to_owned() },
        }
    }
}

/// Whether the room for it is in the active segment. While no other segment is ready, that is all there is, and a part
/// of it is kept for alarms, another for the responses of admitted calls.
pub(in crate::journal) fn fits(state: &State, size: u64, room: Room) -> bool {
    let kept = match room {
        _ if state.segments.next.is_some() => 0,
        Room::All => 0,
        Room::Free => ALARM_RESERVE + state.reserved,
        Room::Admitted(own) => ALARM_RESERVE + state.reserved.saturating_sub(own),
    };
    state.segments.active.offset + size + kept <= state.segments.active.length
}

/// Some alarm and gap records of the usual size.
pub(in crate::journal) const ALARM_RESERVE: u64 = 8 * 1024;
/// A commit has them all in memory, for a sync that may fail; a disk that is slower than this many per commit is a full disk.
const TOO_MANY_UNSYNCED: u64 = 24 << 20;
