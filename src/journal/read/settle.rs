//! Settles records: what every sink has accepted, or has in quarantine, leaves the journal.
//!
//! Invariants:
//! 1. A report of records that no sink gets is durable before a cursor passes them.
//! 2. A segment is removed only when the cursor of every sink is durable beyond it. A segment that is missing after a
//!    cursor was therefore lost.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::ahead::Ahead;
use crate::journal::error::{self, JournalError};
use crate::journal::format::{Cursor, SinkName};
use crate::journal::handle::Journal;
use crate::journal::numbers::Sequence;
use crate::journal::options::GivesRoom;
use crate::journal::planted::planted;
use crate::journal::quarantine::{Cause, Quarantined, Refused};
use crate::journal::space::Pressure;
use crate::journal::state::{Segment, Shared, State};
use crate::record::StreamId;

/// Says which records a sink is done with, in the order in which they were read. Each sink has its own settler, which can
/// run on another thread than its [`Reader`](super::Reader).
#[derive(Debug)]
pub struct Settler {
    journal: Journal,
    ahead: Arc<Ahead>,
}

impl Settler {
    pub(in crate::journal) fn new(journal: Journal, ahead: Arc<Ahead>) -> Self {
        Self { journal, ahead }
    }

    /// The stream.
    #[must_use]
    pub fn stream(&self) -> StreamId {
        self.journal.stream()
    }

    /// The sink.
    #[must_use]
    pub fn sink(&self) -> SinkName {
        self.journal.0.options.sinks.iter().nth(self.ahead.sink()).unwrap_or(SinkName::OTLP)
    }

    /// Settles everything up to a record: the sink has accepted it, or it is in quarantine. Removes the segments that no
    /// sink needs any more.
    pub fn settle(&mut self, through: Sequence) {
        if self.journal.is_inherited() {
            return;
        }
        let shared = &self.journal.0;
        if let Some(cursor) = self.ahead.pop(through, shared) {
            shared.settle_at(self.ahead.sink(), cursor);
        }
    }

    /// Keeps a durable copy of what the sink refused. Call it before [`settle`](Self::settle).
    ///
    /// # Errors
    /// The error of the disk: the records must not be settled in that case.
    pub fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError> {
        if self.journal.is_inherited() {
            return Err(JournalError::Forked);
        }
        let shared = &self.journal.0;
        shared.reported.store(true, Relaxed);
        let (Some(first), Some(last)) = (refused.entries.first(), refused.entries.last()) else { return Ok(()) };
        let set_aside = shared.set_aside(&Quarantined {
            cause: if refused.refused < refused.entries.len() as u64 { Cause::PartlyRefused } else { Cause::Refused },
            stream: shared.stream,
            first: first.sequence,
            last: last.sequence,
            refused: refused.refused,
            time_unix_nano: shared.options.clock.unix_nano(),
            resource: shared.options.resource.clone(),
            scope: shared.options.scope.clone(),
            reason: refused.reason.to_owned(),
            shipped_to: Some(self.sink()),
            entries: refused.entries.to_vec(),
        });
        if set_aside.is_err() {
            // Tried again. What is settled may take the room that it needs.
            shared.free_room();
        }
        set_aside
    }
}

impl Shared {
    /// Settles everything up to a cursor for a sink.
    pub(in crate::journal) fn settle_at(&self, sink: usize, cursor: Cursor) {
        if self.reports_are_durable() {
            match self.settle_durably(sink, cursor) {
                Ok(None) => {}
                Ok(Some(gone)) => {
                    self.recovered(CURSOR, "the journal saves how far it was shipped again");
                    self.remove_segments(&gone);
                }
                Err(cause) => self.cursor_failed(&cause),
            }
        } else if let Some(progress) = self.state().progress.sinks.get_mut(sink) {
            // Settled for this process only. The next one reads the records again, and reports.
            progress.settled = progress.settled.max(cursor.sequence);
        }
        self.settled.notify_waiters();
        self.settled_blocking.notify_all();
    }

    /// Writes the cursor of a sink. Returns the segments that no sink needs any more, which are no longer listed, or `None`
    /// if the sink was further already.
    fn settle_durably(&self, sink: usize, cursor: Cursor) -> io::Result<Option<Vec<u64>>> {
        // One thread at a time. No append waits for it.
        let mut cursors = self.cursors.lock();
        if self.is_passed(sink, cursor) {
            return Ok(None);
        }
        let mut saved = cursors.get_mut(sink).map_or(Ok(()), |own| own.write(cursor, self.stream));
        let says = cursors.iter().map(|saved| saved.says.segment);
        let behind = if planted("remove-by-the-fastest") { says.max() } else { says.min() }.unwrap_or(0);
        let may_go = self.is_worth_a_sync(&self.state(), behind, cursor.sequence);
        if saved.is_ok() && may_go {
            saved = cursors.iter_mut().try_for_each(|own| own.sync(self.stream));
        }
        let mut state = self.state();
        if let Some(progress) = state.progress.sinks.get_mut(sink) {
            progress.settled = progress.settled.max(cursor.sequence);
            progress.at = cursor.position();
        }
        let gone = if may_go && saved.is_ok() { state.take_settled(behind) } else { Vec::new() };
        state.recount_pending();
        self.note_fullness(&state);
        saved.map(|()| Some(gone))
    }

