//! What is durable, what is not, and who waits for it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::segments::Active;
use crate::journal::disk::File;
use crate::journal::format::Salt;

/// What commits know of the stream. They alone change how far it is durable.
#[derive(Debug)]
pub(in crate::journal) struct Commits {
    pub(in crate::journal) synced: Synced,
    /// Bytes of frames that no commit has begun to make durable.
    pub(in crate::journal) unsynced_bytes: u64,
    /// Segments that were left since the last commit.
    pub(in crate::journal) dirty: Vec<Unsynced>,
    /// A file was made since the directory was synced.
    pub(in crate::journal) directory_dirty: bool,
    /// A sync failed: what is unsynced has to be written again, elsewhere, before anything else is synced.
    pub(in crate::journal) poisoned: bool,
    /// Frames among which some were dropped before a sync that failed, as counted by [`Appended::frames`](super::appended::Appended).
    pub(in crate::journal) lost: Range<u64>,
    /// Commits that failed, and what the last one said.
    pub(in crate::journal) failures: u64,
    pub(in crate::journal) failure: Option<String>,
    /// Somebody waits for a commit.
    pub(in crate::journal) wanted: bool,
    pub(in crate::journal) group: Group,
    /// The thread that commits has to be woken.
    pub(in crate::journal) keeper_sleeps: bool,
}

impl Default for Commits {
    /// Of a stream that has no segment yet.
    fn default() -> Self {
        Self {
            synced: Synced { frames: 0, segment: 0, offset: 0, sequence: 1, header: false },
            unsynced_bytes: 0,
            dirty: Vec::new(),
            directory_dirty: false,
            poisoned: false,
            lost: 0..0,
            failures: 0,
            failure: None,
            wanted: false,
            group: Group::default(),
            keeper_sleeps: false,
        }
    }
}

/// What a commit has to sync of a file.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Unsynced {
    pub(in crate::journal) file: Arc<dyn File>,
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) salt: Salt,
    pub(in crate::journal) from: u64,
    pub(in crate::journal) to: u64,
}

impl Unsynced {
    /// What of the segment is not durable.
    pub(in crate::journal) fn of(segment: &Active, synced: Synced) -> Self {
        Self {
            file: segment.file.clone(),
            segment: segment.number,
            salt: segment.salt,
            from: synced.reached_in(segment.number),
            to: segment.offset,
        }
    }
}

/// How far everything is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Synced {
    pub(in crate::journal) frames: u64,
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) offset: u64,
    /// The sequence number of the next record behind it.
    pub(in crate::journal) sequence: u64,
    /// Whether the header of the segment is durable, too: before the first commit of a segment it is not.
    pub(in crate::journal) header: bool,
}

impl Synced {
    /// From where on a segment is not durable.
    pub(in crate::journal) fn reached_in(&self, segment: u64) -> u64 {
        if self.segment == segment && self.header { self.offset } else { 0 }
    }
}

/// Who waits for a commit.
#[derive(Debug, Default)]
pub(in crate::journal) struct Group {
    /// How many wait for the next one.
    pub(in crate::journal) waiting: usize,
    /// How many waited for the last one.
    pub(in crate::journal) last: usize,
    /// The next one waits for that many, a short while.
    pub(in crate::journal) gathering: Option<usize>,
    /// The frames that the commit which is under way makes durable.
    pub(in crate::journal) under_way: u64,
    /// How long the last one took.
    pub(in crate::journal) took: Duration,
}
