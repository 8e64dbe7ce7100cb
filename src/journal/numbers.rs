//! The numbers that identify records and calls.

/// The number of a record in its stream, starting at 1: `audit.sequence.number`.
pub type Sequence = u64;

/// Identifies an open call in the journal, from its request frame to its response frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallNumber(pub(super) u64);

impl CallNumber {
    /// The plain number for callers that store it: never 0 for a call, and 0 for none.
    pub(crate) fn number_of(call: Option<Self>) -> u64 {
        call.map_or(0, |call| call.0)
    }

    /// The call for a number that [`number_of`](Self::number_of) returned.
    pub(crate) fn of_number(number: u64) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }
}
