//! Reads ahead what is synced, for one sink. What is done with is said by the other handle, the [`Settler`].

use std::cmp::Ordering;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::ahead::{Ahead, Passed};
use super::cursor::Cursor;
use super::error::JournalError;
use super::frame::Salt;
use super::planted::planted;
use super::scan::{CHUNK, Item, Scan, is_zero};
use super::settle::Settler;
use super::state::{Position, Segment, State};
use super::{Journal, Sequence, error};
use crate::record::StreamId;

/// Reads the records of a stream in their order. Each sink has one, which stands where that sink is, and may be used on another
/// thread than its [`Settler`].
#[derive(Debug)]
pub struct Reader {
    journal: Journal,
    ahead: Arc<Ahead>,
    /// How far it was read.
    at: Position,
    /// The last place behind which the number that comes next is known: not so behind damage. There the cursor stands.
    sure: Position,
    unsure: bool,
    /// The walk through the segment that is read, if it is open.
    scan: Option<Open>,
    /// The sequence number that comes next.
    expected: Sequence,
    /// The disk could not be read: not asked again before.
    retry_at: Option<Instant>,
    /// How often it could not since it could.
    failed: u32,
}

#[derive(Debug)]
struct Open {
    segment: u64,
    remade: u32,
    scan: Scan,
}

/// A record and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// `audit.sequence.number`.
    pub sequence: Sequence,
    /// The encoded record.
    pub record: Bytes,
}

/// Records in the order of the stream; numbers are missing where something was damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Never empty.
    pub entries: Vec<Entry>,
}

/// How much one batch may hold; a single record is never held back.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// Records.
    pub records: usize,
    /// Bytes of records.
    pub bytes: usize,
}

/// How far a segment may be read.
#[derive(Debug, Clone, Copy)]
struct Reach {
    segment: Segment,
    end: u64,
    /// Nothing behind the end may be read now.
    stop: bool,
    /// The number behind all that stands before the end, where nothing may be read behind it.
    sequence: Sequence,
    /// The sequence number that a later segment begins with: what is there takes the place of what is here.
    next_first: Sequence,
}

impl Reader {
    /// Both handles of a sink, from a place in the stream, and the number that comes next there.
    pub(super) fn new(journal: Journal, sink: usize, at: Position, expected: Sequence) -> (Self, Settler) {
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

    /// Waits until there is something to read. In a forked child there is nothing.
    pub async fn readable(&self) {
        if self.journal.is_inherited() {
            return std::future::pending().await;
        }
        if let Some(at) = self.retry_at {
            tokio::time::sleep_until(at.into()).await;
        }
        loop {
            // Before the look, so that what is synced meanwhile is not missed.
            let changed = self.journal.0.readable.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.journal.0.state();
                if state.synced.sequence > self.expected {
                    return;
                }
                state.reader_sleeps = true;
            }
            changed.await;
        }
    }

