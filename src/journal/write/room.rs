//! Makes room for a record, on a thread that may wait for the disk.

use crate::journal::append::Room;
use crate::journal::error::JournalError;
use crate::journal::space::fits;
use crate::journal::state::{Shared, State};
use crate::locks::MutexGuard;

impl Shared {
    /// Makes sure that a frame of that size fits into the active segment. The thread may wait for the disk. On success it
    /// has the turn.
    pub(in crate::journal) fn room_for(&self, size: u64, room: Room) -> Result<MutexGuard<'_, State>, JournalError> {
        let mut state = self.turn();
        if !self.has_room_or_ends(&mut state, size, room)? {
            let least = self.least_next(&state, size, room);
            let is_too_small = state.segments.next.as_ref().is_some_and(|next| next.length < least);
            // The thread that prepares segments was too slow, or has failed and will try again.
            let may_try = state.segments.full_because.is_none() || !self.options.background;
            if is_too_small || (state.segments.next.is_none() && may_try) {
                // Other threads, whose records fit, continue in the meantime.
                self.end_turn(&mut state);
                drop(state);
                self.make_next(least);
                state = self.turn();
            }
        }
        if self.is_next_too_small(&state, size, room) {
            return Err(self.ends_full(&mut state));
        }
        if fits(&state, size, room) {
            return Ok(state);
        }
        state = self.roll(state, size)?;
        if room == Room::All && !fits(&state, size, room) {
            // Whatever waits, a loss must be reported before anything can be freed.
            let (because, least) = (state.segments.full_because.clone(), self.least_next(&state, size, room));
            drop(state);
            self.make_beyond_bound(least);
            state = self.state();
            state.segments.full_because = because;
            state = self.roll(state, size)?;
        }
        if fits(&state, size, room) { Ok(state) } else { Err(self.ends_full(&mut state)) }
    }

    fn has_room_or_ends(&self, state: &mut State, size: u64, room: Room) -> Result<bool, JournalError> {
        let has_room = if state.appended.closed { Err(JournalError::Closed) } else { self.has_room(state, size, room) };
        if has_room.is_err() {
            self.end_turn(state);
        }
        has_room
    }

    fn ends_full(&self, state: &mut State) -> JournalError {
        self.end_turn(state);
        self.full(state, "")
    }
}
