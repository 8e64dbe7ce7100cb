//! Prepares the next segment where there is room, and reports a journal that fills.

use crate::journal::state::Shared;

impl Shared {
    pub(super) fn look_for_room(&self) {
        self.count_others();
        self.prepare();
        let is_full = self.state().segments.full_because.is_some();
        if is_full && self.free_room() {
            self.prepare();
        }
        self.say_whether_full();
    }

    fn say_whether_full(&self) {
        let (because, pending) = {
            let state = self.state();
            self.note_fullness(&state);
            (state.segments.full_because.as_ref().map(|because| because.text.clone()), self.waiting(&state))
        };
        let max = self.options.max_bytes;
        match because {
            Some(because) => self.degraded(FULL, &format!("the journal has no room for another segment: {because}")),
            None if pending > max / 10 * 8 => {
                self.degraded(FILLING, &format!("{pending} of at most {max} bytes wait in the journal"));
            }
            None => {
                self.recovered(FULL, "the journal has room again");
                if pending < max / 10 * 6 {
                    self.recovered(FILLING, "the journal has drained");
                }
            }
        }
    }
}

const FULL: &str = crate::record::error_type::JOURNAL_FULL;
const FILLING: &str = crate::record::error_type::JOURNAL_FILLING;
