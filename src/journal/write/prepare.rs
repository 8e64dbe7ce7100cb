//! The next segment is made ready.

#[cfg(test)]
mod tests;

use std::io;

use crate::journal::options::LEAST_SEGMENT_BYTES;
use crate::journal::state::{Prepared, Shared, State, Unmade};

impl Shared {
    /// Makes the next segment, if it is time, the bound allows it, and it is not there yet. Without the lock: allocation takes
    /// its time.
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
            // Nobody waits here: all of it, so that no record has to wait for a page.
            made.file.prepare(0, made.length);
        }
        let surplus = self.keep(&mut self.state(), made);
        surplus.iter().for_each(|surplus| self.discard(surplus));
    }

    /// Prepares a segment with that much room, in place of one that is too small, which stays if no other can be made.
    pub(in crate::journal) fn make_next(&self, least: u64) {
        let plan = {
            let mut state = self.state();
            if state.segments.next.is_some() {
                // More is promised by the moment: not another one for each call.
                let wanted = state.segments.wanted_bytes.max(self.options.least_segment_bytes());
                state.segments.wanted_bytes = wanted.saturating_mul(STEP).min(self.segment_bytes);
            }
            self.plan(&mut state, least)
        };
        self.replace_next(plan.and_then(|plan| self.make(&plan)), least);
    }

    /// The smallest segment with that much room, whatever the bound says: for a stream that could not say anything
    /// otherwise.
    pub(in crate::journal) fn make_beyond_bound(&self, least: u64) {
        let least = least.max(LEAST_SEGMENT_BYTES).next_multiple_of(PAGE);
        let plan = self.plan_of(&mut self.state(), least, least, u64::MAX);
        self.replace_next(plan.and_then(|plan| self.make(&plan)), least);
    }

    fn replace_next(&self, made: Result<Prepared, Unmade>, least: u64) {
        let mut state = self.state();
        // Another thread may have made one meanwhile.
        let small = if made.is_ok() { state.segments.next.take_if(|next| next.length < least) } else { None };
        let surplus = self.keep(&mut state, made);
        drop(state);
        small.iter().chain(&surplus).for_each(|gone| self.discard(gone));
    }

    fn plan(&self, state: &mut State, least: u64) -> Result<Plan, Unmade> {
        // What is open has to be carried over, and that must not fill it; nor what was promised.
        let promised = 2 * state.calls.bytes() + state.reserved;
        let with = |bytes: u64| (bytes.max(3 * self.header_length()) + promised).max(least).next_multiple_of(PAGE);
        let smallest = self.options.least_segment_bytes();
        self.plan_of(state, with(state.segments.wanted_bytes.max(smallest)), with(smallest), self.options.max_bytes)
    }

    /// The largest that the bound has room for.
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

    /// The largest that the disk has room for.
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

    /// Gives back what is not needed.
    fn keep(&self, state: &mut State, made: Result<Prepared, Unmade>) -> Option<Prepared> {
        let mut surplus = None;
        match made {
            // Somebody who could not wait has made a later one meanwhile, and may be beginning it: segments are read in the order
            // of their numbers.
            Ok(made) if state.segments.next.is_some() || made.number < state.segments.begun_file => {
                surplus = Some(made)
            }
            Ok(made) => {
                state.commits.directory_dirty = true;
                state.segments.full_because = None;
                // Where room is small, the next attempt begins with what was there.
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

    /// It has no header, so nobody would take it for a segment.
    pub(in crate::journal) fn discard(&self, prepared: &Prepared) {
        drop(self.options.fs.remove(&prepared.path));
    }
}

struct Plan {
    number: u64,
    length: u64,
    /// What it may be shortened to.
    least: u64,
    /// Bytes of pages that are made ready.
    ready: u64,
}

/// From one length down to another, in steps.
fn lengths(longest: u64, least: u64) -> impl Iterator<Item = u64> {
    let next = move |length: &u64| (*length > least).then(|| (length / STEP).next_multiple_of(PAGE).max(least));
    std::iter::successors(Some(longest.max(least)), next)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// From one size of segments to the next.
pub(super) const STEP: u64 = 4;
/// Pages that are ready when a segment is begun.
pub(super) const PREPARED_AT_FIRST: u64 = 256 * 1024;
const PAGE: u64 = 4096;