    /// Removes what is settled, here and in the other streams that this process has in hand: something has no room. Returns
    /// whether there was anything.
    pub(in crate::journal) fn free_room(&self) -> bool {
        self.options.in_hand.give_room()
    }

    /// Removes what is settled and waits for more to be removed with it: something else has no room, and who settles may wait
    /// for that, or for the collector. Returns whether there was anything.
    fn remove_settled(&self) -> bool {
        let gone = {
            // Who has it settles now, and knows that room is short.
            let Some(mut cursors) = self.cursors.try_lock() else { return false };
            let behind = cursors.iter().map(|saved| saved.says.segment).min().unwrap_or(0);
            let any_goes = {
                let state = self.state();
                state.segments.unsettled.front().is_some_and(|front| state.goes(front, behind))
            };
            if !any_goes {
                return false;
            }
            if let Err(cause) = cursors.iter_mut().try_for_each(|own| own.sync(self.stream)) {
                self.cursor_failed(&cause);
                return false;
            }
            let mut state = self.state();
            let gone = state.take_settled(behind);
            state.recount_pending();
            gone
        };
        self.remove_segments(&gone);
        !gone.is_empty()
    }

    fn remove_segments(&self, gone: &[u64]) {
        gone.iter().for_each(|number| drop(self.options.fs.remove(&self.paths.segment(*number))));
        if !gone.is_empty() {
            self.wake_for_room();
        }
    }

    /// After a crash, some records are sent again.
    fn cursor_failed(&self, cause: &io::Error) {
        let text = format!("the journal cannot save how far it was shipped: {cause}; {}", error::FIX);
        self.degraded(CURSOR, &text);
    }

    /// Whether to remove the segments that can be removed now, for which the cursors have to be synced. A sync takes as long as
    /// reading a part of a large segment, so several large segments are removed together.
    fn is_worth_a_sync(&self, state: &State, behind: u64, settled: Sequence) -> bool {
        let going = || state.segments.unsettled.iter().take_while(|segment| state.goes(segment, behind));
        let bytes: u64 = going().map(|segment| segment.length).sum();
        let is_drained = settled + 1 >= state.commits.synced.sequence;
        let is_short = state.segments.full_because.is_some() || self.pressure() > Pressure::Low;
        let is_much = || bytes >= AT_ONCE || going().any(|segment| segment.length < LARGE);
        bytes > 0 && (is_drained || is_short || is_much())
    }

    /// Whether the sink was settled further in the meantime: the reader passes damage, and the settler batches.
    fn is_passed(&self, sink: usize, cursor: Cursor) -> bool {
        let state = self.state();
        let known = state.progress.sinks.get(sink).map(|progress| (progress.at, progress.settled));
        known
            .is_some_and(|(at, settled)| cursor.position() < at || cursor.position() == at && cursor.sequence < settled)
    }
}

impl GivesRoom for Shared {
    fn give_room(&self) -> bool {
        !self.home.was_forked() && self.remove_settled()
    }
}

impl State {
    /// Takes the segments off the list that can be removed if all cursors are durable and in segment `behind` or later.
    fn take_settled(&mut self, behind: u64) -> Vec<u64> {
        let mut gone = Vec::new();
        while let Some(front) = self.segments.unsettled.front().copied().filter(|front| self.goes(front, behind)) {
            self.segments.unsettled.pop_front();
            gone.push(front.number);
        }
        gone
    }

    /// Whether a segment can be removed if all cursors are in segment `behind` or later.
    fn goes(&self, segment: &Segment, behind: u64) -> bool {
        // The last durable segment stays until another one is durable, because a stream without segments would be
        // forgotten. The copies that an adopter makes of open calls must be durable before the originals are removed.
        let copied = self.commits.synced.frames > 0 || self.is_clean();
        let behind = behind + u64::from(planted("remove-unsettled-segment"));
        copied && segment.number < behind.min(self.commits.synced.segment).min(self.adoption.calls_from)
    }
}

/// The length of segments that are filled in seconds.
const LARGE: u64 = 4 << 20;
/// The bytes of large segments that are removed together.
const AT_ONCE: u64 = 32 << 20;
const CURSOR: &str = crate::record::error_type::JOURNAL_CURSOR_FAILED;
