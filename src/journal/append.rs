//! Appending: one copy into the active segment, with the turn.
use std::time::Duration;

use super::calls::{CallNumber, RequestPlace};
use super::error::JournalError;
use super::frame::{self, FrameHeader, HEADER, Kind};
use super::state::{State, Unmade};
use super::turn::Stands;
use super::writer::Work;
use super::{Journal, Shared, error};
use crate::sync::{Mutex, MutexGuard};

/// What is appended.
#[derive(Debug, Clone, Copy)]
pub struct Append {
    /// The kind of the frame.
    pub kind: Kind,
    /// The call that a response closes.
    pub call: Option<CallNumber>,
    /// Which room it may use.
    pub room: Room,
    /// How long it waits for a disk that stands still, counted from when that was first seen.
    pub patience: Duration,
    /// Another thread stores it, so that this one waits no longer than that even if the store itself waits in the kernel.
    pub handed: bool,
}

/// Of the record in a frame: its bytes and their checksum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    pub(super) length: usize,
    pub(super) payload_crc: u32,
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
    pub const MOMENT: Self =
        Self { kind: Kind::Moment, call: None, room: Room::Free, patience: Duration::MAX, handed: false };
    /// A request record.
    pub const REQUEST: Self = Self { kind: Kind::Request, ..Self::MOMENT };
    /// An alarm or a gap record.
    pub const ALARM: Self = Self { room: Room::All, ..Self::MOMENT };

    /// A response record.
    #[must_use]
    pub const fn response(call: Option<CallNumber>) -> Self {
        Self { kind: Kind::Response, call, ..Self::MOMENT }
    }

    /// With that patience.
    #[must_use]
    pub const fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// With that room.
    #[must_use]
    pub const fn with_room(self, room: Room) -> Self {
        Self { room, ..self }
    }
}

impl Journal {
    /// Takes one record. The buffer holds [`HEADER`] bytes of anything and then the encoded record; its content is not
    /// needed afterwards, and it can be appended again if it was not taken.
    ///
    /// Waits no longer than [`Append::patience`] where the disk stands still, except for one thing: a store to a page of the
    /// active segment, which nobody can take back once the kernel lets it wait. [`Append::handed`] has another thread do that.
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
        let taken = shared.append(what, Lengths { length, payload_crc }, frame);
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
        self.admit_within(bytes, Duration::MAX)
    }

    /// As [`admit`](Self::admit), but waits no longer than that where room has to be made on a disk that stands still.
    ///
    /// # Errors
    /// [`JournalError::Full`], [`JournalError::Stands`].
    pub fn admit_within(&self, bytes: u64, patience: Duration) -> Result<Admission, JournalError> {
        if self.is_inherited() {
            return Err(JournalError::Forked);
        }
        let size = frame::size(usize::try_from(bytes).unwrap_or(frame::LONGEST).min(frame::LONGEST)) as u64;
        let admission = Admission { journal: self.clone(), size };
        let mut state = self.0.state();
        if self.0.has_room(&state, size, Room::Free)? {
            state.reserved += size;
            return Ok(admission);
        }
        drop(state);
        match self.0.by_writer(Work::Admit(size), patience) {
            Ok(_) => Ok(admission),
            Err(error) => {
                // Nothing is kept for it.
                std::mem::forget(admission);
                Err(error)
            }
        }
    }
}

impl Shared {
    fn append(&self, what: Append, lengths: Lengths, frame: &mut [u8]) -> Result<Receipt, JournalError> {
        // Before the lock, which another thread of the parent may have held when it forked.
        if self.birth.is_over() {
            return Err(JournalError::Forked);
        }
        let mut state = self.take_turn(what.patience).map_err(|Stands| self.stands_still())?;
        if state.closed {
            // With the turn: nobody else begins a segment.
            drop(state);
            let begun = self.begin_answers();
            state = self.state();
            if let Err(error) = begun {
                self.end_turn(&mut state);
                return Err(error);
            }
        }
        let has_room = self.has_room(&state, frame.len() as u64, what.room);
        // Whoever writes first after a pause would be the one that a file system catches which was frozen meanwhile.
        // Waking another thread costs more than the record, so a short pause does not count.
        let is_handed = what.handed || (state.committer_sleeps && state.busy.0.elapsed() > PAUSE);
        let taken = match has_room {
            Ok(true) if !is_handed || !state.has_writer => self.store(state, what, lengths, frame, None),
            Ok(_) => {
                self.end_turn(&mut state);
                drop(state);
                self.by_writer(Work::Append(what, lengths, Mutex::new(frame.to_owned())), what.patience)
            }
            Err(error) => {
                self.end_turn(&mut state);
                Err(error)
            }
        };
        taken?.ok_or_else(|| self.stands_still())
    }

