//! Who says very much at once is read in pieces, between which others have a turn.

/// Messages after which that is so: as many take a millisecond at most.
pub(super) const MANY: usize = 64;
/// What is read between two looks at how many there were: some hundred calls, or a few thousand numbers.
pub(super) const PIECE: usize = 4096;
