//! Writes to a new segment what could not be synced. `commit.rs` has a picture.

use std::collections::HashSet;
use std::ops::Range;

use crate::journal::error::JournalError;
use crate::journal::format::{FrameHeader, Position};
use crate::journal::state::{Active, Copies, Prepared, Shared, State, Unsynced};

impl Shared {
    /// Writes the unsynced frames to a new segment. The caller has the turn. The old segment ends where it was last synced.
    pub(super) fn write_again(&self, copies: &mut Copies) -> Result<(), JournalError> {
        let (unsynced, needed, numbers) = {
            let state = self.state();
            let mut unsynced = state.commits.dirty.clone();
            unsynced.push(Unsynced::of(&state.segments.active, state.commits.synced));
            let needed = self.header_length() + state.calls.bytes() + state.commits.unsynced_bytes;
            (unsynced, needed, state.commits.synced.sequence..state.appended.sequence)
        };
        self.copy(&unsynced, copies);
        let next = self.next_of(needed)?;

        let frames: UnsyncedFrames<'_> = copies.frames().collect();
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
            // If a file remains, an adopter reads it and finds every record superseded.
            drop(self.options.fs.remove(&self.paths.segment(number)));
        }
        Ok(())
    }

    /// The next segment, or a larger one in its place. The limit does not apply: these records were accepted.
    fn next_of(&self, needed: u64) -> Result<Prepared, JournalError> {
        let take = || self.state().segments.take_next(|next| next.length >= needed);
        let take_or_make = |make: &dyn Fn()| {
            make();
            take()
        };
        let next = take().or_else(|| take_or_make(&|| self.make_next(needed)));
        let next = next.or_else(|| take_or_make(&|| self.make_beyond_bound(needed)));
        next.ok_or_else(|| self.full(&self.state(), ""))
    }

    /// Continues in the new segment, which has `frames` of the unsynced frames. Returns the segments that are not needed
    /// any more.
    fn go_on_in(&self, state: &mut State, active: Active, frames: u64) -> Vec<u64> {
        if frames < state.appended.frames - state.commits.synced.frames.max(1) {
            state.commits.lost = state.commits.synced.frames + 1..state.appended.frames + 1;
        }
        let synced = state.commits.synced;
        let gone = state.segments.unsettled.iter().filter(|segment| segment.number > synced.segment);
        let gone = gone.map(|segment| segment.number).collect();
        state.segments.unsettled.retain(|segment| segment.number <= synced.segment);
        if let Some(last) = state.segments.unsettled.back_mut() {
            last.end = last.end.min(synced.offset);
        }
        state.segments.active = active;
        let segment = self.segment(state, synced.sequence);
        state.segments.unsettled.push_back(segment);
        state.recount_pending();
        // Never synced again, so the files can be closed.
        state.commits.dirty.clear();
        state.commits.poisoned = false;
        gone
    }
}

type UnsyncedFrames<'a> = Vec<(FrameHeader, &'a [u8])>;

/// The frames, with a placeholder for each record of these numbers that is missing.
fn with_holes<'a>(frames: &[(FrameHeader, &'a [u8])], numbers: Range<u64>) -> UnsyncedFrames<'a> {
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
