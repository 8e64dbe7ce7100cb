//! What waiting readers are told.

/// What waiting readers are told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ArrivalSignal {
    /// Grows with every change, so that no two announcements are the same.
    pub(crate) changes: u64,
    /// Whether nothing more will come.
    pub(crate) stopped: bool,
}
