//! Commits: one `fdatasync` for everybody who waits, and one within 50 ms for everybody who does not.
//!
//! Invariants:
//! 1. What counts as synced was appended before the `fdatasync` began, and the directory that has its file was synced before.
//! 2. A file whose sync failed is never synced again: the kernel may have forgotten what it could not write, and would say
//!    that all is well. Its unsynced frames are written again, from copies, to a new segment.
//! 3. Readers see nothing that is not synced.

use std::collections::HashSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::copies::Copies;
use super::error::JournalError;
use super::frame::FrameHeader;
use super::planted::planted;
use super::state::{Active, Position, Prepared, State, Synced, Unsynced};
use super::{Journal, Shared, error};

impl Journal {
    /// Makes everything durable that was appended before, now.
    ///
    /// # Errors
    /// What the disk said. What could not be synced is written again, elsewhere, by the next commit.
    pub fn commit(&self) -> Result<(), JournalError> {
        if self.is_inherited() {
            return Err(JournalError::Forked);
        }
        self.0.commit()
    }
}

impl Shared {
    pub(super) fn commit(&self) -> Result<(), JournalError> {
        let (first, result) = {
            // One at a time; whoever waits here finds its frames synced by the other, or syncs them.
            let mut copies = self.committing.lock();
            match self.commit_once(&mut copies) {
                Ok(()) => (None, Ok(())),
                // What could not be synced gets a second attempt in a new segment at once.
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
                Err(JournalError::io("sync", self.place.root(), error::FIX)(cause))
            }
        }
    }

    /// What is to be synced; `None` if everything is.
    fn begin_commit(&self, copies: &mut Copies) -> Result<Option<Work>, JournalError> {
        let mut state = self.state();
        state.commit_wanted = false;
        state.group.last = std::mem::take(&mut state.group.waiting);
        if state.poisoned {
            drop(state);
            // Nobody writes to the old segment meanwhile.
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
            frames: state.frames,
            segment: state.active.number,
            offset: state.active.offset,
            sequence: state.sequence,
            header: true,
        };
        state.group.under_way = mark.frames;
        let mut files = std::mem::take(&mut state.dirty);
        files.push(Unsynced::of(&state.active, state.synced));
        let bytes = std::mem::take(&mut state.unsynced_bytes);
        if planted("acknowledge-before-sync") {
            state.synced = mark;
        }
        Ok(Some(Work { mark, files, bytes, directory: std::mem::take(&mut state.directory_dirty) }))
    }

    fn copy(&self, parts: &[Unsynced], copies: &mut Copies) {
        parts.iter().for_each(|part| copies.read(part, self.header_length()));
    }

    fn sync(&self, work: &Work) -> std::io::Result<()> {
        if work.directory && !planted("skip-directory-fsync") {
            self.options.fs.sync_dir(self.place.root())?;
        }
        work.files
            .iter()
            .filter(|_| !planted("skip-fsync"))
            .try_for_each(|part| part.file.sync_range(part.from, part.to))
    }

    fn end_commit(&self, mark: Synced, took: Duration) {
        let mut state = self.state();
        state.synced = mark;
        // Left while the commit was under way: a part of it is durable now.
        for part in &mut state.dirty {
            part.from = part.from.max(mark.reached_in(part.segment));
        }
        state.group.took = took;
        let wake_readers = std::mem::take(&mut state.reader_sleeps);
        drop(state);
        // Whoever ships makes it durable, and tells if that fails.
        drop(self.note_mark());
        self.synced.notify_waiters();
        self.synced_blocking.notify_all();
        if wake_readers {
            self.readable.notify_waiters();
        }
    }

    /// Takes the work back: what the failed sync left on the disk, nobody knows.
    fn poison(&self, work: Work) {
        let mut state = self.state();
        state.unsynced_bytes += work.bytes;
        // The active one is known as that, or has been left meanwhile.
        let left = work.files.into_iter().filter(|part| part.segment < work.mark.segment);
        state.dirty.splice(..0, left);
        state.directory_dirty = true;
        state.poisoned = true;
        state.group.under_way = 0;
    }

