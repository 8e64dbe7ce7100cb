//! The handle of a stream that this process writes to.

use std::sync::Arc;

use crate::journal::state::Shared;
use crate::record::StreamId;

/// The writing end of a stream. Clones share it.
#[derive(Debug, Clone)]
pub struct Journal(pub(super) Arc<Shared>);

impl Journal {
    /// The id of the stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.0.stream
    }

    /// Whether this process is a forked child of the process that opened the journal. Such a child cannot write, and
    /// nothing that it waits for happens.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.0.home.was_forked()
    }
}
