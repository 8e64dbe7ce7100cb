//! Prepares the next segment.

#[cfg(test)]
mod tests;

use std::io;

use crate::journal::options::LEAST_SEGMENT_BYTES;
use crate::journal::state::{Prepared, Shared, State, Unmade};

impl Shared {
    /// Prepares the next segment if it is time for it, the limit allows it, and there is none yet. Runs without the lock,
    /// because allocating takes time.
    pub(in crate::journal) fn prepare(&self) {
        let plan = {
            let mut state = self.state();
            if !state.wants_next() || state.appended.closed || state.upkeep.stop {
                return;
            }
            self.plan(&mut state, 0)
        };
        let made = plan.and_then(|plan| self.make(&plan));
        if let Ok(made) = &made {
            // No thread waits here. All pages are prepared, so that no record has to wait for one.
            made.file.prepare(0, made.length);
        }
        let surplus = self.keep(&mut self.state(), made);
        surplus.iter().for_each(|surplus| self.discard(surplus));
    }

    /// Prepares a segment with at least that much room. It replaces a prepared one that is too small, which stays if no
    /// other can be created.
    pub(in crate::journal) fn make_next(&self, least: u64) {
        let plan = {
            let mut state = self.state();
            if state.segments.next.is_some() {
                // Calls are admitted faster than segments are created, so the next one grows instead of being replaced for
                // each call.
                let wanted = state.segments.wanted_bytes.max(self.options.least_segment_bytes());
                state.segments.wanted_bytes = wanted.saturating_mul(STEP).min(self.segment_bytes);
            }
            self.plan(&mut state, least)
        };
        self.replace_next(plan.and_then(|plan| self.make(&plan)), least);
    }

    /// Prepares the smallest segment with that much room, whatever the limit is. A stream that has no room at all could not
    /// report anything.
    pub(in crate::journal) fn make_beyond_bound(&self, least: u64) {
        let least = least.max(LEAST_SEGMENT_BYTES).next_multiple_of(PAGE);
        let plan = self.plan_of(&mut self.state(), least, least, u64::MAX);
        self.replace_next(plan.and_then(|plan| self.make(&plan)), least);
    }

    fn replace_next(&self, made: Result<Prepared, Unmade>, least: u64) {
        let mut state = self.state();
        // Another thread may have prepared one in the meantime.
        let small = if made.is_ok() { state.segments.next.take_if(|next| next.length < least) } else { None };
        let surplus = self.keep(&mut state, made);
        drop(state);
        small.iter().chain(&surplus).for_each(|gone| self.discard(gone));
    }

    fn plan(&self, state: &mut State, least: u64) -> Result<Plan, Unmade> {
        // Open calls are carried over and must not fill the segment, and neither must reserved room.
        let promised = 2 * state.calls.bytes() + state.reserved;
        let with = |bytes: u64| (bytes.max(3 * self.header_length()) + promised).max(least).next_multiple_of(PAGE);
        let smallest = self.options.least_segment_bytes();
        self.plan_of(state, with(state.segments.wanted_bytes.max(smallest)), with(smallest), self.options.max_bytes)
    }

    /// Plans the largest segment that the limit allows.
    fn plan_of(&self, state: &mut State, length: u64, least: u64, max_bytes: u64) -> Result<Plan, Unmade> {
        let waiting = self.waiting(state);
        let fits = |length: &u64| waiting.saturating_add(*length) <= max_bytes;
        let Some(length) = lengths(length, least).find(fits) else {
            return Err(Unmade { text: format!("{waiting} bytes wait in the segments"), cause: None });
        };
        let number = state.segments.next_file;
        state.segments.next_file += 1;
        Ok(Plan { number, length, least, ready: state.segments.ahead.max(PREPARED_AT_FIRST) })
    }

    /// Creates the largest segment that the disk has room for.
    fn make(&self, plan: &Plan) -> Result<Prepared, Unmade> {
        let path = self.paths.segment(plan.number);
        let make = |length| {
            let file = self.options.fs.create_segment(&path, length)?;
            file.prepare(0, plan.ready);
            let identity = file.identity()?;
            Ok(Prepared { number: plan.number, file, path: path.clone(), identity, length })
        };
        let mut made = Err(io::ErrorKind::StorageFull.into());
        for length in lengths(plan.length, plan.least) {
            made = make(length);
            if !made.as_ref().is_err_and(|error: &io::Error| is_full(error)) {
                break;
            }
        }
        made.map_err(|cause| Unmade { text: format!("{}: {cause}", path.display()), cause: Some(cause.kind()) })
    }

    /// Keeps a segment as the next one. Returns it if it is not needed.
    fn keep(&self, state: &mut State, made: Result<Prepared, Unmade>) -> Option<Prepared> {
        let mut surplus = None;
        match made {
            // A thread that could not wait has prepared a later segment and may be starting it now. Readers follow the
            // numbers, so an earlier one comes too late.
            Ok(made) if state.segments.next.is_some() || made.number < state.segments.begun_file => {
                surplus = Some(made)
            }
            Ok(made) => {
                state.commits.directory_dirty = true;
                state.segments.full_because = None;
                // Where room is short, the next attempt starts with the size that was possible.
                state.segments.wanted_bytes = state.segments.wanted_bytes.min(made.length);
                state.segments.next = Some(made);
                self.room.notify_waiters();
            }
            Err(because) => state.segments.full_because = Some(because),
        }
        state.segments.next_asked = false;
        self.note_fullness(state);
        surplus
    }

    /// Removes a prepared segment. It has no header, so no process takes it for a segment.
    pub(in crate::journal) fn discard(&self, prepared: &Prepared) {
        drop(self.options.fs.remove(&prepared.path));
    }
}

struct Plan {
    number: u64,
    length: u64,
    /// The smallest useful length.
    least: u64,
    /// How many bytes of pages are prepared.
    ready: u64,
}

/// The lengths to try, from the longest to the least.
fn lengths(longest: u64, least: u64) -> impl Iterator<Item = u64> {
    let next = move |length: &u64| (*length > least).then(|| (length / STEP).next_multiple_of(PAGE).max(least));
    std::iter::successors(Some(longest.max(least)), next)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// The factor from one segment size to the next.
pub(super) const STEP: u64 = 4;
/// How many bytes of pages are ready when a segment is started.
pub(super) const PREPARED_AT_FIRST: u64 = 256 * 1024;
const PAGE: u64 = 4096;
