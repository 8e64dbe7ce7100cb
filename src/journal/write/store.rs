//! Appends a record: one copy into the active segment, by the thread that has the turn.

use std::time::Duration;

use super::turn::TimedOut;
use crate::journal::append::{Append, Lengths, Receipt};
use crate::journal::error::{self, JournalError};
use crate::journal::format::{FrameHeader, HEADER, Kind, frame};
use crate::journal::handle::Journal;
use crate::journal::numbers::CallNumber;
use crate::journal::state::{Extent, Shared, State, Work};
use crate::locks::{Mutex, MutexGuard};

impl Journal {
    /// Appends a record. The buffer starts with [`HEADER`] bytes of any content, and the encoded record follows. Afterwards
    /// its content is unspecified; if the record was not accepted, the buffer can be appended again.
    ///
    /// If the disk is stalled, this waits no longer than [`Append::patience`], with one exception: a store to a page of
    /// the active segment cannot be interrupted once the kernel has blocked it. With [`Append::handed`] another thread does
    /// the store.
    ///
    /// When this returns, the record survives the death of the process. [`synced`](Journal::synced) waits until it survives
    /// a power loss.
    ///
    /// # Errors
    /// [`JournalError`]: the record was not accepted.
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

    /// Forgets an open call whose response was not accepted, so that its request is not carried any further.
    pub fn forget(&self, call: CallNumber) {
        if self.is_inherited() {
            return;
        }
        self.0.state().calls.close(call);
    }
}

impl Shared {
    fn append(&self, what: Append, lengths: Lengths, frame: &mut [u8]) -> Result<Receipt, JournalError> {
        // Checked before the lock is taken: another thread of the parent may have held it at the fork.
        if self.home.was_forked() {
            return Err(JournalError::Forked);
        }
        let mut state = self.take_turn(what.patience).map_err(|TimedOut| self.stalled_error())?;
        if state.appended.closed {
            // This thread has the turn, so no other starts a segment.
            drop(state);
            let begun = self.begin_answers();
            state = self.state();
            if let Err(error) = begun {
                self.end_turn(&mut state);
                return Err(error);
            }
        }
        let has_room = self.has_room(&state, frame.len() as u64, what.room);
        // If a file system was frozen during a pause, it blocks the thread that writes first. Waking another thread costs
        // more than the record, so short pauses do not count.
        let is_handed = what.handed || (state.commits.keeper_sleeps && state.upkeep.busy.0.elapsed() > PAUSE);
        let taken = match has_room {
            Ok(true) if !is_handed || !state.jobs.has_writer => self.store(state, what, lengths, frame, None),
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
        taken?.ok_or_else(|| self.stalled_error())
    }

    /// Stores a frame that has room, and ends the turn. Returns `None` if `keep` rejects the frame after everything except
    /// its first word was stored.
    pub(in crate::journal) fn store(
        &self,
        mut state: MutexGuard<'_, State>,
        what: Append,
        Lengths { length, payload_crc }: Lengths,
        frame: &mut [u8],
        keep: Option<&dyn Fn() -> bool>,
    ) -> Result<Option<Receipt>, JournalError> {
        let size = frame.len() as u64;
        let active = &mut state.segments.active;
        let (file, offset) = (active.at_hand.take().unwrap_or_else(|| active.file.clone()), active.offset);
        // A request or an intent of a call that is open already settles what becomes of that call's intent.
        let opened = (what.kind.opens() && what.call.is_none()).then(|| state.calls.open(Extent { offset, size }));
        let call = opened.or(what.call).map_or(0, |call| call.0);
        let sequence = if what.kind.is_record() { state.appended.sequence } else { 0 };
        FrameHeader { kind: what.kind, sequence, call, length, payload_crc }.write(state.segments.active.salt, frame);
        drop(state);
        let stored = match keep {
            None => file.publish(offset, frame).map(|()| true),
            Some(keep) => file.publish_if(offset, frame, keep),
        };
        let mut state = self.state();
        state.segments.active.at_hand = Some(file);
        self.end_turn(&mut state);
        if !matches!(stored, Ok(true)) {
            opened.into_iter().for_each(|call| state.calls.close(call));
            let failed = JournalError::io("write to", &state.segments.active.path, error::FIX);
            return stored.map(|_| None).map_err(failed);
        }
        if let (Kind::Request, Some(call)) = (what.kind, what.call) {
            // From here on this is what is carried to the next segment.
            state.calls.moved(call, Extent { offset, size });
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
        if let (None, Some(call)) = (opened, what.call)
            && what.kind != Kind::Request
        {
            state.calls.close(call);
        }
        state.segments.active.offset += size;
        if let Some(segment) = state.segments.unsettled.back_mut() {
            segment.end = state.segments.active.offset;
        }
        state.appended.sequence += u64::from(what.kind.is_record());
        state.appended.frames += 1;
        state.appended.pending_bytes += size;
        state.commits.unsynced_bytes += size;
        self.note_appended(size);
        state.appended.ended = what.kind == Kind::Last;
        state.appended.closed = state.appended.ended;
        // Waking a thread costs microseconds, so only the first record after a pause does it.
        let many = state.commits.unsynced_bytes > MANY_UNSYNCED && !state.commits.wanted;
        state.upkeep.rests = false;
        let next = state.wants_next() && !state.segments.next_asked;
        if state.commits.keeper_sleeps || many || next {
            state.commits.keeper_sleeps = false;
            state.commits.wanted |= many || next;
            state.segments.next_asked |= next;
            self.commit_wanted.notify_one();
        }
        Receipt { sequence, frames: state.appended.frames, call: opened }
    }
}

/// How long nothing was written, as observed once a second.
const PAUSE: Duration = Duration::from_secs(2);
/// The thread that commits is woken early.
const MANY_UNSYNCED: u64 = 1 << 20;
