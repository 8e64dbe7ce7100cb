//! One line for the operator, and its kind.

/// How important a notice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeLevel {
    /// Something is wrong and needs attention.
    Warning,
    /// The problem is over.
    Recovered,
}

/// One line for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub level: NoticeLevel,
    /// What happened, where, and what to do.
    pub text: String,
}

/// Identifies notices of one kind: by the place in the code that gives them, or by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NoticeKind(pub(super) &'static str, pub(super) u32, pub(super) u32);
