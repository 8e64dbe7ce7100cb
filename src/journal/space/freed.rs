//! Wakes threads that wait for room.

use crate::journal::handle::Journal;
use crate::journal::state::Shared;

impl Journal {
    /// Waits until there may be room again. It counts from the call, not from the first poll, so a caller that calls it
    /// before it looks for room misses nothing.
    pub fn room(&self) -> impl Future<Output = ()> {
        self.0.room.notified()
    }
}

impl Shared {
    /// There may be room for another segment, so waiting threads try again.
    pub(in crate::journal) fn wake_for_room(&self) {
        let mut state = self.state();
        state.segments.full_because = None;
        self.note_fullness(&state);
        state.commits.wanted = true;
        drop(state);
        self.commit_wanted.notify_one();
        self.room.notify_waiters();
    }
}
