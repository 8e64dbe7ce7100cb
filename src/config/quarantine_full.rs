//! What happens when the quarantine is full.

/// What happens to refused records and damaged bytes when the quarantine is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuarantineFull {
    /// The oldest files are removed, after a gap record has reported them.
    #[default]
    Shed,
    /// Nothing is removed: refused records stay in the journal and block the records after them, until an operator
    /// makes space.
    Refuse,
}
