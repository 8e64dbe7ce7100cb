//! How far a stream was durable: the mark above which no number was ever shipped.
//!
//! A tail that was synced may come back as zeros, or cut, from a disk that fails. Then nothing in the segments tells that there
//! was more, and a number that the sink has would be given to another record. The mark tells.
//!
//! Two slots, written in turn, each with the layout of a [`Cursor`] and the magic `auditmrk`: at 0 and at 4096, so that one
//! bad block of the disk leaves the other. The greater one counts.
//!
//! Invariants:
//! 1. What the mark names was durable in the segments when it was written. It may be behind, and is never ahead.
//! 2. It is durable itself before a record that it names is handed to the shipper. Until then a commit writes it without
//!    waiting for the disk, so that it is exact unless the power went.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::cursor::Cursor;
use super::fs::File;
use super::planted::planted;
use super::{Sequence, Shared, error};
use crate::record::StreamId;

/// The file of the mark, while the stream is written or read.
#[derive(Debug)]
pub(super) struct Mark {
    /// `None` if it could not be opened: the stream goes on without.
    file: Option<Arc<dyn File>>,
    state: Mutex<Marked>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Marked {
    /// The last number that this process has written to the file, and that no sync has failed with.
    written: Sequence,
    /// The last number that it would name after a power loss.
    durable: Sequence,
    /// The slot that is written next.
    slot: u64,
}

impl Mark {
    /// Goes on with what the file says. That another process has written it does not make it durable, and a sync of what it wrote is
    /// not believed (`renew`): it is written again.
    pub(super) fn new(file: Option<Arc<dyn File>>, stream: StreamId) -> Self {
        let found = file.as_ref().and_then(|file| Self::found(&**file, stream));
        let slot = found.map_or(0, |(slot, _)| (slot + 1) % SLOTS);
        let marked = Marked { slot, ..Marked::default() };
        Self { file, state: Mutex::new(marked) }
    }

    /// Takes the space for both slots, so that it is there when the disk is full.
    pub(super) fn make(file: &dyn File) -> io::Result<()> {
        file.write_at(0, &[0; LENGTH])
    }

    /// What the file says: the greater of its slots that can be believed.
    pub(super) fn read(file: &dyn File, stream: StreamId) -> Option<Cursor> {
        Self::found(file, stream).map(|(_, mark)| mark)
    }

    fn found(file: &dyn File, stream: StreamId) -> Option<(u64, Cursor)> {
        let slots = (0..SLOTS).filter_map(|slot| Some((slot, Cursor::read_at(file, slot * APART, MAGIC, stream)?)));
        slots.max_by_key(|(_, mark)| mark.sequence)
    }

    fn write(&self, at: Cursor, stream: StreamId) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut state = self.state();
        if at.sequence > state.written {
            file.write_at(state.slot * APART, &at.encode(MAGIC, stream))?;
            (state.written, state.slot) = (at.sequence, (state.slot + 1) % SLOTS);
        }
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let written = self.state().written;
        let synced = self.file.as_ref().map_or(Ok(()), |file| file.sync());
        let mut state = self.state();
        if synced.is_err() && !planted("trust-a-second-sync") {
            // The system may take it for written now.
            state.written = 0;
        }
        synced?;
        state.durable = state.durable.max(written);
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, Marked> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Notes how far the stream is durable now.
    pub(super) fn note_mark(&self) -> io::Result<()> {
        let synced = self.state().synced;
        let sequence = synced.sequence.saturating_sub(1);
        self.mark.write(Cursor { segment: synced.segment, offset: synced.offset, sequence }, self.stream)
    }

    /// Sees to it that a number which is about to be shipped is never given again, whatever the disk loses. A disk that does
    /// not even take that still has its records shipped, which is the best that can become of them.
    pub(super) fn mark_durably(&self, through: Sequence) {
        if self.mark.state().durable >= through || planted("skip-mark") {
            return;
        }
        match self.note_mark().and_then(|()| self.mark.sync()) {
            Ok(()) => self.recovered(MARK, "the journal saves its numbers again"),
            Err(cause) => {
                self.degraded(
                    MARK,
                    &format!("the journal cannot save which numbers it ships: {cause}; {}", error::FIX),
                );
            }
        }
    }
}

const MAGIC: &[u8; 8] = b"auditmrk";
const SLOTS: u64 = 2;
/// More than a block of any file system that is in use.
const APART: u64 = 4096;
const LENGTH: usize = 4096 + 64;
const MARK: &str = crate::record::error_type::JOURNAL_MARK_FAILED;
