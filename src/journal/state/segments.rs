//! The segments of a stream that this process writes.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::journal::disk::{File, Identity};
use crate::journal::format::Salt;
use crate::record::StreamId;

/// The segments that are there, and what is known of the next one. Whoever has the turn changes which one is written to.
#[derive(Debug)]
pub(in crate::journal) struct Segments {
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
    /// How many bytes of pages are made ready ahead of the writer.
    pub(in crate::journal) ahead: u64,
    /// All segments that have records which are not settled, oldest first; the last is the active one.
    pub(in crate::journal) unsettled: VecDeque<Segment>,
    /// The number of the next file.
    pub(in crate::journal) next_file: u64,
    /// The number of the newest segment that was begun, or is being begun.
    pub(in crate::journal) begun_file: u64,
    /// Why no segment could be made at the last attempt.
    pub(in crate::journal) full_because: Option<Unmade>,
}

impl Segments {
    /// Of a stream that has no segment yet.
    pub(in crate::journal) fn none(file: Arc<dyn File>, stream: StreamId) -> Self {
        Self {
            active: Active::none(file, stream),
            next: None,
            wanted_bytes: 0,
            next_asked: false,
            begun: Instant::now(),
            ahead: 0,
            unsettled: VecDeque::new(),
            next_file: 1,
            begun_file: 0,
            full_because: None,
        }
    }

    /// The segment that is ready, to be begun, if it fits.
    pub(in crate::journal) fn take_next(&mut self, fits: impl FnOnce(&Prepared) -> bool) -> Option<Prepared> {
        let next = self.next.take_if(|next| fits(next))?;
        self.begun_file = self.begun_file.max(next.number);
        Some(next)
    }

    /// Bytes that the segments take on the disk.
    pub(in crate::journal) fn allocated(&self) -> u64 {
        let prepared = self.next.as_ref().map_or(0, |next| next.length);
        self.unsettled.iter().map(|segment| segment.length).sum::<u64>() + prepared
    }

    /// Whether it is time to make the next segment.
    pub(in crate::journal) fn wants_next(&self) -> bool {
        let is_used = self.active.offset >= self.active.length / WANTS_NEXT;
        self.next.is_none() && (is_used || self.full_because.is_some())
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

/// The share of a segment that is used before the next one is made.
const WANTS_NEXT: u64 = 4;
