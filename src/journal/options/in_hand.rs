//! The streams that one process has in hand: its own, and those that it has adopted. Each may keep segments that nobody needs,
//! and gives them up when another one has no room.

use std::fmt::Debug;
use std::sync::{Arc, Weak};

use crate::locks::Mutex;

/// A stream that can give up room.
pub(crate) trait GivesRoom: Debug + Send + Sync {
    /// Removes what nobody needs. Returns whether there was anything. It may wait for the disk.
    fn give_room(&self) -> bool;
}

/// The streams of all journals whose options are clones of each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamsInHand(Arc<Mutex<Vec<Weak<dyn GivesRoom>>>>);

impl StreamsInHand {
    pub(in crate::journal) fn add(&self, stream: Weak<dyn GivesRoom>) {
        let mut streams = self.0.lock();
        streams.retain(|known| known.strong_count() > 0);
        streams.push(stream);
    }

    /// Asks each of them. Returns whether one had anything to give up.
    pub(in crate::journal) fn give_room(&self) -> bool {
        // No lock is held while one of them waits for the disk.
        let streams: Vec<_> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        streams.iter().filter(|stream| stream.give_room()).count() > 0
    }
}
