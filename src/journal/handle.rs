//! The handle of a stream that this process writes to.

use std::sync::Arc;

use crate::journal::options::GivesRoom;
use crate::journal::state::Shared;
use crate::record::StreamId;

/// The writing end of a stream. Clones share it.
#[derive(Debug, Clone)]
pub struct Journal(pub(super) Arc<Shared>);

impl Journal {
    /// The handle of a stream, which from now on gives up room to the others that this process has in hand.
    pub(in crate::journal) fn of(shared: Shared) -> Self {
        let shared = Arc::new(shared);
        let stream: Arc<dyn GivesRoom> = shared.clone();
        shared.options.in_hand.add(Arc::downgrade(&stream));
        Self(shared)
    }

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
