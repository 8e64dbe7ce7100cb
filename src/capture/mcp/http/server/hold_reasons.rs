//! Why a proxy holds bodies of requests.

/// The reasons to hold bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HoldReasons {
    /// Calls may have to wait, or be refused.
    pub(crate) refuses: bool,
    /// Calls are joined to their spans.
    pub(crate) joins: bool,
}
