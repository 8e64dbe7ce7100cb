//! What the lock of a journal guards.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::calls::{CallNumber, OpenCalls};
use crate::journal::disk::{File, Identity};
use crate::journal::format::Salt;
use crate::journal::numbers::Sequence;
use crate::journal::sinks::Progress;
use crate::journal::write::{Job, Turn};
use crate::record::StreamId;

#[derive(Debug)]
pub(in crate::journal) struct State {
    pub(in crate::journal) turn: Turn,
    /// What the thread that writes has to do.
    pub(in crate::journal) jobs: VecDeque<Arc<Job>>,
    /// There is a thread that writes for others.
    pub(in crate::journal) has_writer: bool,
    /// It does one of them now.
    pub(in crate::journal) is_writing: bool,
    /// There is a thread that commits.
    pub(in crate::journal) has_keeper: bool,
    /// The segment that is written to.
    pub(in crate::journal) active: Active,
    /// The one that comes after it, ready.
    pub(in crate::journal) next: Option<Prepared>,
    /// Bytes of the segment that is made next, where there is room.
    pub(in crate::journal) wanted_bytes: u64,
    /// The thread that makes it was woken for it.
    pub(in crate::journal) next_asked: bool,
    /// When the active one was begun.
    pub(in crate::journal) begun: Instant,
    /// When somebody looked last and found new frames, and how many there were.
    pub(in crate::journal) busy: (Instant, u64),
    /// Nobody has written for a while.
    pub(in crate::journal) rests: bool,
    /// How many bytes of pages are made ready ahead of the writer.
    pub(in crate::journal) ahead: u64,
    /// All segments that have records which are not settled, oldest first; the last is the active one.
    pub(in crate::journal) segments: VecDeque<Segment>,
    /// The number of the next file.
    pub(in crate::journal) next_file: u64,
    /// The number of the newest segment that was begun, or is being begun.
    pub(in crate::journal) begun_file: u64,
    /// The sequence number of the next record.
    pub(in crate::journal) sequence: u64,
    /// Frames that were appended, of any kind.
    pub(in crate::journal) frames: u64,
    /// Bytes of frames that were appended and are not settled.
    pub(in crate::journal) pending_bytes: u64,
    pub(in crate::journal) calls: OpenCalls,
    /// Bytes that are kept for the responses of calls that were admitted.
    pub(in crate::journal) reserved: u64,
    pub(in crate::journal) synced: Synced,
    /// Bytes of frames that no commit has begun to make durable.
    pub(in crate::journal) unsynced_bytes: u64,
    /// Segments that were left since the last commit.
    pub(in crate::journal) dirty: Vec<Unsynced>,
    /// A file was made since the directory was synced.
    pub(in crate::journal) directory_dirty: bool,
    /// A sync failed: what is unsynced has to be written again, elsewhere, before anything else is synced.
    pub(in crate::journal) poisoned: bool,
    /// Frames among which some were dropped before a sync that failed, as counted by `frames`.
    pub(in crate::journal) lost: Range<u64>,
    /// Commits that failed, and what the last one said.
    pub(in crate::journal) failures: u64,
    pub(in crate::journal) failure: Option<String>,
    /// Why no segment could be made at the last attempt.
    pub(in crate::journal) full_because: Option<Unmade>,
    /// How far each sink has the stream, in the order of the options.
    pub(in crate::journal) sinks: Vec<Progress>,
    /// Numbers of which was told that they are lost, while not all sinks have passed them.
    pub(in crate::journal) lost_told: Vec<(Sequence, Sequence)>,
    /// Somebody waits for a commit.
    pub(in crate::journal) commit_wanted: bool,
    pub(in crate::journal) group: Group,
    pub(in crate::journal) committer_sleeps: bool,
    /// A reader waits for a commit.
    pub(in crate::journal) reader_sleeps: bool,
    pub(in crate::journal) closed: bool,
    /// The last record was appended.
    pub(in crate::journal) ended: bool,
    /// The calls that a dead process left open, as long as no segment for their answers is begun: that is done with the first
    /// record that is appended.
    pub(in crate::journal) left_open: Option<Vec<(CallNumber, Bytes)>>,
    /// The oldest of the segments that tell which calls those are: it stays until they are copied.
    pub(in crate::journal) calls_from: u64,
    pub(in crate::journal) stop: bool,
    /// The lock of the stream in a file that had to be made again.
    pub(in crate::journal) owner_again: Option<Arc<dyn File>>,
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

/// The segment that is written to.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Active {
    pub(in crate::journal) number: u64,
    pub(in crate::journal) file: Arc<dyn File>,
    /// Another handle of the file, for whoever has the turn: it is taken and put back, which is cheaper than to count it for each frame.
    pub(in crate::journal) at_hand: Option<Arc<dyn File>>,
    pub(in crate::journal) path: PathBuf,
    pub(in crate::journal) identity: Identity,
    pub(in crate::journal) salt: Salt,
    pub(in crate::journal) offset: u64,
    pub(in crate::journal) length: u64,
    /// Up to where its pages were prepared.
    pub(in crate::journal) prepared: u64,
    /// Where the writer was then.
    pub(in crate::journal) seen: u64,
}

