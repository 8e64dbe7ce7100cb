//! From one segment to the next.

#[cfg(test)]
mod tests;

use std::io;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::calls::{CallNumber, RequestPlace};
use super::error::JournalError;
use super::frame::{self, Found, FrameHeader, HEADER, Kind, Salt};
use super::fs::File;
use super::header::SegmentHeader;
use super::options::LEAST_SEGMENT_BYTES;
use super::planted::planted;
use super::state::{Active, Prepared, Segment, State, Unmade, Unsynced};
use super::{Shared, error};

impl Shared {
    /// Makes the next segment, if it is time, the bound allows it, and it is not there yet. Without the lock: allocation takes
    /// its time.
    pub(super) fn prepare(&self) {
        let plan = {
            let mut state = self.state();
            if !state.wants_next() || state.closed || state.stop {
                return;
            }
            self.plan(&mut state, 0)
        };
        let made = plan.and_then(|plan| self.make(&plan));
        if let Ok(made) = &made {
            // Nobody waits here: all of it, so that no record has to wait for a page.
            made.file.prepare(0, made.length);
        }
        let surplus = self.keep(&mut self.state(), made);
        surplus.iter().for_each(|surplus| self.discard(surplus));
    }

    /// Prepares a segment with that much room, in place of one that is too small, which stays if no other can be made.
    pub(super) fn make_next(&self, least: u64) {
        let plan = {
            let mut state = self.state();
            if state.next.is_some() {
                // More is promised by the moment: not another one for each call.
                let wanted = state.wanted_bytes.max(self.options.least_segment_bytes());
                state.wanted_bytes = wanted.saturating_mul(STEP).min(self.segment_bytes);
            }
            self.plan(&mut state, least)
        };
        self.replace_next(plan.and_then(|plan| self.make(&plan)), least);
    }

    /// The smallest segment with that much room, whatever the bound says: for a stream that could not say anything
    /// otherwise.
    pub(super) fn make_beyond_bound(&self, least: u64) {
        let least = least.max(LEAST_SEGMENT_BYTES).next_multiple_of(PAGE);
        let plan = self.plan_of(&mut self.state(), least, least, u64::MAX);
        self.replace_next(plan.and_then(|plan| self.make(&plan)), least);
    }

    fn replace_next(&self, made: Result<Prepared, Unmade>, least: u64) {
        let mut state = self.state();
        // Another thread may have made one meanwhile.
        let small = if made.is_ok() { state.next.take_if(|next| next.length < least) } else { None };
        let surplus = self.keep(&mut state, made);
        drop(state);
        small.iter().chain(&surplus).for_each(|gone| self.discard(gone));
    }

    fn plan(&self, state: &mut State, least: u64) -> Result<Plan, Unmade> {
        // What is open has to be carried over, and that must not fill it; nor what was promised.
        let promised = 2 * state.calls.bytes() + state.reserved;
        let with = |bytes: u64| (bytes.max(3 * self.header_length()) + promised).max(least).next_multiple_of(PAGE);
        let smallest = self.options.least_segment_bytes();
        self.plan_of(state, with(state.wanted_bytes.max(smallest)), with(smallest), self.options.max_bytes)
    }

    /// The largest that the bound has room for.
    fn plan_of(&self, state: &mut State, length: u64, least: u64, max_bytes: u64) -> Result<Plan, Unmade> {
        let waiting = self.waiting(state);
        let fits = |length: &u64| waiting.saturating_add(*length) <= max_bytes;
        let Some(length) = lengths(length, least).find(fits) else {
            return Err(Unmade { text: format!("{waiting} bytes wait in the segments"), cause: None });
        };
        let number = state.next_file;
        state.next_file += 1;
        Ok(Plan { number, length, least, ready: state.ahead.max(PREPARED_AT_FIRST) })
    }

    /// The largest that the disk has room for.
    fn make(&self, plan: &Plan) -> Result<Prepared, Unmade> {
        let path = self.place.segment(plan.number);
        let make = |length| {
            let file = self.options.fs.create_segment(&path, length)?;
            file.prepare(0, plan.ready);
            let identity = file.identity()?;
            Ok(Prepared { number: plan.number, file, path: path.clone(), identity, length })
        };
        let mut made = Err(io::ErrorKind::StorageFull.into());
        for length in lengths(plan.length, plan.least) {
            made = make(length);
            if !made.as_ref().is_err_and(|error: &io::Error| is_full(error)) {
                break;
            }
        }
        made.map_err(|cause| Unmade { text: format!("{}: {cause}", path.display()), cause: Some(cause.kind()) })
    }

