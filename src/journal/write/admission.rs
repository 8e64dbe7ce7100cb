//! Reserves room for the response of a call.

use std::time::Duration;

use crate::journal::append::Room;
use crate::journal::error::JournalError;
use crate::journal::format::frame;
use crate::journal::handle::Journal;
use crate::journal::state::Work;

impl Journal {
    /// Reserves room for the response record of a call that is about to begin.
    ///
    /// # Errors
    /// [`JournalError::Full`].
    pub fn admit(&self, bytes: u64) -> Result<Admission, JournalError> {
        self.admit_within(bytes, Duration::MAX)
    }

    /// Like [`admit`](Self::admit), but waits no longer than `patience` if room has to be made on a stalled disk.
    ///
    /// # Errors
    /// [`JournalError::Full`], [`JournalError::Stalled`].
    pub fn admit_within(&self, bytes: u64, patience: Duration) -> Result<Admission, JournalError> {
        if self.is_inherited() {
            return Err(JournalError::Forked);
        }
        let size = frame::size(usize::try_from(bytes).unwrap_or(frame::LONGEST).min(frame::LONGEST)) as u64;
        let admission = Admission { journal: self.clone(), size };
        let mut state = self.0.state();
        if self.0.has_room(&state, size, Room::Free)? {
            state.reserved += size;
            return Ok(admission);
        }
        drop(state);
        match self.0.by_writer(Work::Admit(size), patience) {
            Ok(_) => Ok(admission),
            Err(error) => {
                // Nothing is reserved for it.
                std::mem::forget(admission);
                Err(error)
            }
        }
    }
}

/// Room that is reserved for a response record until this is dropped.
#[derive(Debug)]
pub struct Admission {
    journal: Journal,
    size: u64,
}

impl Admission {
    /// The room that the response may use.
    #[must_use]
    pub fn room(&self) -> Room {
        Room::Admitted(self.size)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.journal.is_inherited() {
            return;
        }
        let mut state = self.journal.0.state();
        state.reserved = state.reserved.saturating_sub(self.size);
    }
}
