//! From one segment to the next.

use super::calls::{CallNumber, RequestPlace};
use super::frame::{self, FrameHeader, Kind, Salt};
use super::fs::File;
use super::header::SegmentHeader;
use super::options::LEAST_SEGMENT_BYTES;
use super::state::{Active, Prepared, Segment, State};
use super::{JournalError, Shared, error};

impl Shared {
    /// Makes the next segment, if the bound allows it and it is not there yet. Without the lock: allocation takes its time.
    pub(super) fn prepare(&self) {
        let plan = {
            let mut state = self.state();
            if state.next.is_some() || state.closed || state.stop {
                return;
            }
            self.plan(&mut state, 0)
        };
        let made = plan.and_then(|plan| self.make(&plan));
        let mut state = self.state();
        self.keep(&mut state, made);
    }

    /// The same for the thread that cannot wait for another one.
    pub(super) fn prepare_under_lock(&self, state: &mut State, least: u64) {
        let made = self.plan(state, least).and_then(|plan| self.make(&plan));
        self.keep(state, made);
    }

    /// The smallest segment with that much room, whatever the bound says: for a stream that could not say anything
    /// otherwise.
    pub(super) fn prepare_beyond_bound(&self, state: &mut State, least: u64) {
        let length = least.max(LEAST_SEGMENT_BYTES).next_multiple_of(4096);
        let made = self.plan_of(state, length, u64::MAX).and_then(|plan| self.make(&plan));
        self.keep(state, made);
    }

    fn plan(&self, state: &mut State, least: u64) -> Result<Plan, String> {
        // What is open has to be carried over, and that must not fill it.
        let length = (self.segment_bytes + 2 * state.calls.bytes()).max(least).next_multiple_of(4096);
        self.plan_of(state, length, self.options.max_bytes)
    }

    fn plan_of(&self, state: &mut State, length: u64, max_bytes: u64) -> Result<Plan, String> {
        let all = state.allocated() + self.others_bytes();
        if all + length > max_bytes {
            return Err(format!("the segments take {all} bytes"));
        }
        let number = state.next_file;
        state.next_file += 1;
        Ok(Plan { number, length })
    }

    fn make(&self, plan: &Plan) -> Result<Prepared, String> {
        let path = self.place.segment(plan.number);
        let make = || {
            let file = self.options.fs.create_segment(&path, plan.length)?;
            file.prepare(0, PREPARED_AT_FIRST);
            let identity = file.identity()?;
            Ok(Prepared { number: plan.number, file, path: path.clone(), identity, length: plan.length })
        };
        make().map_err(|cause: std::io::Error| format!("{}: {cause}", path.display()))
    }

    fn keep(&self, state: &mut State, made: Result<Prepared, String>) {
        match made {
            // Somebody who could not wait has made a later one meanwhile.
            Ok(made) if state.next.is_some() || made.number < state.active.number => self.discard(&made),
            Ok(made) => {
                state.directory_dirty = true;
                state.full_because = None;
                state.next = Some(made);
                self.room.notify_waiters();
            }
            Err(because) => state.full_because = Some(because),
        }
        self.note_fullness(state);
    }

    /// It has no header, so nobody would take it for a segment.
    pub(super) fn discard(&self, prepared: &Prepared) {
        drop(self.options.fs.remove(&prepared.path));
    }

    /// Goes on in the next segment, if there is one that a frame of that size fits into.
    pub(super) fn roll(&self, state: &mut State, size: u64) -> Result<(), JournalError> {
        let needed = self.header_length() + state.calls.bytes() + size;
        let Some(next) = state.next.take_if(|next| needed <= next.length) else { return Ok(()) };
        let open: Vec<Carried> = state
            .calls
            .iter()
            .map(|(call, place)| Carried { call, payload: payload_at(&*state.active.file, place.offset, place.size) })
            .collect();
        let begun = self.begin(next, state.sequence, open);
        let active = match begun {
            Ok((active, places)) => {
                places.into_iter().for_each(|(call, place)| state.calls.moved(call, place));
                active
            }
            Err((next, error)) => {
                self.discard(&next);
                return Err(error);
            }
        };
        let left = std::mem::replace(&mut state.active, active);
        state.dirty.push(left.file);
        state.segments.push_back(self.segment(state, state.sequence));
        state.commit_wanted = true;
        self.commit_wanted.notify_one();
        Ok(())
    }

    /// Writes the carried frames and then, which makes it a segment, the header.
    #[expect(clippy::type_complexity, reason = "a result that is taken apart at once")]
    pub(super) fn begin(
        &self,
        next: Prepared,
        sequence: u64,
        open: Vec<Carried>,
    ) -> Result<(Active, Vec<(CallNumber, RequestPlace)>), (Prepared, JournalError)> {
        let salt = Salt::new(self.stream, next.number);
        let carried = open.iter().filter(|carried| carried.payload.is_some()).count();
        let header = SegmentHeader {
            stream: self.stream,
            segment: next.number,
            next_sequence: sequence,
            begun_unix_nano: self.options.clock.unix_nano(),
            carried: u32::try_from(carried).unwrap_or(u32::MAX),
            process: std::process::id(),
            resource: self.options.resource.clone(),
            scope: self.options.scope.clone(),
        };
        let mut offset = header.length() as u64;
        let mut places = Vec::with_capacity(carried);
        let write = || {
            for Carried { call, payload } in open {
                let Some(payload) = payload else { continue };
                let header = FrameHeader::new(Kind::Carried, 0, call.0, &payload);
                let frame = frame::encode(header, &payload, salt);
                next.file.publish(offset, &frame)?;
                let size = frame.len() as u64;
                places.push((call, RequestPlace { offset, size }));
                offset += size;
            }
            next.file.write_at(0, &header.encode())
        };
        if let Err(cause) = write() {
            let error = JournalError::io("begin", &next.path, error::FIX)(cause);
            return Err((next, error));
        }
        let Prepared { number, file, path, identity, length } = next;
        Ok((Active { number, file, path, identity, salt, offset, length, prepared: PREPARED_AT_FIRST }, places))
    }

    /// What a reader needs to know of the active segment.
    pub(super) fn segment(&self, state: &State, first: u64) -> Segment {
        Segment {
            number: state.active.number,
            first,
            begin: self.header_length(),
            end: state.active.offset,
            length: state.active.length,
        }
    }
}

struct Plan {
    number: u64,
    length: u64,
}

/// An open call on its way into the next segment; without payload if its request cannot be read any more.
pub(super) struct Carried {
    pub(super) call: CallNumber,
    pub(super) payload: Option<Vec<u8>>,
}

/// The payload of the frame at an offset of a segment that this process writes.
pub(super) fn payload_at(file: &dyn File, offset: u64, size: u64) -> Option<Vec<u8>> {
    let mut frame = vec![0; usize::try_from(size).ok()?];
    let whole = file.read_at(offset, &mut frame).ok()? == frame.len();
    frame::walk(&frame).next().filter(|_| whole).map(|(_, payload)| payload.to_vec())
}

/// Pages that are ready when a segment is begun.
const PREPARED_AT_FIRST: u64 = 256 * 1024;