    /// Gives back what is not needed.
    fn keep(&self, state: &mut State, made: Result<Prepared, Unmade>) -> Option<Prepared> {
        let mut surplus = None;
        match made {
            // Somebody who could not wait has made a later one meanwhile, and may be beginning it: segments are read in the order
            // of their numbers.
            Ok(made) if state.next.is_some() || made.number < state.begun_file => surplus = Some(made),
            Ok(made) => {
                state.directory_dirty = true;
                state.full_because = None;
                // Where room is small, the next attempt begins with what was there.
                state.wanted_bytes = state.wanted_bytes.min(made.length);
                state.next = Some(made);
                self.room.notify_waiters();
            }
            Err(because) => state.full_because = Some(because),
        }
        state.next_asked = false;
        self.note_fullness(state);
        surplus
    }

    /// It has no header, so nobody would take it for a segment.
    pub(super) fn discard(&self, prepared: &Prepared) {
        drop(self.options.fs.remove(&prepared.path));
    }

    /// Goes on in the next segment, if there is one that a frame of that size fits into. With the turn, which ends if it fails.
    pub(super) fn roll<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        size: u64,
    ) -> Result<MutexGuard<'s, State>, JournalError> {
        let needed = self.header_length() + state.calls.bytes() + size;
        let Some(next) = state.take_next(|next| needed <= next.length) else { return Ok(state) };
        let (open, sequence) = (state.open_requests(), state.sequence);
        drop(state);
        let open = open.read(|_| !planted("carry-nothing"));
        let begun = self.begin(next, sequence, &open, |_| Ok(()));
        let mut state = self.state();
        let (active, places) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                self.end_turn(&mut state);
                return Err(error);
            }
        };
        places.into_iter().for_each(|(call, place)| state.calls.moved(call, place));
        let left = std::mem::replace(&mut state.active, active);
        self.fit_to_load(&mut state);
        let left = Unsynced::of(&left, state.synced);
        state.dirty.push(left);
        state.pending_bytes += state.active.offset - self.header_length();
        let segment = self.segment(&state, sequence);
        state.segments.push_back(segment);
        state.commit_wanted = true;
        self.commit_wanted.notify_one();
        Ok(state)
    }

    /// Larger segments for who fills one in seconds, smaller ones for who takes minutes.
    fn fit_to_load(&self, state: &mut State) {
        let took = state.begun.elapsed();
        let (least, most) = (self.options.least_segment_bytes(), self.segment_bytes);
        let wanted = state.wanted_bytes.clamp(least, most);
        state.wanted_bytes = match took {
            _ if took < QUICK => wanted.saturating_mul(STEP).min(most),
            _ if took > SLOW => (wanted / STEP).max(least),
            _ => wanted,
        };
        state.begun = Instant::now();
    }

    /// An idle process keeps no more than the segment that it is in.
    pub(super) fn rest(&self) {
        let idle = {
            let mut state = self.state();
            if state.frames != state.busy.1 {
                state.busy = (Instant::now(), state.frames);
            }
            let is_idle = state.busy.0.elapsed() > IDLE && state.full_because.is_none() && state.reserved == 0;
            state.rests = is_idle;
            if is_idle {
                state.wanted_bytes = 0;
            }
            state.next.take_if(|_| is_idle)
        };
        idle.iter().for_each(|next| self.discard(next));
    }

    /// Writes the carried frames, what else there is to write, and then the header: only that makes it a segment that
    /// takes the place of earlier ones, so a process that is killed meanwhile has lost nothing.
    pub(super) fn begin(
        &self,
        next: Prepared,
        sequence: u64,
        open: &[Carried],
        write_more: impl FnOnce(&mut Frames) -> io::Result<()>,
    ) -> Result<(Active, Vec<(CallNumber, RequestPlace)>), JournalError> {
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
        let mut frames = Frames { file: &*next.file, salt, offset: header.length() as u64, places: Vec::new() };
        let write = |frames: &mut Frames| {
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
        let Frames { offset, places, .. } = frames;
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

    /// What a reader needs to know of the active segment.
    pub(super) fn segment(&self, state: &State, first: u64) -> Segment {
        Segment {
            number: state.active.number,
            first,
            begin: self.header_length(),
            end: state.active.offset,
            length: state.active.length,
            remade: 0,
        }
    }
}

struct Plan {
    number: u64,
    length: u64,
    /// What it may be shortened to.
    least: u64,
    /// Bytes of pages that are made ready.
    ready: u64,
}

/// An open call on its way into the next segment.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) call: CallNumber,
    /// Empty if it cannot be read here. The header counts it all the same, so that an adopter looks for it in earlier segments.
    pub(super) payload: Vec<u8>,
}

