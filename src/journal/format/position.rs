//! A place in a stream.

/// A place in a stream; the greater one is read later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::journal) struct Position {
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) offset: u64,
}