    /// Stores a frame for which there is room, and ends the turn. `None` if it shall not be any more, when all but its first
    /// word is stored.
    pub(super) fn store(
        &self,
        mut state: MutexGuard<'_, State>,
        what: Append,
        Lengths { length, payload_crc }: Lengths,
        frame: &mut [u8],
        keep: Option<&dyn Fn() -> bool>,
    ) -> Result<Option<Receipt>, JournalError> {
        let size = frame.len() as u64;
        let active = &mut state.active;
        let (file, offset) = (active.at_hand.take().unwrap_or_else(|| active.file.clone()), active.offset);
        let opened = what.kind.opens().then(|| state.calls.open(RequestPlace { offset, size }));
        let call = opened.or(what.call).map_or(0, |call| call.0);
        let sequence = if what.kind.is_record() { state.sequence } else { 0 };
        FrameHeader { kind: what.kind, sequence, call, length, payload_crc }.write(state.active.salt, frame);
        drop(state);
        let stored = match keep {
            None => file.publish(offset, frame).map(|()| true),
            Some(keep) => file.publish_if(offset, frame, keep),
        };
        let mut state = self.state();
        state.active.at_hand = Some(file);
        self.end_turn(&mut state);
        if !matches!(stored, Ok(true)) {
            opened.into_iter().for_each(|call| state.calls.close(call));
            let failed = JournalError::io("write to", &state.active.path, error::FIX);
            return stored.map(|_| None).map_err(failed);
        }
        Ok(Some(self.note_stored(&mut state, what, (size, sequence), opened)))
    }

    fn note_stored(
        &self,
        state: &mut State,
        what: Append,
        (size, sequence): (u64, u64),
        opened: Option<CallNumber>,
    ) -> Receipt {
        if let (None, Some(call)) = (opened, what.call) {
            state.calls.close(call);
        }
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
        Receipt { sequence, frames: state.frames, call: opened }
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
    /// Whether a frame of that size fits, and what is kept for others with it.
    ///
    /// # Errors
    /// If no more room would help.
    fn has_room(&self, state: &State, size: u64, room: Room) -> Result<bool, JournalError> {
        // What was admitted is taken: its room was kept, and a commit has no more of it in memory than was promised.
        if state.unsynced_bytes > TOO_MANY_UNSYNCED && room == Room::Free {
            return Err(self.full(state, ": the disk does not sync what was written"));
        }
        Ok(fits(state, size, room) && !self.is_next_too_small(state, size, room))
    }

    /// Whether what is promised would not fit into the next segment.
    fn is_next_too_small(&self, state: &State, size: u64, room: Room) -> bool {
        let least = self.least_next(state, size, room);
        room == Room::Free && state.next.as_ref().is_some_and(|next| next.length < least)
    }

    /// Requests of open calls are carried into the next segment, and admitted responses may have to go there.
    fn least_next(&self, state: &State, size: u64, room: Room) -> u64 {
        let carried = self.header_length() + state.calls.bytes() + size;
        if room == Room::Free { carried + state.reserved + ALARM_RESERVE } else { carried }
    }

    /// Sees to it that a frame of that size fits into the active segment, on a thread that may wait for the disk. With the
    /// turn, if it does.
    pub(super) fn room_for(&self, size: u64, room: Room) -> Result<MutexGuard<'_, State>, JournalError> {
        let mut state = self.turn();
        if !self.has_room_or_ends(&mut state, size, room)? {
            let least = self.least_next(&state, size, room);
            let is_too_small = state.next.as_ref().is_some_and(|next| next.length < least);
            // The thread that prepares segments was not fast enough, or has failed and will try again.
            let may_try = state.full_because.is_none() || !self.options.background;
            if is_too_small || (state.next.is_none() && may_try) {
                // Others whose records fit go on meanwhile.
                self.end_turn(&mut state);
                drop(state);
                self.make_next(least);
                state = self.turn();
            }
        }
        if self.is_next_too_small(&state, size, room) {
            return Err(self.ends_full(&mut state));
        }
        if fits(&state, size, room) {
            return Ok(state);
        }
        state = self.roll(state, size)?;
        if room == Room::All && !fits(&state, size, room) {
            // Whatever waits: what is lost must be told before anything can be freed.
            let (because, least) = (state.full_because.clone(), self.least_next(&state, size, room));
            drop(state);
            self.make_beyond_bound(least);
            state = self.state();
            state.full_because = because;
            state = self.roll(state, size)?;
        }
        if fits(&state, size, room) { Ok(state) } else { Err(self.ends_full(&mut state)) }
    }

    fn has_room_or_ends(&self, state: &mut State, size: u64, room: Room) -> Result<bool, JournalError> {
        let has_room = if state.closed { Err(JournalError::Closed) } else { self.has_room(state, size, room) };
        if has_room.is_err() {
            self.end_turn(state);
        }
        has_room
    }

    fn ends_full(&self, state: &mut State) -> JournalError {
        self.end_turn(state);
        self.full(state, "")
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

/// In which nobody has written, as it was seen each second.
const PAUSE: Duration = Duration::from_secs(2);
/// Some alarm and gap records of the usual size.
pub(super) const ALARM_RESERVE: u64 = 8 * 1024;
/// The committer is woken before its time.
const MANY_UNSYNCED: u64 = 1 << 20;
/// A commit has them all in memory, for a sync that may fail; a disk that is slower than this many per commit is a full disk.
const TOO_MANY_UNSYNCED: u64 = 24 << 20;