/// Frames on their way into a new segment.
pub(super) struct Frames<'a> {
    file: &'a dyn File,
    salt: Salt,
    offset: u64,
    /// Where the requests of open calls stand.
    places: Vec<(CallNumber, RequestPlace)>,
}

impl Frames<'_> {
    pub(super) fn write(&mut self, header: FrameHeader, payload: &[u8]) -> io::Result<()> {
        let frame = frame::encode(header, payload, self.salt);
        self.file.publish(self.offset, &frame)?;
        let size = frame.len() as u64;
        if header.kind.opens() {
            self.places.push((CallNumber(header.call), RequestPlace { offset: self.offset, size }));
        }
        self.offset += size;
        Ok(())
    }
}

/// The requests of open calls, as they stand in the active segment.
pub(super) struct OpenRequests {
    active: Active,
    calls: Vec<(CallNumber, RequestPlace)>,
}

impl State {
    /// The segment that is ready, to be begun, if it fits.
    pub(super) fn take_next(&mut self, fits: impl FnOnce(&Prepared) -> bool) -> Option<Prepared> {
        let next = self.next.take_if(|next| fits(next))?;
        self.begun_file = self.begun_file.max(next.number);
        Some(next)
    }

    pub(super) fn open_requests(&self) -> OpenRequests {
        OpenRequests { active: self.active.clone(), calls: self.calls.iter().collect() }
    }
}

impl OpenRequests {
    /// Reads those that are wanted. One that cannot be read there may have been dropped by a sync that failed: then it is durable
    /// in a segment before, or a commit has a copy of it.
    pub(super) fn read(self, wanted: impl Fn(CallNumber) -> bool) -> Vec<Carried> {
        let calls = self.calls.into_iter().filter(|(call, _)| wanted(*call));
        let read = |(call, place)| Carried { call, payload: payload_at(&self.active, call, place).unwrap_or_default() };
        calls.map(read).collect()
    }
}

/// The payload of the request frame of a call in the segment that this process writes.
fn payload_at(active: &Active, call: CallNumber, place: RequestPlace) -> Option<Vec<u8>> {
    let mut frame = vec![0; usize::try_from(place.size).ok()?];
    // A second attempt, as the call would be forgotten.
    let mut read = || active.file.read_at(place.offset, &mut frame);
    let whole = read().or_else(|_| read()).ok()? as u64 == place.size;
    let Found::Frame(header) = FrameHeader::read(active.salt, &frame) else { return None };
    let payload = frame.get(HEADER..HEADER + header.length)?;
    let sound = whole && header.call == call.0 && header.kind.opens() && crc32fast::hash(payload) == header.payload_crc;
    sound.then(|| payload.to_vec())
}

/// From one length down to another, in steps.
fn lengths(longest: u64, least: u64) -> impl Iterator<Item = u64> {
    let next = move |length: &u64| (*length > least).then(|| (length / STEP).next_multiple_of(PAGE).max(least));
    std::iter::successors(Some(longest.max(least)), next)
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// From one size of segments to the next.
const STEP: u64 = 4;
/// A segment that is filled in less is too small; one that lasts longer is too large.
const QUICK: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_secs(600);
/// Without a record for that long, a process needs no second segment.
const IDLE: Duration = Duration::from_secs(10);
pub(super) const PAGE: u64 = 4096;
/// Pages that are ready when a segment is begun.
const PREPARED_AT_FIRST: u64 = 256 * 1024;
