//! One line for the operator, and its kind.

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeLevel {
    /// Something is wrong and somebody should act.
    Warning,
    /// What was wrong is right again.
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

/// What tells notices of one kind from others: the place in the code that gives them, or a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NoticeKind(pub(super) &'static str, pub(super) u32, pub(super) u32);
