//! What the thread that keeps the journal knows.

use std::sync::Arc;
use std::time::Instant;

use crate::journal::disk::File;

/// What the thread that keeps the journal knows, and what it is told.
#[derive(Debug)]
pub(in crate::journal) struct Upkeep {
    /// There is such a thread.
    pub(in crate::journal) has_keeper: bool,
    /// The threads of the journal shall end.
    pub(in crate::journal) stop: bool,
    /// When it looked last and found new frames, and how many there were.
    pub(in crate::journal) busy: (Instant, u64),
    /// Nobody has written for a while.
    pub(in crate::journal) rests: bool,
    /// The lock of the stream in a file that had to be made again.
    pub(in crate::journal) owner_again: Option<Arc<dyn File>>,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { has_keeper: false, stop: false, busy: (Instant::now(), 0), rests: false, owner_again: None }
    }
}
