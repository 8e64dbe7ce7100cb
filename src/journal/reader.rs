//! The shipper's end of the journal: reads ahead what is synced, settles in order.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;

use super::cursor::Cursor;
use super::planted::planted;
use super::quarantine::{Cause, Quarantined, Refused};
use super::scan::{Item, Scan};
use super::state::Segment;
use super::{Event, Journal, JournalError, Sequence, error, frame::Salt};
use crate::record::StreamId;

/// Reads the records of a stream in their order. There is one reader.
#[derive(Debug)]
pub struct Reader {
    pub(super) journal: Journal,
    /// The segment that is read, and the walk through it.
    pub(super) scan: Option<(u64, Scan)>,
    /// The sequence number that comes next.
    pub(super) expected: Sequence,
    pub(super) passed: VecDeque<Passed>,
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

/// A batch that was read and is not settled: what is done when it is.
#[derive(Debug)]
pub(super) struct Passed {
    cursor: Cursor,
    bytes: u64,
    oldest_unix_nano: Option<u64>,
}

/// How far a segment may be read.
struct Reach {
    number: u64,
    end: u64,
    /// No other segment follows.
    is_last: bool,
    /// The sequence number that the next segment begins with.
    next_first: Sequence,
}

impl Reader {
    /// From the beginning of a stream.
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, scan: None, expected: 1, passed: VecDeque::new() }
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

    /// Waits until there is something to read.
    pub async fn readable(&self) {
        loop {
            {
                let mut state = self.journal.0.state();
                if state.synced.sequence > self.expected {
                    return;
                }
                state.reader_sleeps = true;
            }
            self.journal.0.readable.notified().await;
        }
    }

    /// The next records, if there are any. A disk that cannot be read is reported, and asked again at the next call.
    pub fn next(&mut self, limits: BatchLimits) -> Option<Batch> {
        let mut entries = Vec::new();
        let (mut bytes, mut frames_bytes) = (0, 0);
        let result = self.read(&limits, &mut entries, &mut bytes, &mut frames_bytes);
        let shared = &self.journal.0;
        match result {
            Ok(()) => shared.recovered(UNREADABLE, "the journal can be read again"),
            Err(error) => {
                let error = JournalError::io("read", shared.place.root(), error::FIX)(error);
                shared.degraded(UNREADABLE, &error);
            }
        }
        let last = entries.last().map(|entry: &Entry| entry.sequence)?;
        let (segment, scan) = self.scan.as_ref()?;
        self.passed.push_back(Passed {
            cursor: Cursor { segment: *segment, offset: scan.offset(), sequence: last },
            bytes: frames_bytes,
            oldest_unix_nano: entries.first().and_then(|entry| time_of(&entry.record)),
        });
        self.note_oldest();
        Some(Batch { entries })
    }

    /// Settles everything up to a record: it was accepted by the sink, or stands in quarantine. Removes the segments that
    /// nobody needs any more.
    pub fn settle(&mut self, through: Sequence) {
        let (mut last, mut bytes) = (None, 0);
        while let Some(passed) = self.passed.pop_front_if(|passed| passed.cursor.sequence <= through) {
            bytes += passed.bytes;
            last = Some(passed.cursor);
        }
        let Some(cursor) = last else { return };
        let shared = &self.journal.0;
        if let Err(cause) = cursor.write(&*shared.cursor, shared.stream) {
            // After a crash some records are sent again.
            shared.degraded(CURSOR, &format!("the journal cannot save how far it was shipped: {cause}; {}", error::FIX));
        }
        let mut state = shared.state();
        state.settled = state.settled.max(cursor.sequence);
        state.pending_bytes = state.pending_bytes.saturating_sub(bytes);
        let mut gone = Vec::new();
        while state.segments.len() > 1
            && let Some(segment) = state.segments.pop_front_if(|segment| segment.number < cursor.segment)
        {
            gone.push(segment.number);
        }
        drop(state);
        for number in &gone {
            drop(shared.options.fs.remove(&shared.place.segment(*number)));
        }
        self.note_oldest();
        shared.settled.notify_waiters();
        shared.settled_blocking.notify_all();
        if !gone.is_empty() {
            shared.wake_for_room();
        }
    }

    /// Keeps a durable copy of what the sink refused. Comes before `settle`.
    ///
    /// # Errors
    /// What the disk said: the records must not be settled then.
    pub fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError> {
        let shared = &self.journal.0;
        let (Some(first), Some(last)) = (refused.entries.first(), refused.entries.last()) else { return Ok(()) };
        shared.set_aside(&Quarantined {
            cause: if refused.refused < refused.entries.len() as u64 { Cause::PartlyRefused } else { Cause::Refused },
            stream: shared.stream,
            first: first.sequence,
            last: last.sequence,
            refused: refused.refused,
            time_unix_nano: shared.options.clock.unix_nano(),
            resource: shared.options.resource.clone(),
            scope: shared.options.scope.clone(),
            reason: refused.reason.to_owned(),
            entries: refused.entries.to_vec(),
        })
    }

