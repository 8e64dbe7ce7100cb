//! Reads what is synced, ahead of what is settled, for one sink. The other handle, the [`Settler`], says what is done.

use std::cmp::Ordering;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::ahead::{Ahead, Passed};
use super::settle::Settler;
use crate::journal::entry::Entry;
use crate::journal::error::{self, JournalError};
use crate::journal::format::{CHUNK, Cursor, Item, Position, Salt, Scan, is_zero};
use crate::journal::handle::Journal;
use crate::journal::numbers::Sequence;
use crate::journal::planted::planted;
use crate::journal::state::{Segment, State};
use crate::record::{StreamId, time_of};

/// Reads the records of a stream in order. Each sink has its own reader, which can run on another thread than its
/// [`Settler`].
#[derive(Debug)]
pub struct Reader {
    journal: Journal,
    ahead: Arc<Ahead>,
    /// How far the stream was read.
    at: Position,
    /// The last position after which the next sequence number is known, which it is not after damage. The cursor is set to
    /// it.
    sure: Position,
    unsure: bool,
    /// The scan of the segment that is being read, if it is open.
    scan: Option<OpenSegment>,
    /// The next sequence number.
    expected: Sequence,
    /// The disk could not be read; it is not tried again before this time.
    retry_at: Option<Instant>,
    /// How often reading failed since it last succeeded.
    failed: u32,
}

#[derive(Debug)]
struct OpenSegment {
    segment: u64,
    remade: u32,
    scan: Scan,
}

/// Records in the order of the stream. Numbers are missing where something was damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Never empty.
    pub entries: Vec<Entry>,
}

/// The limits of a batch. A single record is returned whatever its size.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// The most records.
    pub records: usize,
    /// The most bytes of records.
    pub bytes: usize,
}

/// How far a segment may be read.
#[derive(Debug, Clone, Copy)]
struct Reach {
    segment: Segment,
    end: u64,
    /// Whether nothing after the end may be read now.
    stop: bool,
    /// If nothing after the end may be read: the number after the last record before it.
    sequence: Sequence,
    /// The first sequence number of a later segment, which replaces what is here from that number on.
    next_first: Sequence,
}

impl Reader {
    /// Both handles of a sink, given a position and the sequence number that comes next there.
    pub(in crate::journal) fn new(journal: Journal, sink: usize, at: Position, expected: Sequence) -> (Self, Settler) {
        let ahead = Arc::new(Ahead::of(sink));
        let settler = Settler::new(journal.clone(), ahead.clone());
        let reader =
            Self { journal, ahead, at, sure: at, unsure: false, scan: None, expected, retry_at: None, failed: 0 };
        (reader, settler)
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.journal.stream()
    }

    /// The OTLP Resource of the process that wrote the stream, encoded.
    #[must_use]
    pub fn resource(&self) -> &Bytes {
        &self.journal.0.options.resource
    }

    /// The OTLP InstrumentationScope of the stream, encoded.
    #[must_use]
    pub fn scope(&self) -> &Bytes {
        &self.journal.0.options.scope
    }

