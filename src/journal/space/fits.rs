//! Decides whether a record has room.

use crate::journal::append::Room;
use crate::journal::error::{self, JournalError};
use crate::journal::state::{Shared, State, Unmade};

impl Shared {
    /// Whether a frame of that size fits, in addition to what is reserved.
    ///
    /// # Errors
    /// If no amount of room would help.
    pub(in crate::journal) fn has_room(&self, state: &State, size: u64, room: Room) -> Result<bool, JournalError> {
        // Admitted records are accepted: their room was reserved, so a commit has no more in memory than planned.
        if state.commits.unsynced_bytes > TOO_MANY_UNSYNCED && room == Room::Free {
            return Err(self.full(state, ": the disk does not sync what was written"));
        }
        Ok(fits(state, size, room) && !self.is_next_too_small(state, size, room))
    }

    /// Whether the reserved room would not fit into the next segment.
    pub(in crate::journal) fn is_next_too_small(&self, state: &State, size: u64, room: Room) -> bool {
        let least = self.least_next(state, size, room);
        room == Room::Free && state.segments.next.as_ref().is_some_and(|next| next.length < least)
    }

    /// The least size of the next segment: it takes the requests of open calls, and perhaps the responses that have
    /// reserved room.
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

/// Whether the frame fits into the active segment. If no other segment is ready, a part of it is kept for alarms and for
/// reserved responses.
pub(in crate::journal) fn fits(state: &State, size: u64, room: Room) -> bool {
    let kept = match room {
        _ if state.segments.next.is_some() => 0,
        Room::All => 0,
        Room::Free => ALARM_RESERVE + state.reserved,
        Room::Admitted(own) => ALARM_RESERVE + state.reserved.saturating_sub(own),
    };
    state.segments.active.offset + size + kept <= state.segments.active.length
}

/// A few alarm and gap records of the usual size.
pub(in crate::journal) const ALARM_RESERVE: u64 = 8 * 1024;
/// A commit has all of them in memory, in case its sync fails. A disk that is too slow for that counts as full.
const TOO_MANY_UNSYNCED: u64 = 24 << 20;
