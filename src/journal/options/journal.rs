//! What a journal is opened with.

use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::quarantine::QuarantineBound;
use super::sinks::Sinks;
use super::watcher::{Unwatched, Watcher};
use crate::journal::disk::{Disk, Fs};
use crate::journal::format::LONGEST;
use crate::record::{Clock, Entropy, SystemClock, ThreadEntropy};

/// What a journal is opened with.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JournalOptions {
    /// The directory of the journal; all processes of a service share it.
    pub directory: PathBuf,
    /// Bytes that may wait in the segments of all streams together.
    pub max_bytes: u64,
    /// How much the quarantine may hold.
    pub quarantine: QuarantineBound,
    /// Bytes of each segment; `None` for small ones where room or load is small.
    pub segment_bytes: Option<u64>,
    /// The OTLP Resource of this process, encoded.
    pub resource: Bytes,
    /// The OTLP InstrumentationScope, encoded.
    pub scope: Bytes,
    /// The sinks that must have a record before it leaves the journal, in streams that are adopted, too. A sink that is not
    /// among them is waited for no longer, whatever cursor it has in a stream.
    pub sinks: Sinks,
    /// The longest time that a record stays unsynced.
    pub commit_interval: Duration,
    /// How long another process may hold the lock of the directory before this one gives up.
    pub lock_patience: Duration,
    /// Whether a thread commits, prepares segments and watches files; without it, [`Journal::commit`] and
    /// [`Journal::maintain`] do that when they are called.
    ///
    /// [`Journal::commit`]: super::Journal::commit
    /// [`Journal::maintain`]: super::Journal::maintain
    pub background: bool,
    /// The disk.
    pub fs: Arc<dyn Fs>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for the id of the stream.
    pub entropy: Arc<dyn Entropy>,
    /// Who is told what happens to the journal.
    pub watcher: Arc<dyn Watcher>,
}

impl JournalOptions {
    /// The defaults for that directory: the real disk, 1 GiB, commits within 50 ms.
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
        }
    }

    /// The smallest segment, with which a stream begins.
    pub(in crate::journal) fn least_segment_bytes(&self) -> u64 {
        if self.segment_bytes.is_some() { self.segment_bytes() } else { LEAST_SEGMENT_BYTES }
    }

    /// The largest segment: a whole number of pages, small enough that a small bound still holds some.
    pub(in crate::journal) fn segment_bytes(&self) -> u64 {
        let fitting = (self.max_bytes / SEGMENTS_AT_LEAST).clamp(LEAST_SEGMENT_BYTES, SEGMENT_BYTES);
        self.segment_bytes.unwrap_or(fitting).max(LEAST_SEGMENT_BYTES).next_multiple_of(4096)
    }

    /// Bytes of the longest record that is taken: a quarter of a segment.
    pub(in crate::journal) fn longest_record(&self) -> usize {
        usize::try_from(self.segment_bytes() / 4).unwrap_or(LONGEST).min(LONGEST)
    }
}

/// Hours of a busy server's records; days of an ordinary one's.
pub const DEFAULT_MAX_BYTES: u64 = 1 << 30;
/// The least bound: the least segments.
pub const LEAST_MAX_BYTES: u64 = SEGMENTS_AT_LEAST * LEAST_SEGMENT_BYTES;
/// A tenth of a second of records at full speed; its creation takes about a millisecond. Segments grow to it while they are
/// filled in seconds.
const SEGMENT_BYTES: u64 = 8 << 20;
/// What an idle process takes of the disk, with some small files.
pub(in crate::journal) const LEAST_SEGMENT_BYTES: u64 = 64 << 10;
const SEGMENTS_AT_LEAST: u64 = 4;
/// Streams are made, listed and removed under the lock, which takes milliseconds each; many processes may start at once.
pub(crate) const LOCK_PATIENCE: Duration = Duration::from_secs(30);
const COMMIT_INTERVAL: Duration = Duration::from_millis(50);
