//! How far a stream was durable: no number above the mark was ever shipped.
//!
//! On a disk that fails, a synced tail may come back as zeros or truncated. Nothing in the segments then shows that there
//! was more, and a number that the sink has would be used for another record. The mark shows it.
//!
//! Two slots, at 0 and at 4096, are written alternately, so that one bad block leaves the other. Each has the layout of a
//! [`Cursor`] with the magic `auditmrk`. The greater one is valid.
//!
//! Invariants:
//! 1. What the mark names was durable when the mark was written. It can lag behind and is never ahead.
//! 2. It is durable before a record up to it is handed to the shipper. Until then, each commit writes it without waiting
//!    for the disk, so it is exact unless the power fails.

use std::io;
use std::sync::Arc;

use super::cursor::Cursor;
use crate::journal::disk::File;
use crate::journal::numbers::Sequence;
use crate::journal::planted::planted;
use crate::locks::{Mutex, MutexGuard};
use crate::record::StreamId;

/// The file of the mark, while the stream is open.
#[derive(Debug)]
pub(in crate::journal) struct Mark {
    /// `None` if it could not be opened: the stream works without it.
    file: Option<Arc<dyn File>>,
    state: Mutex<Marked>,
    /// Held by whoever writes the mark and syncs it. Of two syncs at the same time that fail, the system tells one.
    saving: Mutex<()>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Marked {
    /// The last number that this process has written to the file and that was not part of a failed sync.
    written: Sequence,
    /// The last number that the file would have after a power loss.
    durable: Sequence,
    /// The slot to write next.
    slot: u64,
}

impl Mark {
    /// Continues with the content of the file. It is written again before a sync counts: a sync of what another process wrote
    /// proves nothing (`recover/renew.rs`).
    pub(in crate::journal) fn new(file: Option<Arc<dyn File>>, stream: StreamId) -> Self {
        let found = file.as_ref().and_then(|file| Self::found(&**file, stream));
        let slot = found.map_or(0, |(slot, _)| (slot + 1) % SLOTS);
        let marked = Marked { slot, ..Marked::default() };
        Self { file, state: Mutex::new(marked), saving: Mutex::default() }
    }

    /// Allocates both slots, so that they can be written when the disk is full.
    pub(in crate::journal) fn make(file: &dyn File) -> io::Result<()> {
        file.write_at(0, &[0; LENGTH])
    }

    /// The mark in a file: the greater of its valid slots.
    pub(in crate::journal) fn read(file: &dyn File, stream: StreamId) -> Option<Cursor> {
        Self::found(file, stream).map(|(_, mark)| mark)
    }

    fn found(file: &dyn File, stream: StreamId) -> Option<(u64, Cursor)> {
        let slots = (0..SLOTS).filter_map(|slot| Some((slot, Cursor::read_at(file, slot * APART, MAGIC, stream)?)));
        slots.max_by_key(|(_, mark)| mark.sequence)
    }

    pub(in crate::journal) fn write(&self, at: Cursor, stream: StreamId) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut state = self.state();
        if at.sequence > state.written {
            file.write_at(state.slot * APART, &at.encode(MAGIC, stream))?;
            (state.written, state.slot) = (at.sequence, (state.slot + 1) % SLOTS);
        }
        Ok(())
    }

    pub(in crate::journal) fn sync(&self) -> io::Result<()> {
        let written = self.state().written;
        let synced = self.file.as_ref().map_or(Ok(()), |file| file.sync());
        let mut state = self.state();
        if synced.is_err() && !planted("trust-a-second-sync") {
            // The system may treat it as written from now on.
            state.written = 0;
        }
        synced?;
        state.durable = state.durable.max(written);
        Ok(())
    }

    /// Waits until nobody else makes the mark durable, and holds others up until this is dropped.
    pub(in crate::journal) fn saving(&self) -> MutexGuard<'_, ()> {
        self.saving.lock()
    }

    /// Whether the mark would cover that number after a power loss.
    pub(in crate::journal) fn is_durable(&self, through: Sequence) -> bool {
        self.state().durable >= through
    }

    fn state(&self) -> MutexGuard<'_, Marked> {
        self.state.lock()
    }
}

const MAGIC: &[u8; 8] = b"auditmrk";
const SLOTS: u64 = 2;
/// Larger than the blocks of common file systems.
const APART: u64 = 4096;
const LENGTH: usize = 4096 + 64;
