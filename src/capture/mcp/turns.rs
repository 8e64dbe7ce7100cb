//! Large input is read in pieces, and other tasks have a turn in between.

/// Messages after which that is so: as many take a millisecond at most.
pub(super) const MANY: usize = 64;
/// What is read between two looks at how many there were: some hundred calls, or a few thousand numbers.
pub(super) const PIECE: usize = 4096;
