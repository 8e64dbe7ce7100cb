//! Settling: what every sink has, or quarantine, leaves the journal.
//!
//! Invariants:
//! 1. What tells of records that no sink gets is durable before a cursor passes them.
//! 2. A segment goes only when the cursor of every sink is durable behind it. So one that is missing behind a cursor was lost.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

use super::ahead::Ahead;
use super::cursor::Cursor;
use super::error::JournalError;
use super::fs::File;
use super::planted::planted;
use super::pressure::Pressure;
use super::quarantine::{Cause, Quarantined, Refused};
use super::sinks::{SinkName, Start};
use super::state::{Position, Segment, State};
use super::{Journal, Sequence, Shared, error};
use crate::record::StreamId;

/// Says what of a stream a sink has, in the order in which it was read. Each sink has one, which may be used on another thread
/// than its [`Reader`](super::Reader).
#[derive(Debug)]
pub struct Settler {
    journal: Journal,
    ahead: Arc<Ahead>,
}

impl Settler {
    pub(super) fn new(journal: Journal, ahead: Arc<Ahead>) -> Self {
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

    /// Settles everything up to a record: it was accepted by the sink, or stands in quarantine. Removes the segments that
    /// no sink needs any more.
    pub fn settle(&mut self, through: Sequence) {
        if self.journal.is_inherited() {
            return;
        }
        let shared = &self.journal.0;
        if let Some(cursor) = self.ahead.pop(through, shared) {
            shared.settle_at(self.ahead.sink(), cursor);
        }
    }

    /// Keeps a durable copy of what the sink refused. Comes before `settle`.
    ///
    /// # Errors
    /// What the disk said: the records must not be settled then.
    pub fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError> {
        if self.journal.is_inherited() {
            return Err(JournalError::Forked);
        }
        let shared = &self.journal.0;
        shared.told.store(true, Relaxed);
        let (Some(first), Some(last)) = (refused.entries.first(), refused.entries.last()) else { return Ok(()) };
        shared.set_aside(&Quarantined {
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
        })
    }
}

/// The cursor of a sink on the disk.
#[derive(Debug)]
pub(super) struct SavedCursor {
    file: Arc<dyn File>,
    /// What it says, or less.
    says: Cursor,
    /// Whether this process has written that, and no sync has failed since: one that comes after such a sync, or after what another
    /// process wrote, says that all is well whatever is on the disk.
    is_written: bool,
    /// Whether it would say so after a power loss.
    is_durable: bool,
}

impl SavedCursor {
    /// Behind that place everything is still to be settled, whatever the file says.
    pub(super) fn at(file: Arc<dyn File>, Start { at: Position { segment, offset }, expected }: Start) -> Self {
        let says = Cursor { segment, offset, sequence: expected.saturating_sub(1) };
        Self { file, says, is_written: false, is_durable: false }
    }

    fn write(&mut self, cursor: Cursor, stream: StreamId) -> io::Result<()> {
        (self.is_written, self.is_durable) = (false, false);
        cursor.write(&*self.file, stream)?;
        (self.says, self.is_written) = (cursor, true);
        Ok(())
    }

    fn sync(&mut self, stream: StreamId) -> io::Result<()> {
        if self.is_durable {
            return Ok(());
        }
        if !self.is_written && !planted("trust-a-second-sync") {
            self.write(self.says, stream)?;
        }
        self.is_written = false;
        self.file.sync()?;
        (self.is_written, self.is_durable) = (true, true);
        Ok(())
    }
}

impl Shared {
    /// A sink is done with everything up to there.
    pub(super) fn settle_at(&self, sink: usize, cursor: Cursor) {
        if self.is_told() {
            match self.settle_durably(sink, cursor) {
                Ok(None) => {}
                Ok(Some(gone)) => {
                    self.recovered(CURSOR, "the journal saves how far it was shipped again");
                    gone.iter().for_each(|number| drop(self.options.fs.remove(&self.place.segment(*number))));
                    if !gone.is_empty() {
                        self.wake_for_room();
                    }
                }
                // After a crash some records are sent again.
                Err(cause) => self.degraded(
                    CURSOR,
                    &format!("the journal cannot save how far it was shipped: {cause}; {}", error::FIX),
                ),
            }
        } else if let Some(progress) = self.state().sinks.get_mut(sink) {
            // It is settled for this process. The next one reads it again, and tells.
            progress.settled = progress.settled.max(cursor.sequence);
        }
        self.settled.notify_waiters();
        self.settled_blocking.notify_all();
    }

    /// Writes the cursor of a sink. Gives the segments that no sink needs any more; they are forgotten. `None` if it was further
    /// already.
    fn settle_durably(&self, sink: usize, cursor: Cursor) -> io::Result<Option<Vec<u64>>> {
        // One at a time. No append waits for it.
        let mut cursors = self.cursors.lock().unwrap_or_else(PoisonError::into_inner);
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
        if let Some(progress) = state.sinks.get_mut(sink) {
            progress.settled = progress.settled.max(cursor.sequence);
            progress.at = cursor.place();
        }
        let mut gone = Vec::new();
        while may_go
            && saved.is_ok()
            && let Some(front) = state.segments.front().copied()
            && state.goes(&front, behind)
        {
            state.segments.pop_front();
            gone.push(front.number);
        }
        state.recount_pending();
        self.note_fullness(&state);
        saved.map(|()| Some(gone))
    }

    /// Whether the segments that may go should go now, for which the cursors have to be synced. To sync takes as long as to read a
    /// part of a large segment, so those go some at a time.
    fn is_worth_a_sync(&self, state: &State, behind: u64, settled: Sequence) -> bool {
        let going = || state.segments.iter().take_while(|segment| state.goes(segment, behind));
        let bytes: u64 = going().map(|segment| segment.length).sum();
        let is_drained = settled + 1 >= state.synced.sequence;
        let is_short = state.full_because.is_some() || self.pressure() > Pressure::Low;
        let is_much = || bytes >= AT_ONCE || going().any(|segment| segment.length < LARGE);
        bytes > 0 && (is_drained || is_short || is_much())
    }

    /// Whether somebody else has settled more meanwhile: damage is passed by who reads, and batches are by who ships.
    fn is_passed(&self, sink: usize, cursor: Cursor) -> bool {
        let state = self.state();
        let known = state.sinks.get(sink).map(|progress| (progress.at, progress.settled));
        known.is_some_and(|(at, settled)| cursor.place() < at || cursor.place() == at && cursor.sequence < settled)
    }
}

impl State {
    /// Whether a segment goes, where all cursors are in that one or behind.
    fn goes(&self, segment: &Segment, behind: u64) -> bool {
        // A segment that is durable stays until another one is: without any, the stream would be forgotten.
        // And an adopter's copies of what is open must be durable before the originals go.
        let copied = self.synced.frames > 0 || self.is_clean();
        let behind = behind + u64::from(planted("remove-unsettled-segment"));
        copied && segment.number < behind.min(self.synced.segment).min(self.calls_from)
    }
}

/// A segment of one that fills it in seconds.
const LARGE: u64 = 4 << 20;
/// Bytes of large segments that go together.
const AT_ONCE: u64 = 32 << 20;
const CURSOR: &str = crate::record::error_type::JOURNAL_CURSOR_FAILED;