    /// Waits until there is something to read. In a forked child there never is.
    pub async fn readable(&self) {
        if self.journal.is_inherited() {
            return std::future::pending().await;
        }
        if let Some(at) = self.retry_at {
            tokio::time::sleep_until(at.into()).await;
        }
        loop {
            // Registered before the check, so that nothing that is synced in between is missed.
            let changed = self.journal.0.readable.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.journal.0.state();
                if state.commits.synced.sequence > self.expected {
                    return;
                }
                state.progress.reader_sleeps = true;
            }
            changed.await;
        }
    }

    /// Whether everything durable was read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.journal.is_inherited()
            || self.retry_at.is_none() && self.expected >= self.journal.0.state().commits.synced.sequence
    }

    /// The next records, if there are any. A disk that cannot be read is reported, and tried again at the next call.
    /// None in a forked child.
    pub fn next(&mut self, limits: BatchLimits) -> Option<Batch> {
        if self.journal.is_inherited() {
            return None;
        }
        let mut entries = Vec::new();
        let before = (self.sure, self.expected);
        let result = self.read(&limits, &mut entries);
        let shared = self.journal.0.clone();
        self.retry_at = result.is_err().then(|| Instant::now() + RETRY);
        match result {
            // If nothing failed here, the reader of another sink may still be at a place that cannot be read.
            Ok(()) if self.failed > 0 => {
                self.failed = 0;
                shared.recovered(UNREADABLE, "the journal can be read again");
            }
            Ok(()) => {}
            Err(error) => {
                self.failed += 1;
                self.scan = None;
                let error = JournalError::io("read", shared.paths.root(), error::FIX)(error);
                shared.degraded(UNREADABLE, &error);
            }
        }
        self.keep_sure();
        let cursor = Cursor { segment: self.sure.segment, offset: self.sure.offset, sequence: self.expected - 1 };
        let Some(last) = entries.last().map(|entry: &Entry| entry.sequence) else {
            let passed = Some(cursor).filter(|_| before != (self.sure, self.expected));
            if let Some(cursor) = passed.and_then(|cursor| self.ahead.pass_over(cursor)) {
                shared.settle_at(self.ahead.sink(), cursor);
            }
            return None;
        };
        shared.mark_durably(last);
        let oldest_unix_nano = entries.first().and_then(|entry| time_of(&entry.record));
        self.ahead.push(Passed { last, cursor, oldest_unix_nano }, &shared);
        Some(Batch { entries })
    }

    fn read(&mut self, limits: &BatchLimits, entries: &mut Vec<Entry>) -> io::Result<()> {
        let mut bytes = 0;
        // Determined once per segment: what precedes the end is synced and stays.
        let mut reached = None;
        while entries.len() < limits.records {
            let reach = match reached {
                Some(reach) => reach,
                None => {
                    let Some(reach) = self.reach()? else { return Ok(()) };
                    *reached.insert(reach)
                }
            };
            let Some(OpenSegment { segment: number, scan, .. }) = &mut self.scan else { return Ok(()) };
            let (number, begin) = (*number, scan.offset());
            match scan.next(reach.end)? {
                // Written again to a later segment, because the sync of this one failed.
                Item::Frame { header, .. } | Item::BadPayload { header, .. } if header.sequence >= reach.next_first => {
                }
                Item::Frame { header, payload, .. } if header.kind.is_record() && header.sequence >= self.expected => {
                    if !entries.is_empty() && bytes + payload.len() > limits.bytes {
                        scan.back_to(begin);
                        return Ok(());
                    }
                    self.missing(header.sequence);
                    bytes += payload.len();
                    entries.push(Entry { sequence: header.sequence, record: payload });
                    self.expected = header.sequence + 1;
                    self.unsure = false;
                }
                // Not a record, or one that was settled before.
                Item::Frame { .. } => {}
                // Most often a tail that was never written to.
                Item::Damage { from, to, nothing: true } => {
                    self.unsure = true;
                    self.damaged_part(number, from, to)?;
                }
                Item::BadPayload { header, payload } => {
                    let sequence = if header.kind.is_record() { header.sequence } else { 0 };
                    self.damaged(number, begin, sequence, payload)?;
                    if sequence >= self.expected {
                        self.missing(sequence + 1);
                    }
                }
                Item::Damage { from, to, nothing: false } => {
                    self.unsure = true;
                    self.damaged_part(number, from, to)?;
                }
                Item::End if reach.stop => {
                    // Everything synced precedes this point.
                    self.missing(reach.sequence);
                    self.unsure = false;
                    return Ok(());
                }
                Item::End => {
                    self.leave(number);
                    reached = None;
                    continue;
                }
            }
            self.at.offset = self.scan.as_ref().map_or(begin, |open| open.scan.offset());
            self.keep_sure();
        }
        Ok(())
    }

    /// The segment to read and how far; `None` if nothing can be read now.
    fn reach(&mut self) -> io::Result<Option<Reach>> {
        loop {
            let Some(reach) = self.journal.0.state().reach(self.at.segment) else { return Ok(None) };
            let Segment { number, remade, .. } = reach.segment;
            if self.scan.as_ref().is_some_and(|open| (open.segment, open.remade) == (number, remade)) {
                return Ok(Some(reach));
            }
            if self.enter(&reach.segment)? {
                return Ok(Some(reach));
            }
            if reach.stop {
                // The journal may write the file again.
                self.retry_at = Some(Instant::now() + RETRY);
                return Ok(None);
            }
            self.at = Position { segment: number + 1, offset: 0 };
        }
    }

    /// Opens a segment at its start or where reading stopped. Returns whether it exists.
    fn enter(&mut self, segment: &Segment) -> io::Result<bool> {
        let shared = &self.journal.0;
        let path = shared.paths.segment(segment.number);
        match shared.options.fs.open(&path) {
            Ok(file) => {
                if self.at.segment != segment.number {
                    self.at = Position { segment: segment.number, offset: segment.begin };
                }
                self.at.offset = self.at.offset.max(segment.begin);
                // A block that stays unreadable while others can be read is damage like any other.
                let scan = if self.failed < PATIENCE { Scan::new } else { Scan::salvaging };
                let scan = scan(file, Salt::new(shared.stream, segment.number), self.at.offset);
                self.scan = Some(OpenSegment { segment: segment.number, remade: segment.remade, scan });
                if self.at.offset == segment.begin {
                    self.missing(segment.first);
                    self.unsure &= segment.first == 0;
                }
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                shared.degraded(REMOVED, &format!("{} was removed", path.display()));
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn keep_sure(&mut self) {
        if !self.unsure {
            self.sure = self.at;
        }
    }

    /// Continues after a segment.
    fn leave(&mut self, number: u64) {
        self.scan = None;
        self.at = Position { segment: number + 1, offset: 0 };
        self.keep_sure();
    }

    /// Reports the numbers before `found` that no record has.
    fn missing(&mut self, found: Sequence) {
        if found > self.expected && !planted("skip-gaps") {
            self.journal.0.lost(self.expected, found - 1);
            self.expected = found;
        }
    }

    /// Sets aside the parts of a damaged range that are not zero.
    fn damaged_part(&mut self, segment: u64, from: u64, to: u64) -> io::Result<()> {
        for offset in (from..to).step_by(CHUNK) {
            let Some(OpenSegment { scan, .. }) = &self.scan else { return Ok(()) };
            let piece = scan.raw(offset, to)?;
            if !is_zero(&piece) {
                self.damaged(segment, offset, 0, piece)?;
            }
        }
        Ok(())
    }

    /// Sets damaged bytes aside. The missing numbers tell which records they were.
    fn damaged(&mut self, segment: u64, offset: u64, sequence: Sequence, bytes: Bytes) -> io::Result<()> {
        let shared = &self.journal.0;
        if let Err(error) = shared.set_aside_damage(segment, offset, sequence, bytes) {
            // Tried again from here. What is settled may take the room that it needs.
            shared.free_room();
            self.scan = None;
            return Err(io::Error::other(error));
        }
        shared.reported.store(true, Relaxed);
        shared.degraded(DAMAGED, &format!("{} is damaged", shared.paths.segment(segment).display()));
        Ok(())
    }
}

impl State {
    /// The first segment with at least that number, and how far it may be read; `None` if it may not.
    fn reach(&self, wanted: u64) -> Option<Reach> {
        let segment = *self.segments.unsettled.iter().find(|segment| segment.number >= wanted)?;
        let later = || self.segments.unsettled.iter().filter(|later| later.number > segment.number);
        let next_first = later().map(|later| later.first).filter(|first| *first > 0).min().unwrap_or(u64::MAX);
        let synced = self.commits.synced;
        let (end, stop) = match segment.number.cmp(&synced.segment) {
            Ordering::Less => (segment.end, false),
            // More may follow here, or in another segment after a failed sync.
            Ordering::Equal => {
                (synced.offset.min(segment.end), later().next().is_none() || synced.offset < segment.end)
            }
            Ordering::Greater => return None,
        };
        Some(Reach { segment, end, stop, sequence: synced.sequence, next_first })
    }
}

/// How many attempts are made before unreadable records count as lost.
const PATIENCE: u32 = 5;
/// The pause between two attempts.
const RETRY: Duration = Duration::from_secs(1);
const UNREADABLE: &str = crate::record::error_type::JOURNAL_UNREADABLE;
const REMOVED: &str = crate::record::error_type::JOURNAL_FILE_REMOVED;
const DAMAGED: &str = crate::record::error_type::JOURNAL_DAMAGED;
