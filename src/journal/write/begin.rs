//! Starts a segment: carried frames, other frames, and at last the header.

use std::io;

use super::prepare::PREPARED_AT_FIRST;
use crate::journal::disk::File;
use crate::journal::error::{self, JournalError};
use crate::journal::format::{FrameHeader, Kind, Salt, SegmentHeader, frame};
use crate::journal::numbers::CallNumber;
use crate::journal::state::{Active, Carried, Extent, Prepared, Segment, Shared, State, Synced};

impl Shared {
    /// Starts the first segment of the stream that this process writes.
    pub(in crate::journal) fn start_in(
        &self,
        prepared: Prepared,
        sequence: u64,
        open: Vec<Carried>,
    ) -> Result<(), JournalError> {
        let (active, places) = self.begin(prepared, sequence, &open, |_| Ok(()))?;
        let mut state = self.state();
        for (call, place) in places {
            state.calls.restore(call, place);
        }
        if state.segments.unsettled.is_empty() {
            let offset = self.header_length();
            state.commits.synced = Synced { frames: 0, segment: active.number, offset, sequence, header: false };
        }
        // The header and the carried frames are not synced.
        state.appended.frames = 1;
        state.appended.sequence = sequence;
        state.segments.active = active;
        let segment = self.segment(&state, sequence);
        state.segments.unsettled.push_back(segment);
        state.recount_pending();
        self.note_fullness(&state);
        Ok(())
    }

    /// Writes the carried frames, then other frames, then the header. Only a header makes the file a segment that
    /// supersedes earlier ones, so nothing is lost if the process is killed in between.
    pub(in crate::journal) fn begin(
        &self,
        next: Prepared,
        sequence: u64,
        open: &[Carried],
        write_more: impl FnOnce(&mut FrameWriter) -> io::Result<()>,
    ) -> Result<(Active, Vec<(CallNumber, Extent)>), JournalError> {
        let salt = Salt::new(self.stream, next.number);
        let header = SegmentHeader {
            stream: self.stream,
            segment: next.number,
            next_sequence: sequence,
            begun_unix_nano: self.options.clock.unix_nano(),
            carried: u32::try_from(open.len()).unwrap_or(u32::MAX),
            process: std::process::id(),
            resource: self.options.resource.clone(),
            scope: self.options.scope.clone(),
        };
        let mut frames = FrameWriter { file: &*next.file, salt, offset: header.length() as u64, places: Vec::new() };
        let write = |frames: &mut FrameWriter| {
            for Carried { call, payload } in open.iter().filter(|carried| !carried.payload.is_empty()) {
                frames.write(FrameHeader::new(Kind::Carried, 0, call.0, payload), payload)?;
            }
            write_more(frames)?;
            next.file.write_at(0, &header.encode())
        };
        if let Err(cause) = write(&mut frames) {
            self.discard(&next);
            return Err(JournalError::io("begin", &next.path, error::FIX)(cause));
        }
        let FrameWriter { offset, places, .. } = frames;
        let Prepared { number, file, path, identity, length } = next;
        Ok((
            Active {
                number,
                file,
                at_hand: None,
                path,
                identity,
                salt,
                offset,
                length,
                prepared: PREPARED_AT_FIRST,
                seen: 0,
            },
            places,
        ))
    }

    /// Describes the active segment to readers.
    pub(in crate::journal) fn segment(&self, state: &State, first: u64) -> Segment {
        Segment {
            number: state.segments.active.number,
            first,
            begin: self.header_length(),
            end: state.segments.active.offset,
            length: state.segments.active.length,
            remade: 0,
        }
    }
}

/// Writes frames to a new segment.
pub(in crate::journal) struct FrameWriter<'a> {
    file: &'a dyn File,
    salt: Salt,
    offset: u64,
    /// Where the requests of open calls are.
    places: Vec<(CallNumber, Extent)>,
}

impl FrameWriter<'_> {
    pub(in crate::journal) fn write(&mut self, header: FrameHeader, payload: &[u8]) -> io::Result<()> {
        let frame = frame::encode(header, payload, self.salt);
        self.file.publish(self.offset, &frame)?;
        let size = frame.len() as u64;
        if header.kind.opens() {
            self.places.push((CallNumber(header.call), Extent { offset: self.offset, size }));
        }
        self.offset += size;
        Ok(())
    }
}
