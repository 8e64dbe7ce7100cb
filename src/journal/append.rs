//! Appending: one copy into the active segment, under the lock.

use super::calls::{CallNumber, RequestPlace};
use super::frame::{self, FrameHeader, HEADER, Kind};
use super::state::{State, Unmade};
use super::{Journal, JournalError, Shared, error};

/// What is appended.
#[derive(Debug, Clone, Copy)]
pub struct Append {
    /// The kind of the frame.
    pub kind: Kind,
    /// The call that a response closes.
    pub call: Option<CallNumber>,
    /// Which room it may use.
    pub room: Room,
}

/// Which room a record may use, where the room is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// What nobody else was promised.
    Free,
    /// What was promised to it when its call was admitted, in bytes; and what is free.
    Admitted(u64),
    /// All there is: records that tell of trouble.
    All,
}

/// The journal took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The sequence number of the record; 0 for an intent.
    pub sequence: u64,
    /// Frames so far, this one included: what a commit has to reach.
    pub frames: u64,
    /// The call that a request or an intent has opened.
    pub call: Option<CallNumber>,
}

impl Append {
    /// A record that stands alone.
    pub const MOMENT: Self = Self { kind: Kind::Moment, call: None, room: Room::Free };
    /// A request record.
    pub const REQUEST: Self = Self { kind: Kind::Request, call: None, room: Room::Free };
    /// An alarm or a gap record.
    pub const ALARM: Self = Self { kind: Kind::Moment, call: None, room: Room::All };

    /// A response record.
    #[must_use]
    pub const fn response(call: Option<CallNumber>) -> Self {
        Self { kind: Kind::Response, call, room: Room::Free }
    }

    /// With that room.
    #[must_use]
    pub const fn with_room(self, room: Room) -> Self {
        Self { room, ..self }
    }
}

impl Journal {
    /// Takes one record. The buffer holds [`HEADER`] bytes of anything and then the encoded record; its content is not
    /// needed afterwards, and it can be appended again if it was not taken. Never waits for the disk, but for the making of
    /// a segment that nobody could prepare in time.
    ///
    /// When this returns, the record survives the death of the process; [`synced`](Journal::synced) says when it survives a
    /// power loss.
    ///
    /// # Errors
    /// [`JournalError`]: the record is not taken.
    pub fn append(&self, what: Append, frame: &mut Vec<u8>) -> Result<Receipt, JournalError> {
        let shared = &*self.0;
        let length = frame.len().saturating_sub(HEADER);
        let longest = shared.longest_record;
        if length == 0 || length > longest {
            return Err(JournalError::TooLong { length, max: longest });
        }
        let payload_crc = crc32fast::hash(frame.get(HEADER..).unwrap_or_default());
        frame.resize(frame::size(length), 0);
        let taken = shared.append(what, (length, payload_crc), frame);
        if taken.is_err() {
            frame.truncate(HEADER + length);
        }
        taken
    }

    /// Forgets an open call whose response was not taken, so that its request is not carried from segment to segment.
    pub fn forget(&self, call: CallNumber) {
        if self.is_inherited() {
            return;
        }
        self.0.state().calls.close(call);
    }

    /// Keeps bytes for the response record of a call that is about to begin.
    ///
    /// # Errors
    /// [`JournalError::Full`].
    pub fn admit(&self, bytes: u64) -> Result<Admission, JournalError> {
        if self.is_inherited() {
            return Err(JournalError::Forked);
        }
        let size = frame::size(usize::try_from(bytes).unwrap_or(frame::LONGEST).min(frame::LONGEST)) as u64;
        let mut state = self.0.state();
        self.0.make_room(&mut state, size, Room::Free)?;
        state.reserved += size;
        drop(state);
        Ok(Admission { journal: self.clone(), size })
    }
}

