//! Counts and bytes of a journal on the disk.

use std::io;

use bytes::Bytes;

use super::inspection::{Inspection, Owner};
use super::untouched::Untouched;
use crate::journal::disk::Fs as _;
use crate::journal::error::JournalError;
use crate::journal::format::{Item, Salt, Scan, SegmentHeader, SinkName, StreamPaths, segment_number};
use crate::journal::numbers::Sequence;
use crate::journal::recover::{By, Recovered, recover};
use crate::journal::state::{Segment, Start};
use crate::record::{Record, StreamId};

/// The content of a journal.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct JournalStat {
    /// The streams, oldest first.
    pub streams: Vec<StreamStat>,
    /// The content of the quarantine.
    pub quarantine: QuarantineStat,
    /// The size of the segments of all streams.
    pub allocated_bytes: u64,
}

/// The content of a stream.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StreamStat {
    /// The id.
    pub stream: StreamId,
    /// Whether a process writes or drains it.
    pub owner: Owner,
    /// The number of the process that started it.
    pub process: Option<u32>,
    /// The start time, in nanoseconds since 1970.
    pub begun_unix_nano: Option<u64>,
    /// The OTLP Resource of the process, encoded.
    pub resource: Bytes,
    /// The number of the oldest record on the disk; [`next`](Self::next) if there is none.
    pub first: Sequence,
    /// The number of the next record.
    pub next: Sequence,
    /// All records up to this number are settled for every sink that has a cursor here.
    pub settled: Sequence,
    /// How far each of them is.
    pub sinks: Vec<SinkStat>,
    /// The size of the segments after what is settled.
    pub pending_bytes: u64,
    /// The number of segments.
    pub segments: usize,
    /// The size of the segments.
    pub allocated_bytes: u64,
    /// The time of the oldest record that is not settled, in nanoseconds since 1970.
    pub oldest_unix_nano: Option<u64>,
    /// The number of calls without an answer.
    pub open_calls: usize,
    /// Whether the stream has its last record.
    pub ended: bool,
    /// Why it cannot be read; the numbers are 0 in that case.
    pub unreadable: Option<String>,
}

/// How far a sink is in a stream. A sink that was taken out of the settings keeps its cursor, and nothing waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SinkStat {
    /// The sink.
    pub sink: SinkName,
    /// All records up to this number are settled for it.
    pub settled: Sequence,
    /// The number of records after that.
    pub pending: u64,
}

/// The content of the quarantine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuarantineStat {
    /// The number of files.
    pub files: usize,
    /// The number of files that cannot be read.
    pub unreadable: usize,
    /// The number of records. After a partial success, this is more than were refused.
    pub records: u64,
    /// The size of these records.
    pub bytes: u64,
}

impl StreamStat {
    /// The number of records that are not settled.
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
    /// The error of the disk for the directory. The error of a single stream is in [`StreamStat::unreadable`].
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

    /// `None` if it was removed in the meantime.
    fn stat_of(&self, stream: StreamId) -> Option<StreamStat> {
        let paths = self.paths.stream(stream);
        let owner = self.owner(stream);
        let begun = Untouched.open(&paths.owner()).and_then(|file| SegmentHeader::read(&*file)).ok().flatten();
        let (mut segments, mut allocated_bytes) = (0, 0);
        for name in Untouched.list(paths.root()).ok()?.iter().filter(|name| segment_number(name).is_some()) {
            segments += 1;
            allocated_bytes += Untouched.identity(&paths.root().join(name)).map_or(0, |found| found.length);
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
        match read(&paths, stream) {
            Ok(Some(found)) => stat.take(&found, &paths),
            Ok(None) => (stat.first, stat.next) = (1, 1),
            Err(_) if Untouched.identity(paths.root()).is_err() => return None,
            Err(error) => stat.unreadable = Some(error.to_string()),
        }
        Some(stat)
    }
}

/// Reads the stream like an adopter. A segment that its owner removes in the meantime is settled; the next attempt finds
/// the rest.
fn read(paths: &StreamPaths, stream: StreamId) -> io::Result<Option<Recovered>> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match recover(&Untouched, paths, stream, paths.sinks(&Untouched).into_iter(), By::Onlooker) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < ATTEMPTS => {}
            result => return result,
        }
    }
}

impl StreamStat {
    fn take(&mut self, found: &Recovered, paths: &StreamPaths) {
        self.resource = found.resource.clone();
        self.next = found.sequence;
        let Start { at, expected } = found.start();
        self.settled = expected.saturating_sub(1);
        let sinks = paths.sinks(&Untouched).into_iter().zip(&found.starts);
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
            let file = Untouched.open(&paths.segment(segment.number)).ok()?;
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

/// An owner rarely settles faster than this reads, and not this many times in a row.
const ATTEMPTS: u32 = 5;
