//! Reads the records of a stream as they are written.

use std::io;

use bytes::Bytes;

use super::inspection::Inspection;
use super::untouched::Untouched;
use crate::journal::disk::Fs as _;
use crate::journal::entry::Entry;
use crate::journal::error::{self, JournalError};
use crate::journal::format::{Item, Salt, Scan, SegmentHeader, StreamPaths, is_zero, segment_number};
use crate::journal::numbers::Sequence;
use crate::record::StreamId;

/// Reads the records of a stream in order, also while its process writes. It takes no lock and settles nothing, so it does not see
/// records whose segment is removed before it is read, and it may see records that are not synced yet.
#[derive(Debug)]
pub struct StreamFollower {
    stream: StreamId,
    paths: StreamPaths,
    /// The segment that is read, and how far it was read.
    segment: u64,
    offset: u64,
    /// The number of the last record that was read.
    last: Sequence,
}

/// A record as it is in the journal, with what belongs to its stream.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FollowedRecord {
    /// The encoded Resource.
    pub resource: Bytes,
    /// The encoded InstrumentationScope.
    pub scope: Bytes,
    /// The record and its number.
    pub entry: Entry,
}

impl Inspection {
    /// Reads a stream from its first record that is there.
    #[must_use]
    pub fn follow(&self, stream: StreamId) -> StreamFollower {
        StreamFollower { stream, paths: self.paths.stream(stream), segment: 0, offset: 0, last: 0 }
    }
}

impl StreamFollower {
    /// The stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// Reads what has come since. What is damaged is left out; see [`Inspection::check`]. Nothing comes of a stream that was
    /// removed.
    ///
    /// # Errors
    /// The error of the disk.
    pub fn read(&mut self, mut each: impl FnMut(FollowedRecord)) -> Result<(), JournalError> {
        let names = match Untouched.list(self.paths.root()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            listed => listed.map_err(JournalError::io("list", self.paths.root(), error::FIX))?,
        };
        let mut segments: Vec<_> = names.iter().filter_map(|name| segment_number(name)).collect();
        segments.retain(|number| *number >= self.segment);
        segments.sort_unstable();
        for number in segments {
            match self.read_segment(number, &mut each) {
                // It was settled and removed since the directory was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                read => read.map_err(JournalError::io("read", &self.paths.segment(number), error::FIX))?,
            }
        }
        Ok(())
    }

    fn read_segment(&mut self, number: u64, each: &mut impl FnMut(FollowedRecord)) -> io::Result<()> {
        let file = Untouched.open(&self.paths.segment(number))?;
        // One that is prepared has no header yet.
        let header = SegmentHeader::read(&*file)?.filter(|own| (own.stream, own.segment) == (self.stream, number));
        let Some(header) = header else { return Ok(()) };
        if number != self.segment {
            (self.segment, self.offset) = (number, 0);
        }
        let (begin, end) = (header.length() as u64, file.identity()?.length);
        let mut scan = Scan::new(file, Salt::new(self.stream, number), self.offset.max(begin));
        // The first bytes of a frame are written last.
        while !is_zero(&scan.raw(scan.offset(), (scan.offset() + 4).min(end))?) {
            match scan.next(end)? {
                Item::Frame { header: frame, payload, .. } => {
                    self.offset = scan.offset();
                    if frame.kind.is_record() && frame.sequence > self.last {
                        self.last = frame.sequence;
                        let entry = Entry { sequence: frame.sequence, record: payload };
                        let (resource, scope) = (header.resource.clone(), header.scope.clone());
                        each(FollowedRecord { resource, scope, entry });
                    }
                }
                Item::BadPayload { .. } | Item::Damage { .. } => {}
                Item::End => break,
            }
        }
        Ok(())
    }
}