impl Active {
    /// Where nothing can be written.
    pub(in crate::journal) fn none(file: Arc<dyn File>, stream: StreamId) -> Self {
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
pub(in crate::journal) struct Prepared {
    pub(in crate::journal) number: u64,
    pub(in crate::journal) file: Arc<dyn File>,
    pub(in crate::journal) path: PathBuf,
    pub(in crate::journal) identity: Identity,
    pub(in crate::journal) length: u64,
}

/// Why no segment could be made.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Unmade {
    pub(in crate::journal) text: String,
    /// What the system said; `None` if it is the bound.
    pub(in crate::journal) cause: Option<io::ErrorKind>,
}

/// What a reader needs to know of a segment.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Segment {
    pub(in crate::journal) number: u64,
    /// The sequence number of its first record.
    pub(in crate::journal) first: u64,
    /// Where the first frame begins.
    pub(in crate::journal) begin: u64,
    /// Where its frames end; grows in the active one.
    pub(in crate::journal) end: u64,
    /// Bytes of the file.
    pub(in crate::journal) length: u64,
    /// How often the file was made again, as somebody had removed it.
    pub(in crate::journal) remade: u32,
}

/// A place in a stream; the greater one is read later.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::journal) struct Position {
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) offset: u64,
}

impl State {
    /// Counts what is pending, where more has changed than a frame.
    pub(in crate::journal) fn recount_pending(&mut self) {
        let Position { segment: at, offset } = self.settled_at();
        let pending = self.segments.iter().filter(|segment| segment.number >= at).map(|segment| {
            let from = if segment.number == at { offset.max(segment.begin) } else { segment.begin };
            segment.end.saturating_sub(from)
        });
        self.pending_bytes = pending.sum();
    }

    /// Bytes that the segments take on the disk.
    pub(in crate::journal) fn allocated(&self) -> u64 {
        let prepared = self.next.as_ref().map_or(0, |next| next.length);
        self.segments.iter().map(|segment| segment.length).sum::<u64>() + prepared
    }

    /// Whether it is time to make the next segment: an idle process needs none.
    pub(in crate::journal) fn wants_next(&self) -> bool {
        let is_used = self.active.offset >= self.active.length / WANTS_NEXT;
        self.next.is_none() && !self.rests && (is_used || self.full_because.is_some())
    }

    /// Whether everything that was appended is durable.
    pub(in crate::journal) fn is_clean(&self) -> bool {
        self.synced.frames == self.frames && !self.poisoned
    }
}

/// The share of a segment that is used before the next one is made.
const WANTS_NEXT: u64 = 4;
