//! What happens when the quarantine is full.

/// What happens to what the collector refuses, or what is damaged, when the quarantine is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuarantineFull {
    /// The oldest files are removed, after a gap record tells of them.
    #[default]
    Shed,
    /// Nothing is removed: what is refused stays in the journal and holds up what comes behind it, until somebody makes room.
    Refuse,
}
