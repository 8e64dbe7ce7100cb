//! Pages are made ready ahead of the writer.

use crate::journal::state::Shared;

impl Shared {
    /// Gets the pages ready that the next records will be written to. Also those that were ready before: whenever the system
    /// writes them back by itself, they are read-only again.
    pub(super) fn prepare_ahead(&self) {
        let (file, offset, length) = {
            let mut state = self.state();
            let came = state.segments.active.offset.saturating_sub(state.segments.active.seen);
            if came == 0 {
                // Pages that nobody writes to would be written to the disk over and over.
                return;
            }
            state.segments.active.seen = state.segments.active.offset;
            state.segments.ahead = (2 * came).max(state.segments.ahead / 2).clamp(LEAST_AHEAD, MOST_AHEAD);
            let from = state.segments.active.offset;
            let mut to = from + state.segments.ahead;
            if to > state.segments.active.prepared {
                // Space that is written to for the first time costs the file system a transaction of its own at the next
                // commit. Where somebody waits for commits, one of many pays for it.
                to += if state.commits.group.last > 0 { STEP } else { 0 };
                state.segments.active.prepared = to;
            }
            (state.segments.active.file.clone(), from, to.min(state.segments.active.length).saturating_sub(from))
        };
        file.prepare(offset, length);
    }
}

/// Pages ahead of the writer: some dozen records, or twice of what came since the last time; less only bit by bit.
const LEAST_AHEAD: u64 = 64 * 1024;
const MOST_AHEAD: u64 = 4 << 20;
/// Dozens of commits of records that are waited for.
const STEP: u64 = 1 << 20;
