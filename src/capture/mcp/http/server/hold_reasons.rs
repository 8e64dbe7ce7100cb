//! Why a proxy holds bodies of requests.

/// The reasons to hold bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldReasons {
    /// Calls may have to wait, or be refused.
    pub refuses: bool,
    /// Calls are joined to their spans.
    pub joins: bool,
}