    /// Whether all that is durable was read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.journal.is_inherited()
            || self.retry_at.is_none() && self.expected >= self.journal.0.state().synced.sequence
    }

    /// The next records, if there are any. A disk that cannot be read is reported, and asked again at the next call. None in a forked
    /// child.
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
            // Where nothing was wrong, the reader of another sink may still be at a place that cannot be read.
            Ok(()) if self.failed > 0 => {
                self.failed = 0;
                shared.recovered(UNREADABLE, "the journal can be read again");
            }
            Ok(()) => {}
            Err(error) => {
                self.failed += 1;
                self.scan = None;
                let error = JournalError::io("read", shared.place.root(), error::FIX)(error);
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
        // Asked once a segment: what stood before its end then is synced and stays.
        let mut reached = None;
        while entries.len() < limits.records {
            let reach = match reached {
                Some(reach) => reach,
                None => {
                    let Some(reach) = self.reach()? else { return Ok(()) };
                    *reached.insert(reach)
                }
            };
            let Some(Open { segment: number, scan, .. }) = &mut self.scan else { return Ok(()) };
            let (number, begin) = (*number, scan.offset());
            match scan.next(reach.end)? {
                // Written again to a later segment, as the sync of this one failed.
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
                // No record, or one that was settled before.
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
                    // All that is synced stands before here.
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

    /// The segment to read in, and how far; `None` if nothing there can be read now.
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
                // The journal may write it again.
                self.retry_at = Some(Instant::now() + RETRY);
                return Ok(None);
            }
            self.at = Position { segment: number + 1, offset: 0 };
        }
    }

    /// Opens a segment, where it was left or at its beginning. Says whether it is there.
    fn enter(&mut self, segment: &Segment) -> io::Result<bool> {
        let shared = &self.journal.0;
        let path = shared.place.segment(segment.number);
        match shared.options.fs.open(&path) {
            Ok(file) => {
                if self.at.segment != segment.number {
                    self.at = Position { segment: segment.number, offset: segment.begin };
                }
                self.at.offset = self.at.offset.max(segment.begin);
                // A block that cannot be read after some time, where others can, is damage like any other.
                let scan = if self.failed < PATIENCE { Scan::new } else { Scan::salvaging };
                let scan = scan(file, Salt::new(shared.stream, segment.number), self.at.offset);
                self.scan = Some(Open { segment: segment.number, remade: segment.remade, scan });
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

    /// Goes on behind a segment.
    fn leave(&mut self, number: u64) {
        self.scan = None;
        self.at = Position { segment: number + 1, offset: 0 };
        self.keep_sure();
    }

    /// Reports the numbers before `found` that nothing has.
    fn missing(&mut self, found: Sequence) {
        if found > self.expected && !planted("skip-gaps") {
            self.journal.0.lost(self.expected, found - 1);
            self.expected = found;
        }
    }

    /// Sets aside what is not zero of bytes that are no frame.
    fn damaged_part(&mut self, segment: u64, from: u64, to: u64) -> io::Result<()> {
        for offset in (from..to).step_by(CHUNK) {
            let Some(Open { scan, .. }) = &self.scan else { return Ok(()) };
            let piece = scan.raw(offset, to)?;
            if !is_zero(&piece) {
                self.damaged(segment, offset, 0, piece)?;
            }
        }
        Ok(())
    }

    /// Sets damaged bytes aside. Which records they were is found out from the numbers that are missing.
    fn damaged(&mut self, segment: u64, offset: u64, sequence: Sequence, bytes: Bytes) -> io::Result<()> {
        let shared = &self.journal.0;
        if let Err(error) = shared.set_aside_damage(segment, offset, sequence, bytes) {
            // Tried again from here.
            self.scan = None;
            return Err(io::Error::other(error));
        }
        shared.told.store(true, Relaxed);
        shared.degraded(DAMAGED, &format!("{} is damaged", shared.place.segment(segment).display()));
        Ok(())
    }
}

impl State {
    /// The first segment that is not before that number, and how far it may be read; `None` if it may not.
    fn reach(&self, wanted: u64) -> Option<Reach> {
        let segment = *self.segments.iter().find(|segment| segment.number >= wanted)?;
        let later = || self.segments.iter().filter(|later| later.number > segment.number);
        let next_first = later().map(|later| later.first).filter(|first| *first > 0).min().unwrap_or(u64::MAX);
        let synced = self.synced;
        let (end, stop) = match segment.number.cmp(&synced.segment) {
            Ordering::Less => (segment.end, false),
            // More may follow here; after a sync that failed, in another segment.
            Ordering::Equal => {
                (synced.offset.min(segment.end), later().next().is_none() || synced.offset < segment.end)
            }
            Ordering::Greater => return None,
        };
        Some(Reach { segment, end, stop, sequence: synced.sequence, next_first })
    }
}

/// `time_unix_nano` of a record of ours, which begins with it (field 1, fixed64).
fn time_of(record: &[u8]) -> Option<u64> {
    let (key, rest) = record.split_first()?;
    (*key == 0x09).then(|| rest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))).flatten()
}

/// Attempts before what cannot be read counts as lost.
const PATIENCE: u32 = 5;
/// Between two attempts to read what cannot be read.
const RETRY: Duration = Duration::from_secs(1);
const UNREADABLE: &str = crate::record::error_type::JOURNAL_UNREADABLE;
const REMOVED: &str = crate::record::error_type::JOURNAL_FILE_REMOVED;
const DAMAGED: &str = crate::record::error_type::JOURNAL_DAMAGED;
