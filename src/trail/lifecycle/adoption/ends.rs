//! Writes on behalf of a dead process: the answers to the calls that it left open, and its last record.
//!
//! Invariants:
//! 1. The end comes behind all that the process wrote, and is written when that was read: whoever seals the stream knows by
//!    then what the end comes behind.
//! 2. A call is answered once. Until an answer is durable nobody ships it, and whoever adopts the stream next finds out anew
//!    which calls are open: an answer that was written counts, one that was not is made again.
//! 3. The last record comes behind all answers. Without it the stream is adopted again.

use std::sync::Arc;

use super::event::{AdoptionEvent, DrainedStream};
use crate::config::Notices;
use crate::journal::{Adopted, Append, Journal, OpenRequest, Room, encode_frame, planted};
use crate::record::{Clock, Record};
use crate::ship::Lane;
use crate::trail::recording::SelfReporter;
use crate::trail::records;
use crate::trail::records::Lifecycle;

/// Writes the ends of adopted streams.
#[derive(Debug, Clone)]
pub(super) struct StreamEnder {
    pub(super) reporter: Arc<SelfReporter>,
    pub(super) notices: Notices,
    pub(super) clock: Arc<dyn Clock>,
}

impl StreamEnder {
    /// Ships a stream, and ends it when all of it is read.
    pub(super) async fn drain(
        self,
        lane: Lane,
        adopted: Adopted,
        mut what: DrainedStream,
        tell: impl Fn(AdoptionEvent) + Send + Sync,
    ) -> (Journal, DrainedStream) {
        let Adopted { journal, mut reader, mut settler, open, needs_end, .. } = adopted;
        let (mut is_ended, mut attempts) = (!needs_end, 0);
        loop {
            let end = || {
                if !std::mem::replace(&mut is_ended, true) {
                    self.end(&journal, &open, &mut what);
                    tell(AdoptionEvent::Ended(what.clone()));
                }
            };
            lane.drain_to_the_end(&mut reader, &mut settler, end).await;
            attempts += 1;
            if reader.is_at_end() || attempts == PATIENCE {
                return (journal, what);
            }
            // The disk could not be read. After some attempts the reader takes what it cannot read for lost.
            reader.readable().await;
        }
    }

    /// Answers the calls that the crash left open and writes the last record. What does not fit is left for the next adopter,
    /// and is said by `remove_if_done`.
    fn end(&self, journal: &Journal, open: &[OpenRequest], what: &mut DrainedStream) {
        let before = journal.usage().appended;
        let all_are_answered = planted("end-without-answers")
            || open.iter().all(|open| {
                let answered = self.answer(journal, open);
                what.answered += u64::from(answered);
                answered
            });
        if all_are_answered {
            // What does not fit is left for the next adopter, too.
            drop(self.reporter.end(journal, &Lifecycle::Interrupted));
        }
        if let Err(error) = journal.commit() {
            self.notices.warn(format!("the end of stream {} cannot be written: {error}", what.stream));
        }
        what.records += journal.usage().appended.saturating_sub(before);
    }

    fn answer(&self, journal: &Journal, open: &OpenRequest) -> bool {
        let mut frame = Vec::new();
        match Record::decode(&open.request) {
            Ok(request) => encode_frame(&mut frame, |frame| {
                records::interrupted(frame, request, self.reporter.new_id(), self.clock.unix_nano());
            }),
            Err(error) => {
                self.notices.warn(format!("a request of stream {} cannot be read: {error}", journal.stream()));
                return true;
            }
        }
        let what = Append::response(Some(open.call)).with_room(Room::All);
        journal.append(what, &mut frame).is_ok()
    }
}

/// One more than after which the reader takes what it cannot read for lost.
const PATIENCE: u32 = 7;
