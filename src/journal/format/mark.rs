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
use std::sync::Arc;

use super::cursor::Cursor;
use crate::journal::disk::File;
use crate::journal::numbers::Sequence;
use crate::locks::{Mutex, MutexGuard};
use crate::record::StreamId;

/// The file of the mark, while the stream is written or read.
#[derive(Debug)]
pub(in crate::journal) struct Mark {
    /// `None` if it could not be opened: the stream goes on without.
    file: Option<Arc<dyn File>>,
    state: Mutex<Marked>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Marked {
    /// The last number that the file names.
    written: Sequence,
    /// The last number that it would name after a power loss.
    durable: Sequence,
    /// The slot that is written next.
    slot: u64,
}

impl Mark {
    /// Goes on with what the file says.
    pub(in crate::journal) fn new(file: Option<Arc<dyn File>>, stream: StreamId) -> Self {
        let found = file.as_ref().and_then(|file| Self::found(&**file, stream));
        let marked = found.map_or_else(Marked::default, |(slot, mark)| Marked {
            written: mark.sequence,
            durable: 0,
            slot: (slot + 1) % SLOTS,
        });
        Self { file, state: Mutex::new(marked) }
    }

    /// Takes the space for both slots, so that it is there when the disk is full.
    pub(in crate::journal) fn make(file: &dyn File) -> io::Result<()> {
        file.write_at(0, &[0; LENGTH])
    }

    /// What the file says: the greater of its slots that can be believed.
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
        self.file.as_ref().map_or(Ok(()), |file| file.sync())?;
        let mut state = self.state();
        state.durable = state.durable.max(written);
        Ok(())
    }

    /// Whether the file would name that number after a power loss.
    pub(in crate::journal) fn is_durable(&self, through: Sequence) -> bool {
        self.state().durable >= through
    }

    fn state(&self) -> MutexGuard<'_, Marked> {
        self.state.lock()
    }
}

const MAGIC: &[u8; 8] = b"auditmrk";
const SLOTS: u64 = 2;
/// More than a block of any file system that is in use.
const APART: u64 = 4096;
const LENGTH: usize = 4096 + 64;
