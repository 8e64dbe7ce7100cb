//! The options of a journal.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::in_hand::StreamsInHand;
use super::quarantine::QuarantineBound;
use super::sinks::Sinks;
use super::watcher::{Unwatched, Watcher};
use crate::journal::disk::{Disk, Fs};
use crate::journal::format::LONGEST;
use crate::record::{Clock, Entropy, SystemClock, ThreadEntropy};

/// The options of a journal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JournalOptions {
    /// The directory of the journal, which all processes of a service share.
    pub directory: PathBuf,
    /// How many bytes may wait in the segments of all streams together.
    pub max_bytes: u64,
    /// The limit of the quarantine.
    pub quarantine: QuarantineBound,
    /// The size of each segment in bytes; `None` for small segments while room or load is small.
    pub segment_bytes: Option<u64>,
    /// The OTLP Resource of this process, encoded.
    pub resource: Bytes,
    /// The OTLP InstrumentationScope, encoded.
    pub scope: Bytes,
    /// The sinks that must have a record before it leaves the journal, also in adopted streams. The journal does not wait
    /// for any other sink, even if a stream has a cursor of it.
    pub sinks: Sinks,
    /// The longest time that a record stays unsynced.
    pub commit_interval: Duration,
    /// How long to wait for another process that holds the lock of the directory.
    pub lock_patience: Duration,
    /// Whether threads commit, prepare segments and watch files. Without them, the caller does it with [`Journal::commit`]
    /// and [`Journal::maintain`].
    ///
    /// [`Journal::commit`]: crate::journal::Journal::commit
    /// [`Journal::maintain`]: crate::journal::Journal::maintain
    pub background: bool,
    /// The file system.
    pub fs: Arc<dyn Fs>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness, for the id of the stream.
    pub entropy: Arc<dyn Entropy>,
    /// Receives what happens to the journal.
    pub watcher: Arc<dyn Watcher>,
    /// Clones share it: a process adopts streams with the options of its own.
    pub(crate) in_hand: StreamsInHand,
}

impl JournalOptions {
    /// The defaults for a directory: the real disk, 1 GiB, commits within 50 ms.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            max_bytes: DEFAULT_MAX_BYTES,
            quarantine: QuarantineBound::default(),
            segment_bytes: None,
            resource: Bytes::new(),
            scope: Bytes::new(),
            sinks: Sinks::default(),
            commit_interval: COMMIT_INTERVAL,
            lock_patience: LOCK_PATIENCE,
            background: true,
            fs: Arc::new(Disk::default()),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(ThreadEntropy),
            watcher: Arc::new(Unwatched),
            in_hand: StreamsInHand::default(),
        }
    }

    /// The smallest segment. A stream starts with it.
    pub(in crate::journal) fn least_segment_bytes(&self) -> u64 {
        if self.segment_bytes.is_some() { self.segment_bytes() } else { LEAST_SEGMENT_BYTES }
    }

    /// The largest segment: a whole number of pages, and small enough that several fit into a small limit.
    pub(in crate::journal) fn segment_bytes(&self) -> u64 {
        let fitting = (self.max_bytes / SEGMENTS_AT_LEAST).clamp(LEAST_SEGMENT_BYTES, SEGMENT_BYTES);
        self.segment_bytes.unwrap_or(fitting).max(LEAST_SEGMENT_BYTES).next_multiple_of(4096)
    }

    /// The length of the longest record that is accepted: a quarter of a segment.
    pub(in crate::journal) fn longest_record(&self) -> usize {
        usize::try_from(self.segment_bytes() / 4).unwrap_or(LONGEST).min(LONGEST)
    }
}

/// Hours of records of a busy server, or days of an ordinary one.
pub const DEFAULT_MAX_BYTES: u64 = 1 << 30;
/// The smallest limit: a few of the smallest segments.
pub const LEAST_MAX_BYTES: u64 = SEGMENTS_AT_LEAST * LEAST_SEGMENT_BYTES;
/// A tenth of a second of records at full speed; creating it takes about a millisecond. Segments grow to this size while
/// each is full within seconds.
const SEGMENT_BYTES: u64 = 8 << 20;
/// What an idle process occupies on the disk, apart from some small files.
pub(in crate::journal) const LEAST_SEGMENT_BYTES: u64 = 64 << 10;
const SEGMENTS_AT_LEAST: u64 = 4;
/// Streams are created, listed and removed under the lock, which takes milliseconds each, and many processes may start at
/// the same time.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_secs(30);
const COMMIT_INTERVAL: Duration = Duration::from_millis(50);
