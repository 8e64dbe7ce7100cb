//! Why a proxy holds bodies of requests back.

/// What bodies are held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HoldReasons {
    /// Calls may have to wait, or be refused.
    pub(crate) refuses: bool,
    /// Calls are to be joined to their spans.
    pub(crate) joins: bool,
}
