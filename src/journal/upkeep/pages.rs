//! Prepares pages ahead of the writer.

use crate::journal::state::Shared;

impl Shared {
    /// Prepares the pages of the next records, including those that were prepared before: pages become read-only again when
    /// the system writes them back.
    pub(super) fn prepare_ahead(&self) {
        let (file, offset, length) = {
            let mut state = self.state();
            let came = state.segments.active.offset.saturating_sub(state.segments.active.seen);
            if came == 0 {
                // Pages that nothing is written to would be written back over and over.
                return;
            }
            state.segments.active.seen = state.segments.active.offset;
            state.segments.ahead = (2 * came).max(state.segments.ahead / 2).clamp(LEAST_AHEAD, MOST_AHEAD);
            let from = state.segments.active.offset;
            let mut to = from + state.segments.ahead;
            if to > state.segments.active.prepared {
                // The file system runs a transaction of its own at the next commit for space that is written for the first
                // time. While threads wait for commits, one commit of many pays for it.
                to += if state.commits.group.last > 0 { STEP } else { 0 };
                state.segments.active.prepared = to;
            }
            (state.segments.active.file.clone(), from, to.min(state.segments.active.length).saturating_sub(from))
        };
        file.prepare(offset, length);
    }
}

/// Pages ahead of the writer: a few dozen records, or twice what arrived since the last time. The distance shrinks slowly.
const LEAST_AHEAD: u64 = 64 * 1024;
const MOST_AHEAD: u64 = 4 << 20;
/// The records of dozens of commits that threads wait for.
const STEP: u64 = 1 << 20;