impl Shared {
    fn append(
        &self,
        what: Append,
        (length, payload_crc): (usize, u32),
        frame: &mut [u8],
    ) -> Result<Receipt, JournalError> {
        // Before the lock, which another thread of the parent may have held when it forked.
        if self.birth.is_over() {
            return Err(JournalError::Forked);
        }
        let mut state = self.state();
        if state.closed {
            drop(state);
            self.begin_answers()?;
            state = self.state();
        }
        self.make_room(&mut state, frame.len() as u64, what.room)?;
        let state = &mut *state;
        let call = if what.kind.opens() { Some(state.calls.next()) } else { what.call };
        let sequence = if what.kind.is_record() { state.sequence } else { 0 };
        let header =
            FrameHeader { kind: what.kind, sequence, call: call.map_or(0, |call| call.0), length, payload_crc };
        header.write(state.active.salt, frame);
        state.active.file.publish(state.active.offset, frame).map_err(JournalError::io(
            "write to",
            &state.active.path,
            error::FIX,
        ))?;

        let size = frame.len() as u64;
        let place = RequestPlace { offset: state.active.offset, size };
        let call = match (what.kind.opens(), call) {
            (true, _) => Some(state.calls.open(place)),
            (false, Some(call)) => {
                state.calls.close(call);
                None
            }
            (false, None) => None,
        };
        state.active.offset += size;
        if let Some(segment) = state.segments.back_mut() {
            segment.end = state.active.offset;
        }
        state.sequence += u64::from(what.kind.is_record());
        state.frames += 1;
        state.pending_bytes += size;
        state.unsynced_bytes += size;
        self.note_appended(size);
        state.ended = what.kind == Kind::Last;
        state.closed = state.ended;
        // Waking a thread costs microseconds: only the first record after a pause does it.
        let many = state.unsynced_bytes > MANY_UNSYNCED && !state.commit_wanted;
        state.rests = false;
        let next = state.wants_next() && !state.next_asked;
        if state.committer_sleeps || many || next {
            state.committer_sleeps = false;
            state.commit_wanted |= many || next;
            state.next_asked |= next;
            self.commit_wanted.notify_one();
        }
        Ok(Receipt { sequence, frames: state.frames, call: call.filter(|_| what.kind.opens()) })
    }
}

/// Room that is kept for a response record, until this is dropped.
#[derive(Debug)]
pub struct Admission {
    journal: Journal,
    size: u64,
}

impl Admission {
    /// The room that the response may use.
    #[must_use]
    pub fn room(&self) -> Room {
        Room::Admitted(self.size)
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.journal.is_inherited() {
            return;
        }
        let mut state = self.journal.0.state();
        state.reserved = state.reserved.saturating_sub(self.size);
    }
}

impl Shared {
    /// Sees to it that a frame of that size fits into the active segment.
    fn make_room(&self, state: &mut State, size: u64, room: Room) -> Result<(), JournalError> {
        // What was admitted is taken: its room was kept, and a commit has no more of it in memory than was promised.
        if state.unsynced_bytes > TOO_MANY_UNSYNCED && room == Room::Free {
            return Err(self.full(state, ": the disk does not sync what was written"));
        }
        // Requests of open calls are carried into the next segment, and admitted responses may have to go there.
        let carried = self.header_length() + state.calls.bytes() + size;
        let least = if room == Room::Free { carried + state.reserved + ALARM_RESERVE } else { carried };
        let too_small = |state: &State| state.next.as_ref().is_some_and(|next| next.length < least);
        let free = room == Room::Free;
        if fits(state, size, room) && !(free && too_small(state)) {
            return Ok(());
        }
        // The thread that prepares segments was not fast enough, or has failed and will try again.
        let may_try = state.full_because.is_none() || !self.options.background;
        if too_small(state) || (state.next.is_none() && may_try) {
            self.replace_next(state, least);
        }
        if free && too_small(state) {
            return Err(self.full(state, ""));
        }
        if fits(state, size, room) {
            return Ok(());
        }
        self.roll(state, size)?;
        if room == Room::All && !fits(state, size, room) {
            // Whatever waits: what is lost must be told before anything can be freed.
            let because = state.full_because.clone();
            self.prepare_beyond_bound(state, carried);
            state.full_because = because;
            self.roll(state, size)?;
        }
        if fits(state, size, room) { Ok(()) } else { Err(self.full(state, "")) }
    }

    pub(super) fn full(&self, state: &State, because: &str) -> JournalError {
        let (pending, max) = (self.waiting(state), self.options.max_bytes);
        match &state.full_because {
            Some(Unmade { text, cause: Some(cause) }) => {
                let fix = error::fix_of(*cause).unwrap_or(error::FIX);
                JournalError::NoSegment { cause: text.clone(), pending, fix }
            }
            Some(Unmade { text, cause: None }) => JournalError::Full { pending, max, because: format!(" ({text})") },
            None => JournalError::Full { pending, max, because: because.to_owned() },
        }
    }
}

/// Whether the room for it is in the active segment. While no other segment is ready, that is all there is, and a part
/// of it is kept for alarms, another for the responses of admitted calls.
fn fits(state: &State, size: u64, room: Room) -> bool {
    let kept = match room {
        _ if state.next.is_some() => 0,
        Room::All => 0,
        Room::Free => ALARM_RESERVE + state.reserved,
        Room::Admitted(own) => ALARM_RESERVE + state.reserved.saturating_sub(own),
    };
    state.active.offset + size + kept <= state.active.length
}

/// Some alarm and gap records of the usual size.
pub(super) const ALARM_RESERVE: u64 = 8 * 1024;
/// The committer is woken before its time.
const MANY_UNSYNCED: u64 = 1 << 20;
/// A commit has them all in memory, for a sync that may fail; a disk that is slower than this many per commit is a full disk.
const TOO_MANY_UNSYNCED: u64 = 24 << 20;
