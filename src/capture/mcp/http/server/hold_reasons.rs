//! Why a proxy holds bodies of requests back.

/// What bodies are held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldReasons {
    /// Calls may have to wait, or be refused.
    pub refuses: bool,
    /// Calls are to be joined to their spans.
    pub joins: bool,
}
