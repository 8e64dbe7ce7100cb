//! What the lock of a journal guards.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Sequence;
use super::calls::{CallNumber, OpenCalls};
use super::frame::Salt;
use super::fs::{File, Identity};
use super::sinks::Progress;
use super::turn::Turn;
use super::writer::Job;
use crate::record::StreamId;

#[derive(Debug)]
pub(super) struct State {
    pub(super) turn: Turn,
    /// What the thread that writes has to do.
    pub(super) jobs: VecDeque<Arc<Job>>,
    /// There is a thread that writes for others.
    pub(super) has_writer: bool,
    /// It does one of them now.
    pub(super) is_writing: bool,
    /// There is a thread that commits.
    pub(super) has_keeper: bool,
    /// The segment that is written to.
    pub(super) active: Active,
    /// The one that comes after it, ready.
    pub(super) next: Option<Prepared>,
    /// Bytes of the segment that is made next, where there is room.
    pub(super) wanted_bytes: u64,
    /// The thread that makes it was woken for it.
    pub(super) next_asked: bool,
    /// When the active one was begun.
    pub(super) begun: Instant,
    /// When somebody looked last and found new frames, and how many there were.
    pub(super) busy: (Instant, u64),
    /// Nobody has written for a while.
    pub(super) rests: bool,
    /// How many bytes of pages are made ready ahead of the writer.
    pub(super) ahead: u64,
    /// All segments that have records which are not settled, oldest first; the last is the active one.
    pub(super) segments: VecDeque<Segment>,
    /// The number of the next file.
    pub(super) next_file: u64,
    /// The number of the newest segment that was begun, or is being begun.
    pub(super) begun_file: u64,
    /// The sequence number of the next record.
    pub(super) sequence: u64,
    /// Frames that were appended, of any kind.
    pub(super) frames: u64,
    /// Bytes of frames that were appended and are not settled.
    pub(super) pending_bytes: u64,
    pub(super) calls: OpenCalls,
    /// Bytes that are kept for the responses of calls that were admitted.
    pub(super) reserved: u64,
    pub(super) synced: Synced,
    /// Bytes of frames that no commit has begun to make durable.
    pub(super) unsynced_bytes: u64,
    /// Segments that were left since the last commit.
    pub(super) dirty: Vec<Unsynced>,
    /// A file was made since the directory was synced.
    pub(super) directory_dirty: bool,
    /// A sync failed: what is unsynced has to be written again, elsewhere, before anything else is synced.
    pub(super) poisoned: bool,
    /// Frames among which some were dropped before a sync that failed, as counted by `frames`.
    pub(super) lost: Range<u64>,
    /// Commits that failed, and what the last one said.
    pub(super) failures: u64,
    pub(super) failure: Option<String>,
    /// Why no segment could be made at the last attempt.
    pub(super) full_because: Option<Unmade>,
    /// How far each sink has the stream, in the order of the options.
    pub(super) sinks: Vec<Progress>,
    /// Numbers of which was told that they are lost, while not all sinks have passed them.
    pub(super) lost_told: Vec<(Sequence, Sequence)>,
    /// Somebody waits for a commit.
    pub(super) commit_wanted: bool,
    pub(super) group: Group,
    pub(super) committer_sleeps: bool,
    /// A reader waits for a commit.
    pub(super) reader_sleeps: bool,
    pub(super) closed: bool,
    /// The last record was appended.
    pub(super) ended: bool,
    /// The calls that a dead process left open, as long as no segment for their answers is begun: that is done with the first
    /// record that is appended.
    pub(super) left_open: Option<Vec<(CallNumber, Bytes)>>,
    /// The oldest of the segments that tell which calls those are: it stays until they are copied.
    pub(super) calls_from: u64,
    pub(super) stop: bool,
    /// The lock of the stream in a file that had to be made again.
    pub(super) owner_again: Option<Arc<dyn File>>,
}

/// What a commit has to sync of a file.
#[derive(Debug, Clone)]
pub(super) struct Unsynced {
    pub(super) file: Arc<dyn File>,
    pub(super) segment: u64,
    pub(super) salt: Salt,
    pub(super) from: u64,
    pub(super) to: u64,
}

