//! The state of the thread that keeps the journal.

use std::sync::Arc;
use std::time::Instant;

use crate::journal::disk::File;

/// The state of the thread that keeps the journal, and the requests to it.
#[derive(Debug)]
pub(in crate::journal) struct Upkeep {
    /// Whether the thread exists.
    pub(in crate::journal) has_keeper: bool,
    /// Whether the threads of the journal must end.
    pub(in crate::journal) stop: bool,
    /// When it last found new frames, and how many frames there were.
    pub(in crate::journal) busy: (Instant, u64),
    /// Whether nothing was written for a while.
    pub(in crate::journal) rests: bool,
    /// The lock of the stream, if its file had to be created again.
    pub(in crate::journal) owner_again: Option<Arc<dyn File>>,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { has_keeper: false, stop: false, busy: (Instant::now(), 0), rests: false, owner_again: None }
    }
}
