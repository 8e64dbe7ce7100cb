//! Which records are left out first when the journal is short of room.
//!
//! Invariants:
//! 1. A record is left out only if all that matter less are. First goes what is no message, of clients that write more than
//!    their share; then what is no message, of anybody, and what else may be shed of those clients; then all that may be shed.
//! 2. Never shed are what a class has kept room for, and the response of a call whose request is in the journal: half a call
//!    says less than it takes.
//! 3. What goes before the others is counted for its client, in a gap record of its own.

use crate::journal::{Append, Pressure, Room};

/// How much a record matters where not all can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::trail) enum Priority {
    /// It reports bytes that are not a message.
    Garbage,
    /// Whatever its class does not keep.
    Sheddable,
    Registration,
}

impl Priority {
    pub(in crate::trail) fn of(what: &Append, is_garbage: bool) -> Self {
        match what {
            Append { room: Room::Free, call: None, .. } if is_garbage => Self::Garbage,
            Append { room: Room::Free, call: None, .. } => Self::Sheddable,
            _ => Self::Registration,
        }
    }

    /// Whether it is left out, whoever asks.
    pub(in crate::trail) fn is_shed(self, pressure: Pressure) -> bool {
        self <= Self::Sheddable && pressure >= Pressure::NearlyFull
    }

    /// Whether it is left out before those of others, of a client that has more than its share or has not.
    pub(in crate::trail) fn goes_first(self, pressure: Pressure, is_greedy: bool) -> bool {
        match self {
            Self::Garbage => pressure >= if is_greedy { Pressure::Near } else { Pressure::Filling },
            Self::Sheddable => is_greedy && pressure >= Pressure::Filling,
            Self::Registration => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Pressure::{Filling, Low, Near, NearlyFull};

    /// From where on it is left out, of a client with its share and of one with more.
    fn shed_from(priority: Priority) -> [Option<Pressure>; 2] {
        [false, true].map(|is_greedy| {
            let is_left_out = |at: &Pressure| priority.is_shed(*at) || priority.goes_first(*at, is_greedy);
            [Low, Near, Filling, NearlyFull].into_iter().find(is_left_out)
        })
    }

    #[test]
    fn garbage_of_the_greedy_goes_first_and_what_is_kept_never() {
        assert_eq!(shed_from(Priority::Garbage), [Some(Filling), Some(Near)]);
        assert_eq!(shed_from(Priority::Sheddable), [Some(NearlyFull), Some(Filling)]);
        assert_eq!(shed_from(Priority::Registration), [None, None]);
    }

    #[test]
    fn what_has_room_of_its_own_or_ends_a_recorded_call_is_kept() {
        let answer = Append::response(None);
        assert_eq!(Priority::of(&Append::MOMENT, true), Priority::Garbage);
        assert_eq!(Priority::of(&answer, false), Priority::Sheddable, "of a call whose request was left out");
        assert_eq!(Priority::of(&answer.with_room(Room::Admitted(1)), false), Priority::Registration);
        assert_eq!(Priority::of(&Append::ALARM, false), Priority::Registration);
    }
}
