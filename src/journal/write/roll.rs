//! Switches from one segment to the next.

use std::time::{Duration, Instant};

use super::prepare::STEP;
use crate::journal::error::JournalError;
use crate::journal::planted::planted;
use crate::journal::state::{Shared, State, Unsynced};
use crate::locks::MutexGuard;

impl Shared {
    /// Switches to the next segment if there is one that the frame fits into. The caller has the turn, which ends if this
    /// fails.
    pub(in crate::journal) fn roll<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        size: u64,
    ) -> Result<MutexGuard<'s, State>, JournalError> {
        let needed = self.header_length() + state.calls.bytes() + size;
        let Some(next) = state.segments.take_next(|next| needed <= next.length) else { return Ok(state) };
        let (open, sequence) = (state.open_requests(), state.appended.sequence);
        drop(state);
        let open = open.read(|_| !planted("carry-nothing"));
        let begun = self.begin(next, sequence, &open, |_| Ok(()));
        let mut state = self.state();
        let (active, places) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                self.end_turn(&mut state);
                return Err(error);
            }
        };
        places.into_iter().for_each(|(call, place)| state.calls.moved(call, place));
        let left = std::mem::replace(&mut state.segments.active, active);
        self.fit_to_load(&mut state);
        let left = Unsynced::of(&left, state.commits.synced);
        state.commits.dirty.push(left);
        state.appended.pending_bytes += state.segments.active.offset - self.header_length();
        let segment = self.segment(&state, sequence);
        state.segments.unsettled.push_back(segment);
        state.commits.wanted = true;
        self.commit_wanted.notify_one();
        Ok(state)
    }

    /// Segments grow if one is full within seconds, and shrink if one lasts for minutes.
    fn fit_to_load(&self, state: &mut State) {
        let took = state.segments.begun.elapsed();
        let (least, most) = (self.options.least_segment_bytes(), self.segment_bytes);
        let wanted = state.segments.wanted_bytes.clamp(least, most);
        state.segments.wanted_bytes = match took {
            _ if took < QUICK => wanted.saturating_mul(STEP).min(most),
            _ if took > SLOW => (wanted / STEP).max(least),
            _ => wanted,
        };
        state.segments.begun = Instant::now();
    }
}

/// A segment that is full sooner is too small; one that lasts longer is too large.
const QUICK: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_secs(600);
