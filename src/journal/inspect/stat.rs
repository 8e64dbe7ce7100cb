//! Counts and bytes of a journal, as they stand on the disk.

use std::io;

use bytes::Bytes;

use super::super::frame::Salt;
use super::super::place::{StreamPlace, segment_number};
use super::super::recover::{By, Recovered, recover};
use super::super::scan::{Item, Scan};
use super::super::sinks::Start;
use super::super::state::Segment;
use super::untouched::Untouched;
use super::{Inspection, Owner, header};
use crate::journal::{Fs as _, JournalError, Sequence, SinkName};
use crate::record::{Record, StreamId};

/// What a journal holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JournalStat {
    /// The streams, oldest first.
    pub streams: Vec<StreamStat>,
    /// What the collector refused, and what was damaged.
    pub quarantine: QuarantineStat,
    /// Bytes that the segments of all streams take.
    pub allocated_bytes: u64,
}

/// What a stream holds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StreamStat {
    /// Its id.
    pub stream: StreamId,
    /// Whether somebody writes or drains it.
    pub owner: Owner,
    /// The number of the process that began it.
    pub process: Option<u32>,
    /// When it was begun, nanoseconds since 1970.
    pub begun_unix_nano: Option<u64>,
    /// The OTLP Resource of its process, encoded.
    pub resource: Bytes,
    /// The number of the oldest record that is still on the disk; [`next`](Self::next) if none is.
    pub first: Sequence,
    /// The number that the next record gets.
    pub next: Sequence,
    /// All records up to this number are settled: for every sink that has a cursor here.
    pub settled: Sequence,
    /// How far each of them has it.
    pub sinks: Vec<SinkStat>,
    /// Bytes of the segments behind what is settled.
    pub pending_bytes: u64,
    /// Files.
    pub segments: usize,
    /// Bytes that they take.
    pub allocated_bytes: u64,
    /// When the oldest record was made that is not settled, nanoseconds since 1970.
    pub oldest_unix_nano: Option<u64>,
    /// Calls without an answer.
    pub open_calls: usize,
    /// Whether it has its last record.
    pub ended: bool,
    /// Why it cannot be read; the numbers are 0 then.
    pub unreadable: Option<String>,
}

/// How far a sink has a stream. One that the process does not ship to any more still has its cursor, and nothing waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStat {
    /// The sink.
    pub sink: SinkName,
    /// All records up to this number are settled for it.
    pub settled: Sequence,
    /// How many come behind it.
    pub pending: u64,
}

/// What is in quarantine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuarantineStat {
    /// Files.
    pub files: usize,
    /// Files that cannot be read.
    pub unreadable: usize,
    /// Records in them; after a partial success more than were refused.
    pub records: u64,
    /// Bytes of these records.
    pub bytes: u64,
}

impl StreamStat {
    /// Records that are not settled.
    #[must_use]
    pub const fn pending(&self) -> u64 {
        self.next.saturating_sub(self.settled + 1)
    }
}

impl Inspection {
    /// Counts and bytes of all streams and of the quarantine. Reads the headers, and the frames of the last segment of each
    /// stream.
    ///
    /// # Errors
    /// What the disk says of the directory; of a stream, it is in its [`StreamStat::unreadable`].
    pub fn stat(&self) -> Result<JournalStat, JournalError> {
        let streams = self.streams()?.into_iter().filter_map(|stream| self.stat_of(stream)).collect::<Vec<_>>();
        let allocated_bytes = streams.iter().map(|stream| stream.allocated_bytes).sum();
        let mut quarantine = QuarantineStat::default();
        for name in self.quarantine_names()? {
            quarantine.files += 1;
            match self.quarantined(&name) {
                Ok(file) => {
                    quarantine.records += file.entries.len() as u64;
                    quarantine.bytes += file.entries.iter().map(|entry| entry.record.len() as u64).sum::<u64>();
                }
                Err(_) => quarantine.unreadable += 1,
            }
        }
        Ok(JournalStat { streams, quarantine, allocated_bytes })
    }

    /// `None` if it was removed meanwhile.
    fn stat_of(&self, stream: StreamId) -> Option<StreamStat> {
        let place = self.place.stream(stream);
        let owner = self.owner(stream);
        let begun = Untouched.open(&place.owner()).and_then(|file| header(&*file)).ok().flatten();
        let (mut segments, mut allocated_bytes) = (0, 0);
        for name in Untouched.list(place.root()).ok()?.iter().filter(|name| segment_number(name).is_some()) {
            segments += 1;
            allocated_bytes += Untouched.identity(&place.root().join(name)).map_or(0, |found| found.length);
        }
        let mut stat = StreamStat {
            stream,
            owner,
            process: begun.as_ref().map(|begun| begun.process),
            begun_unix_nano: begun.as_ref().map(|begun| begun.begun_unix_nano),
            resource: begun.map(|begun| begun.resource).unwrap_or_default(),
            first: 0,
            next: 0,
            settled: 0,
            sinks: Vec::new(),
            pending_bytes: 0,
            segments,
            allocated_bytes,
            oldest_unix_nano: None,
            open_calls: 0,
            ended: false,
            unreadable: None,
        };
        match read(&place, stream) {
            Ok(Some(found)) => stat.take(&found, &place),
            Ok(None) => (stat.first, stat.next) = (1, 1),
            Err(_) if Untouched.identity(place.root()).is_err() => return None,
            Err(error) => stat.unreadable = Some(error.to_string()),
        }
        Some(stat)
    }
}

/// As an adopter would read it. A segment that its owner removes meanwhile is settled: the next attempt finds the rest.
fn read(place: &StreamPlace, stream: StreamId) -> io::Result<Option<Recovered>> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match recover(&Untouched, place, stream, place.sinks(&Untouched).into_iter(), By::Onlooker) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < ATTEMPTS => {}
            result => return result,
        }
    }
}

impl StreamStat {
    fn take(&mut self, found: &Recovered, place: &StreamPlace) {
        self.resource = found.resource.clone();
        self.next = found.sequence;
        let Start { at, expected } = found.start();
        self.settled = expected.saturating_sub(1);
        let sinks = place.sinks(&Untouched).into_iter().zip(&found.starts);
        let stat = |(sink, start): (SinkName, &Start)| SinkStat {
            sink,
            settled: start.expected.saturating_sub(1),
            pending: found.sequence.saturating_sub(start.expected),
        };
        self.sinks = sinks.map(stat).collect();
        self.first = found.segments.front().map_or(found.sequence, |segment| segment.first.max(1));
        self.open_calls = found.open.len();
        self.ended = found.ended;
        let unread = found.segments.iter().filter(|segment| segment.number >= at.segment);
        let from =
            |segment: &Segment| if segment.number == at.segment { at.offset.max(segment.begin) } else { segment.begin };
        self.pending_bytes = unread.map(|segment| segment.end.saturating_sub(from(segment))).sum();
        let segments = found.segments.iter().filter(|segment| segment.number >= at.segment);
        self.oldest_unix_nano = segments.take(2).find_map(|segment| {
            let file = Untouched.open(&place.segment(segment.number)).ok()?;
            let mut scan = Scan::new(file, Salt::new(self.stream, segment.number), from(segment));
            loop {
                match scan.next(segment.end).ok()? {
                    Item::Frame { header, payload, .. } if header.kind.is_record() && header.sequence >= expected => {
                        return Record::decode(&payload).ok().map(|record| record.time_unix_nano);
                    }
                    Item::End => return None,
                    _ => {}
                }
            }
        });
    }
}

/// An owner that settles faster than this reads is not met twice in a row.
const ATTEMPTS: u32 = 5;
