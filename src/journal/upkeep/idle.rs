//! An idle process gives up what it does not need.

use std::time::{Duration, Instant};

use crate::journal::state::Shared;

impl Shared {
    /// An idle process keeps only its active segment.
    pub(super) fn rest(&self) {
        let idle = {
            let mut state = self.state();
            if state.appended.frames != state.upkeep.busy.1 {
                state.upkeep.busy = (Instant::now(), state.appended.frames);
            }
            let is_idle =
                state.upkeep.busy.0.elapsed() > IDLE && state.segments.full_because.is_none() && state.reserved == 0;
            state.upkeep.rests = is_idle;
            if is_idle {
                state.segments.wanted_bytes = 0;
            }
            state.segments.next.take_if(|_| is_idle)
        };
        idle.iter().for_each(|next| self.discard(next));
    }
}

/// A process that has written nothing for this long needs no second segment.
const IDLE: Duration = Duration::from_secs(10);
