//! Commits: one `fdatasync` for all threads that wait, and one within 50 ms for records that nothing waits for.
//!
//! A failed sync, and what is written again:
//!
//! ```text
//!   1. append       2. copy, sync      3. the sync fails                  4. next commit, second segment
//!
//!   segment 7       segment 7          segment 7                          segment 7     segment 8
//!  ┌──────────┐    ┌──────────┐       ┌──────────┐                       ┌─────────┐   ┌───────────────────┐
//!  │ 38 39 40 │    │ 38 39 40 │       │ 38 39 40 │ ◄ readers stop here   │ 38 39 40│   │ header: next is 41│
//!  ├──────────┤    ├──────────┤       ├──────────┤                       ├─────────┤   │ carried requests  │
//!  │ 41 42    │    │ 41 42    │ ─►    │ ?? ??    │ may be gone from      │ skipped:│   │ 41 42             │ synced,
//!  └──────────┘    └──────────┘       └──────────┘ cache and disk        │  >= 41  │   └───────────────────┘ readable
//!   synced: 40      copies: 41 42      copies: 41 42                     └─────────┘    synced: 42
//! ```
//!
//! A frame that is neither in the copies nor readable is lost. A placeholder with a wrong checksum takes its number in segment 8:
//! readers report the number as lost, and it is not used again (`rewrite.rs`).
//!
//! Invariants:
//! 1. What counts as synced was appended before the `fdatasync` started, and the directory of its file was synced before.
//! 2. A file whose sync failed is never synced again: the kernel may have discarded what it could not write, and would
//!    report success. Its unsynced frames are written again, from copies, to a new segment.
//! 3. Readers see nothing unsynced.

use std::time::{Duration, Instant};

use crate::journal::error::{self, JournalError};
use crate::journal::handle::Journal;
use crate::journal::planted::planted;
use crate::journal::state::{Copies, Shared, Synced, Unsynced};

impl Journal {
    /// Makes everything durable that was appended before.
    ///
    /// # Errors
    /// The error of the disk. The next commit writes again, to a new segment, what could not be synced.
    pub fn commit(&self) -> Result<(), JournalError> {
        if self.is_inherited() {
            return Err(JournalError::Forked);
        }
        self.0.commit()
    }
}

impl Shared {
    pub(in crate::journal) fn commit(&self) -> Result<(), JournalError> {
        let (first, result) = {
            // One commit at a time: a thread that waits here finds its frames synced, or syncs them.
            let mut copies = self.committing.lock();
            match self.commit_once(&mut copies) {
                Ok(()) => (None, Ok(())),
                // A second attempt at once, in a new segment.
                Err(error) => (Some(error), self.commit_once(&mut copies)),
            }
        };
        first.iter().for_each(|error| self.degraded(SYNC_FAILED, error));
        match &result {
            Ok(()) => self.recovered(SYNC_FAILED, "the disk of the journal syncs again"),
            Err(error) => self.fail_waiters(&error.to_string()),
        }
        result
    }

    fn commit_once(&self, copies: &mut Copies) -> Result<(), JournalError> {
        let Some(work) = self.begin_commit(copies)? else { return Ok(()) };
        let begun = Instant::now();
        self.copy(&work.files, copies);
        match self.sync(&work) {
            Ok(()) => {
                copies.clear();
                self.end_commit(work.mark, begun.elapsed());
                Ok(())
            }
            Err(cause) => {
                self.poison(work);
                Err(JournalError::io("sync", self.paths.root(), error::FIX)(cause))
            }
        }
    }

    /// What to sync; `None` if everything is durable.
    fn begin_commit(&self, copies: &mut Copies) -> Result<Option<ToSync>, JournalError> {
        let mut state = self.state();
        state.commits.wanted = false;
        state.commits.group.last = std::mem::take(&mut state.commits.group.waiting);
        if state.commits.poisoned {
            drop(state);
            // No thread writes to the old segment in the meantime.
            drop(self.turn());
            let written = self.write_again(copies);
            state = self.state();
            self.end_turn(&mut state);
            written?;
        }
        if state.is_clean() {
            return Ok(None);
        }
        let state = &mut *state;
        let mark = Synced {
            frames: state.appended.frames,
            segment: state.segments.active.number,
            offset: state.segments.active.offset,
            sequence: state.appended.sequence,
            header: true,
        };
        state.commits.group.under_way = mark.frames;
        let mut files = std::mem::take(&mut state.commits.dirty);
        files.push(Unsynced::of(&state.segments.active, state.commits.synced));
        let bytes = std::mem::take(&mut state.commits.unsynced_bytes);
        if planted("acknowledge-before-sync") {
            state.commits.synced = mark;
        }
        Ok(Some(ToSync { mark, files, bytes, directory: std::mem::take(&mut state.commits.directory_dirty) }))
    }

    pub(super) fn copy(&self, parts: &[Unsynced], copies: &mut Copies) {
        parts.iter().for_each(|part| copies.read(part, self.header_length()));
    }

    fn sync(&self, work: &ToSync) -> std::io::Result<()> {
        if work.directory && !planted("skip-directory-fsync") {
            self.options.fs.sync_dir(self.paths.root())?;
        }
        work.files
            .iter()
            .filter(|_| !planted("skip-fsync"))
            .try_for_each(|part| part.file.sync_range(part.from, part.to))
    }

    fn end_commit(&self, mark: Synced, took: Duration) {
        let mut state = self.state();
        state.commits.synced = mark;
        // Segments that were left during the commit: a part of them is durable now.
        for part in &mut state.commits.dirty {
            part.from = part.from.max(mark.reached_in(part.segment));
        }
        state.commits.group.took = took;
        let wake_readers = std::mem::take(&mut state.progress.reader_sleeps);
        drop(state);
        // The reader makes the mark durable before it hands out records, and reports errors.
        drop(self.note_mark());
        self.synced.notify_waiters();
        self.synced_blocking.notify_all();
        if wake_readers {
            self.readable.notify_waiters();
        }
    }

    /// Takes the work back: what the failed sync left on the disk is unknown.
    fn poison(&self, work: ToSync) {
        let mut state = self.state();
        state.commits.unsynced_bytes += work.bytes;
        // The active segment is known anyway, or was left in the meantime.
        let left = work.files.into_iter().filter(|part| part.segment < work.mark.segment);
        state.commits.dirty.splice(..0, left);
        state.commits.directory_dirty = true;
        state.commits.poisoned = true;
        state.commits.group.under_way = 0;
    }
}

/// What one commit syncs.
struct ToSync {
    mark: Synced,
    files: Vec<Unsynced>,
    /// Of frames.
    bytes: u64,
    directory: bool,
}

/// The `error.type` of the alarm.
const SYNC_FAILED: &str = crate::record::error_type::JOURNAL_SYNC_FAILED;