/// Who waits for a commit.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// How many wait for the next one.
    pub(super) waiting: usize,
    /// How many waited for the last one.
    pub(super) last: usize,
    /// The next one waits for that many, a short while.
    pub(super) gathering: Option<usize>,
    /// The frames that the commit which is under way makes durable.
    pub(super) under_way: u64,
    /// How long the last one took.
    pub(super) took: Duration,
}

impl Unsynced {
    /// What of the segment is not durable.
    pub(super) fn of(segment: &Active, synced: Synced) -> Self {
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
pub(super) struct Synced {
    pub(super) frames: u64,
    pub(super) segment: u64,
    pub(super) offset: u64,
    /// The sequence number of the next record behind it.
    pub(super) sequence: u64,
    /// Whether the header of the segment is durable, too: before the first commit of a segment it is not.
    pub(super) header: bool,
}

impl Synced {
    /// From where on a segment is not durable.
    pub(super) fn reached_in(&self, segment: u64) -> u64 {
        if self.segment == segment && self.header { self.offset } else { 0 }
    }
}

/// The segment that is written to.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) number: u64,
    pub(super) file: Arc<dyn File>,
    /// Another handle of the file, for whoever has the turn: it is taken and put back, which is cheaper than to count it for each frame.
    pub(super) at_hand: Option<Arc<dyn File>>,
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    pub(super) salt: Salt,
    pub(super) offset: u64,
    pub(super) length: u64,
    /// Up to where its pages were prepared.
    pub(super) prepared: u64,
    /// Where the writer was then.
    pub(super) seen: u64,
}

impl Active {
    /// Where nothing can be written.
    pub(super) fn none(file: Arc<dyn File>, stream: StreamId) -> Self {
        Self {
            number: 0,
            file,
            at_hand: None,
            path: PathBuf::new(),
            identity: Identity { device: 0, inode: 0, length: 0 },
            salt: Salt::new(stream, 0),
            offset: 0,
            length: 0,
            prepared: 0,
            seen: 0,
        }
    }
}

/// A segment with space and without a header: to whoever finds it, it is not there.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) number: u64,
    pub(super) file: Arc<dyn File>,
    pub(super) path: PathBuf,
    pub(super) identity: Identity,
    pub(super) length: u64,
}

/// Why no segment could be made.
#[derive(Debug, Clone)]
pub(super) struct Unmade {
    pub(super) text: String,
    /// What the system said; `None` if it is the bound.
    pub(super) cause: Option<io::ErrorKind>,
}

/// What a reader needs to know of a segment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub(super) number: u64,
    /// The sequence number of its first record.
    pub(super) first: u64,
    /// Where the first frame begins.
    pub(super) begin: u64,
    /// Where its frames end; grows in the active one.
    pub(super) end: u64,
    /// Bytes of the file.
    pub(super) length: u64,
    /// How often the file was made again, as somebody had removed it.
    pub(super) remade: u32,
}

/// A place in a stream; the greater one is read later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

impl State {
    /// Counts what is pending, where more has changed than a frame.
    pub(super) fn recount_pending(&mut self) {
        let Position { segment: at, offset } = self.settled_at();
        let pending = self.segments.iter().filter(|segment| segment.number >= at).map(|segment| {
            let from = if segment.number == at { offset.max(segment.begin) } else { segment.begin };
            segment.end.saturating_sub(from)
        });
        self.pending_bytes = pending.sum();
    }

    /// Bytes that the segments take on the disk.
    pub(super) fn allocated(&self) -> u64 {
        let prepared = self.next.as_ref().map_or(0, |next| next.length);
        self.segments.iter().map(|segment| segment.length).sum::<u64>() + prepared
    }

    /// Whether it is time to make the next segment: an idle process needs none.
    pub(super) fn wants_next(&self) -> bool {
        let is_used = self.active.offset >= self.active.length / WANTS_NEXT;
        self.next.is_none() && !self.rests && (is_used || self.full_because.is_some())
    }

    /// Whether everything that was appended is durable.
    pub(super) fn is_clean(&self) -> bool {
        self.synced.frames == self.frames && !self.poisoned
    }
}

/// The share of a segment that is used before the next one is made.
const WANTS_NEXT: u64 = 4;
