//! What is durable, what is not, and which threads wait for it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::segments::Active;
use crate::journal::disk::File;
use crate::journal::format::Salt;

/// The state of commits. Only they change how far the stream is durable.
#[derive(Debug)]
pub(in crate::journal) struct Commits {
    pub(in crate::journal) synced: Synced,
    /// Bytes of frames that no commit has started to sync.
    pub(in crate::journal) unsynced_bytes: u64,
    /// Segments that were left since the last commit.
    pub(in crate::journal) dirty: Vec<Unsynced>,
    /// Whether a file was created since the directory was last synced.
    pub(in crate::journal) directory_dirty: bool,
    /// A sync failed: what is unsynced must be written again to a new segment before the next sync.
    pub(in crate::journal) poisoned: bool,
    /// Frames among which some were dropped before a sync that failed, as counted by [`Appended::frames`](super::appended::Appended).
    pub(in crate::journal) lost: Range<u64>,
    /// How many commits failed, and the last error.
    pub(in crate::journal) failures: u64,
    pub(in crate::journal) failure: Option<String>,
    /// Whether a thread waits for a commit.
    pub(in crate::journal) wanted: bool,
    pub(in crate::journal) group: Group,
    /// Whether the thread that commits has to be woken.
    pub(in crate::journal) keeper_sleeps: bool,
}

impl Default for Commits {
    /// The state of a stream without segments.
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

/// The part of a file that a commit has to sync.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Unsynced {
    pub(in crate::journal) file: Arc<dyn File>,
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) salt: Salt,
    pub(in crate::journal) from: u64,
    pub(in crate::journal) to: u64,
}

impl Unsynced {
    /// The part of a segment that is not durable.
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

/// How far the stream is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Synced {
    pub(in crate::journal) frames: u64,
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) offset: u64,
    /// The sequence number of the next record after it.
    pub(in crate::journal) sequence: u64,
    /// Whether the header of the segment is durable as well. It is not before the first commit of a segment.
    pub(in crate::journal) header: bool,
}

impl Synced {
    /// Where the part of a segment that is not durable starts.
    pub(in crate::journal) fn reached_in(&self, segment: u64) -> u64 {
        if self.segment == segment && self.header { self.offset } else { 0 }
    }
}

/// The threads that wait for a commit.
#[derive(Debug, Default)]
pub(in crate::journal) struct Group {
    /// How many wait for the next commit.
    pub(in crate::journal) waiting: usize,
    /// How many waited for the last commit.
    pub(in crate::journal) last: usize,
    /// The next commit waits a short time for this many.
    pub(in crate::journal) gathering: Option<usize>,
    /// The frames that the running commit makes durable.
    pub(in crate::journal) under_way: u64,
    /// How long the last commit took.
    pub(in crate::journal) took: Duration,
}
