//! The segments that this process writes.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::journal::disk::{File, Identity};
use crate::journal::format::Salt;
use crate::record::StreamId;

/// The segments of the stream, and the plan for the next one. Only the thread that has the turn changes the active segment.
#[derive(Debug)]
pub(in crate::journal) struct Segments {
    /// The segment that is written to.
    pub(in crate::journal) active: Active,
    /// The next segment, ready to be started.
    pub(in crate::journal) next: Option<Prepared>,
    /// The size of the next segment, if there is room for it.
    pub(in crate::journal) wanted_bytes: u64,
    /// Whether the thread that prepares it was woken for it.
    pub(in crate::journal) next_asked: bool,
    /// When the active segment was started.
    pub(in crate::journal) begun: Instant,
    /// How many bytes of pages are prepared ahead of the writer.
    pub(in crate::journal) ahead: u64,
    /// All segments with records that are not settled, oldest first. The last one is active.
    pub(in crate::journal) unsettled: VecDeque<Segment>,
    /// The number of the next file.
    pub(in crate::journal) next_file: u64,
    /// The number of the newest segment that was started or is being started.
    pub(in crate::journal) begun_file: u64,
    /// Why the last attempt to create a segment failed.
    pub(in crate::journal) full_because: Option<Unmade>,
}

impl Segments {
    /// The state of a stream without segments.
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

    /// Takes the prepared segment in order to start it, if it fits.
    pub(in crate::journal) fn take_next(&mut self, fits: impl FnOnce(&Prepared) -> bool) -> Option<Prepared> {
        let next = self.next.take_if(|next| fits(next))?;
        self.begun_file = self.begun_file.max(next.number);
        Some(next)
    }

    /// The size of all segments on the disk.
    pub(in crate::journal) fn allocated(&self) -> u64 {
        let prepared = self.next.as_ref().map_or(0, |next| next.length);
        self.unsettled.iter().map(|segment| segment.length).sum::<u64>() + prepared
    }

    /// Whether it is time to prepare the next segment.
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
    /// A second handle of the file for the thread that has the turn. Taking it and putting it back is cheaper than counting
    /// a reference for each frame.
    pub(in crate::journal) at_hand: Option<Arc<dyn File>>,
    pub(in crate::journal) path: PathBuf,
    pub(in crate::journal) identity: Identity,
    pub(in crate::journal) salt: Salt,
    pub(in crate::journal) offset: u64,
    pub(in crate::journal) length: u64,
    /// The offset up to which pages were prepared.
    pub(in crate::journal) prepared: u64,
    /// The offset of the writer at that time.
    pub(in crate::journal) seen: u64,
}

impl Active {
    /// A placeholder that nothing can be written to.
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

/// A segment with space but without a header. To a process that finds it, it does not exist.
#[derive(Debug)]
pub(in crate::journal) struct Prepared {
    pub(in crate::journal) number: u64,
    pub(in crate::journal) file: Arc<dyn File>,
    pub(in crate::journal) path: PathBuf,
    pub(in crate::journal) identity: Identity,
    pub(in crate::journal) length: u64,
}

/// Why a segment could not be created.
#[derive(Debug, Clone)]
pub(in crate::journal) struct Unmade {
    pub(in crate::journal) text: String,
    /// The error of the system; `None` if the limit was reached.
    pub(in crate::journal) cause: Option<io::ErrorKind>,
}

/// What a reader needs to know about a segment.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Segment {
    pub(in crate::journal) number: u64,
    /// The sequence number of its first record.
    pub(in crate::journal) first: u64,
    /// Where the first frame begins.
    pub(in crate::journal) begin: u64,
    /// Where the frames end. It grows in the active segment.
    pub(in crate::journal) end: u64,
    /// The size of the file.
    pub(in crate::journal) length: u64,
    /// How often the file was created again because it had been removed.
    pub(in crate::journal) remade: u32,
}

/// One part in this many of a segment is used before the next one is prepared.
const WANTS_NEXT: u64 = 4;
