//! A position in a stream.

/// A position in a stream. A greater position is read later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::journal) struct Position {
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) offset: u64,
}
