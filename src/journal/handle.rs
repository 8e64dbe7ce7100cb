//! The handle of a stream that is written to.

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

    /// Whether this process is a child of the one that opened the journal, by a fork: nothing can be written then, and nothing
    /// that is waited for comes to pass.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.0.home.was_forked()
    }
}