    /// Writes the unsynced frames to a new segment, with the turn. The old one ends where it was last synced.
    fn write_again(&self, copies: &mut Copies) -> Result<(), JournalError> {
        let (unsynced, needed, numbers) = {
            let state = self.state();
            let mut unsynced = state.dirty.clone();
            unsynced.push(Unsynced::of(&state.active, state.synced));
            let needed = self.header_length() + state.calls.bytes() + state.unsynced_bytes;
            (unsynced, needed, state.synced.sequence..state.sequence)
        };
        self.copy(&unsynced, copies);
        let next = self.next_of(needed)?;

        let frames: Frames<'_> = copies.frames().collect();
        let again: HashSet<u64> =
            frames.iter().filter(|(header, _)| header.kind.opens()).map(|(header, _)| header.call).collect();
        let open = self.state().open_requests();
        let mut carried = open.read(|call| !again.contains(&call.0));
        for lost in carried.iter_mut().filter(|carried| carried.payload.is_empty()) {
            lost.payload = copies.carried(lost.call).unwrap_or_default();
        }
        let all = with_holes(&frames, numbers.clone());
        let begun = self.begin(next, numbers.start, &carried, |new| {
            all.iter().try_for_each(|(header, payload)| new.write(*header, payload))
        });
        let (active, places) = begun?;
        let count = frames.len() as u64;
        drop((frames, all));
        copies.are_written(Position { segment: active.number, offset: active.offset }, carried);
        let gone = {
            let mut state = self.state();
            places.into_iter().for_each(|(call, place)| state.calls.moved(call, place));
            self.go_on_in(&mut state, active, count)
        };
        for number in gone {
            // At worst an adopter reads them and finds every record superseded.
            drop(self.options.fs.remove(&self.place.segment(number)));
        }
        Ok(())
    }

    /// The next segment, or another one in its place, with that much room. These records were taken; the bound is for new ones.
    fn next_of(&self, needed: u64) -> Result<Prepared, JournalError> {
        let take = || self.state().take_next(|next| next.length >= needed);
        let take_or_make = |make: &dyn Fn()| {
            make();
            take()
        };
        let next = take().or_else(|| take_or_make(&|| self.make_next(needed)));
        let next = next.or_else(|| take_or_make(&|| self.make_beyond_bound(needed)));
        next.ok_or_else(|| self.full(&self.state(), ""))
    }

    /// That many of the unsynced frames stand in that segment. Gives the segments that are not needed any more.
    fn go_on_in(&self, state: &mut State, active: Active, frames: u64) -> Vec<u64> {
        if frames < state.frames - state.synced.frames.max(1) {
            state.lost = state.synced.frames + 1..state.frames + 1;
        }
        let synced = state.synced;
        let gone = state.segments.iter().filter(|segment| segment.number > synced.segment);
        let gone = gone.map(|segment| segment.number).collect();
        state.segments.retain(|segment| segment.number <= synced.segment);
        if let Some(last) = state.segments.back_mut() {
            last.end = last.end.min(synced.offset);
        }
        state.active = active;
        let segment = self.segment(state, synced.sequence);
        state.segments.push_back(segment);
        state.recount_pending();
        // Never synced again, so there is no use in keeping them open.
        state.dirty.clear();
        state.poisoned = false;
        gone
    }
}

type Frames<'a> = Vec<(FrameHeader, &'a [u8])>;

/// The frames, and in the place of each record of those numbers that is not among them one that says that it is lost.
fn with_holes<'a>(frames: &[(FrameHeader, &'a [u8])], numbers: Range<u64>) -> Frames<'a> {
    let (mut all, mut next) = (Vec::with_capacity(frames.len()), numbers.start);
    for (header, payload) in frames {
        if header.kind.is_record() {
            all.extend((next..header.sequence).map(FrameHeader::lost));
            next = header.sequence + 1;
        }
        all.push((*header, *payload));
    }
    all.extend((next..numbers.end).map(FrameHeader::lost));
    all
}

/// One commit.
struct Work {
    mark: Synced,
    files: Vec<Unsynced>,
    /// Of frames.
    bytes: u64,
    directory: bool,
}

/// `error.type` of the alarm.
const SYNC_FAILED: &str = crate::record::error_type::JOURNAL_SYNC_FAILED;
