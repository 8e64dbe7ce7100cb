//! The numbers by which records and calls are named.

/// The number of a record in its stream, from 1: `audit.sequence.number`.
pub type Sequence = u64;

/// Names an open call to the journal, from its request frame to its response frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallNumber(pub(super) u64);

impl CallNumber {
    /// The number for whoever keeps it as such, never 0; and 0 where there is no call.
    pub(crate) fn number_of(call: Option<Self>) -> u64 {
        call.map_or(0, |call| call.0)
    }

    /// What [`number_of`](Self::number_of) gave that number for.
    pub(crate) fn of_number(number: u64) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }
}
