//! Settling: what the sink has, or quarantine, leaves the journal.

use std::io;
use std::sync::atomic::Ordering::Relaxed;

use super::cursor::Cursor;
use super::planted::planted;
use super::quarantine::{Cause, Quarantined, Refused};
use super::state::{Position, Segment, State};
use super::{JournalError, Reader, Sequence, error};

impl Reader {
    /// Settles everything up to a record: it was accepted by the sink, or stands in quarantine. Removes the segments that
    /// nobody needs any more.
    pub fn settle(&mut self, through: Sequence) {
        let mut last = None;
        while let Some(passed) = self.passed.front().filter(|passed| passed.last <= through) {
            last = Some(passed.cursor);
            self.passed.pop_front();
        }
        if let Some(cursor) = last {
            self.settle_at(cursor);
        }
        self.note_oldest();
    }

    /// What was passed needs no sink: intents, copies, damage. It is settled with the batch before it.
    pub(super) fn nothing_to_ship(&mut self, cursor: Cursor) {
        match self.passed.back_mut() {
            Some(before) => before.cursor = cursor,
            None => self.settle_at(cursor),
        }
    }

    fn settle_at(&self, cursor: Cursor) {
        let shared = &self.journal.0;
        let failed = |cause: io::Error| {
            // After a crash some records are sent again.
            shared
                .degraded(CURSOR, &format!("the journal cannot save how far it was shipped: {cause}; {}", error::FIX));
        };
        if !shared.is_told() {
            // It is settled for this process. The next one reads it again, and tells.
            let mut state = shared.state();
            state.settled = state.settled.max(cursor.sequence);
            drop(state);
            shared.settled.notify_waiters();
            shared.settled_blocking.notify_all();
            return;
        }
        let mut written = cursor.write(&*shared.cursor, shared.stream);
        let goes = |state: &State, segment: &Segment| {
            // A segment that is durable stays until another one is: without any, the stream would be forgotten.
            // And an adopter's copies of what is open must be durable before the originals go.
            let copied = state.synced.frames > 0 || state.is_clean();
            let settled = cursor.segment + u64::from(planted("remove-unsettled-segment"));
            copied && segment.number < settled.min(state.synced.segment)
        };
        let any_goes = {
            let state = shared.state();
            state.segments.front().is_some_and(|front| goes(&state, front))
        };
        if written.is_ok() && any_goes {
            // So that a segment which is missing between the cursor and the others was lost, and not settled.
            written = shared.cursor.sync();
        }
        let saved = written.map_err(failed).is_ok();
        let mut state = shared.state();
        state.settled = state.settled.max(cursor.sequence);
        state.settled_at = Position { segment: cursor.segment, offset: cursor.offset };
        let mut gone = Vec::new();
        while saved
            && let Some(front) = state.segments.front().copied()
            && goes(&state, &front)
        {
            state.segments.pop_front();
            gone.push(front.number);
        }
        state.recount_pending();
        shared.note_fullness(&state);
        drop(state);
        if saved {
            shared.recovered(CURSOR, "the journal saves how far it was shipped again");
        }
        for number in &gone {
            drop(shared.options.fs.remove(&shared.place.segment(*number)));
        }
        shared.settled.notify_waiters();
        shared.settled_blocking.notify_all();
        if !gone.is_empty() {
            shared.wake_for_room();
        }
    }

    /// Keeps a durable copy of what the sink refused. Comes before `settle`.
    ///
    /// # Errors
    /// What the disk said: the records must not be settled then.
    pub fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError> {
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
            entries: refused.entries.to_vec(),
        })
    }

    pub(super) fn note_oldest(&self) {
        let oldest = self.passed.front().and_then(|passed| passed.oldest_unix_nano);
        self.journal.0.state().oldest_unix_nano = oldest;
    }
}

const CURSOR: &str = crate::record::error_type::JOURNAL_CURSOR_FAILED;
