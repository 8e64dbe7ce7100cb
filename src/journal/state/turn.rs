//! Who writes now, and who waits for it.

use std::time::Instant;

/// Who writes now, and who waits.
#[derive(Debug, Default)]
pub(in crate::journal) struct Turn {
    pub(in crate::journal) is_taken: bool,
    pub(in crate::journal) waiting: usize,
    /// Since when somebody has waited, and nobody has got on.
    pub(in crate::journal) since: Option<Instant>,
}