    fn read(
        &mut self,
        limits: &BatchLimits,
        entries: &mut Vec<Entry>,
        bytes: &mut usize,
        frames_bytes: &mut u64,
    ) -> io::Result<()> {
        while entries.len() < limits.records {
            let Some(Reach { number, end, is_last, next_first }) = self.reach()? else { return Ok(()) };
            let Some((_, scan)) = &mut self.scan else { return Ok(()) };
            let begin = scan.offset();
            match scan.next(end)? {
                // Written again to the next segment, as the sync of this one failed.
                Item::Frame { header, .. } if header.sequence >= next_first => {}
                Item::Frame { header, payload, offset } if header.kind.is_record() => {
                    if !entries.is_empty() && *bytes + payload.len() > limits.bytes {
                        scan.back_to(offset);
                        return Ok(());
                    }
                    *frames_bytes += header.size() as u64;
                    // What has a lower number was settled before.
                    if header.sequence >= self.expected {
                        self.missing(header.sequence);
                        *bytes += payload.len();
                        entries.push(Entry { sequence: header.sequence, record: payload });
                        self.expected = header.sequence + 1;
                    }
                }
                Item::Frame { header, .. } => *frames_bytes += header.size() as u64,
                Item::BadPayload { header, payload } => {
                    *frames_bytes += header.size() as u64;
                    let sequence = if header.kind.is_record() { header.sequence } else { 0 };
                    self.damaged(number, begin, sequence, payload)?;
                }
                Item::Damage { nothing: true, .. } => {}
                Item::Damage { from, to, nothing: false } => {
                    let bytes = self.bytes(from, to)?;
                    self.damaged(number, from, 0, bytes)?;
                }
                Item::End if is_last => return Ok(()),
                Item::End => self.leave(number),
            }
        }
        Ok(())
    }

    /// The segment to read in, and how far.
    fn reach(&mut self) -> io::Result<Option<Reach>> {
        let shared = self.journal.0.clone();
        let (segment, end, is_last, next_first) = {
            let state = shared.state();
            let wanted = self.scan.as_ref().map_or(0, |(number, _)| *number);
            let Some(segment) = state.segments.iter().find(|segment| segment.number >= wanted).copied() else {
                return Ok(None);
            };
            let next = state.segments.iter().find(|next| next.number > segment.number);
            let next_first = next.map(|next| next.first).filter(|first| *first > 0).unwrap_or(u64::MAX);
            let synced = state.synced;
            match segment.number.cmp(&synced.segment) {
                std::cmp::Ordering::Less => (segment, segment.end, false, next_first),
                std::cmp::Ordering::Equal => {
                    // A sync that failed has moved the writer to another segment.
                    let is_last = next.is_none();
                    (segment, synced.offset.min(segment.end), is_last, next_first)
                }
                std::cmp::Ordering::Greater => return Ok(None),
            }
        };
        if self.scan.as_ref().is_none_or(|(number, _)| *number != segment.number) {
            self.enter(&segment)?;
        }
        Ok(Some(Reach { number: segment.number, end, is_last, next_first }))
    }

    fn enter(&mut self, segment: &Segment) -> io::Result<()> {
        let shared = &self.journal.0;
        match shared.options.fs.open(&shared.place.segment(segment.number)) {
            Ok(file) => {
                let salt = Salt::new(shared.stream, segment.number);
                self.scan = Some((segment.number, Scan::new(file, salt, segment.begin)));
                if segment.first > 0 {
                    self.missing(segment.first);
                    self.expected = self.expected.max(segment.first);
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                shared.degraded(REMOVED, &format!("{} was removed", shared.place.segment(segment.number).display()));
                self.leave(segment.number);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Goes on behind a segment.
    fn leave(&mut self, number: u64) {
        let next = self.journal.0.state().segments.iter().find(|segment| segment.number > number).copied();
        if let Some(next) = next
            && self.enter(&next).is_err()
        {
            // Asked again at the next call, from the beginning of that segment.
            self.scan = None;
        }
    }

    /// Reports the numbers before `found` that nothing has.
    fn missing(&mut self, found: Sequence) {
        if found > self.expected && !planted("skip-gaps") {
            let shared = &self.journal.0;
            let (first, last) = (self.expected, found - 1);
            self.journal.0.options.watcher.happened(Event::Lost {
                stream: shared.stream,
                count: found - self.expected,
                first,
                last,
            });
            self.expected = found;
        }
    }

    /// Sets damaged bytes aside. Which records they were is found out from the numbers that are missing.
    fn damaged(&mut self, segment: u64, offset: u64, sequence: Sequence, bytes: Bytes) -> io::Result<()> {
        let shared = &self.journal.0;
        shared.set_aside_damage(segment, offset, sequence, bytes).map_err(io::Error::other)?;
        shared.degraded(DAMAGED, &format!("{} is damaged", shared.place.segment(segment).display()));
        Ok(())
    }

    fn bytes(&self, from: u64, to: u64) -> io::Result<Bytes> {
        self.scan.as_ref().map_or_else(|| Ok(Bytes::new()), |(_, scan)| scan.raw(from, to))
    }

    fn note_oldest(&self) {
        let oldest = self.passed.front().and_then(|passed| passed.oldest_unix_nano);
        self.journal.0.state().oldest_unix_nano = oldest;
    }
}

/// `time_unix_nano` of a record of ours, which begins with it (field 1, fixed64).
fn time_of(record: &[u8]) -> Option<u64> {
    let (key, rest) = record.split_first()?;
    (*key == 0x09).then(|| rest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))).flatten()
}

const UNREADABLE: &str = "journal_unreadable";
const CURSOR: &str = "journal_cursor_failed";
const REMOVED: &str = "journal_file_removed";
const DAMAGED: &str = "journal_damaged";
