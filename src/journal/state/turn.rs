//! Which thread writes, and which threads wait.

use std::time::Instant;

/// The turn to write. `write/turn.rs` takes and ends it.
#[derive(Debug, Default)]
pub(in crate::journal) struct Turn {
    pub(in crate::journal) is_taken: bool,
    pub(in crate::journal) waiting: usize,
    /// When the current wait started, during which no thread made progress.
    pub(in crate::journal) since: Option<Instant>,
}
