//! Writes on behalf of a dead process: the answers to the calls that it left open, and its last record.
//!
//! Invariants:
//! 1. The end comes behind all that the process wrote, and is written once, when the first sink has read that: whoever seals the stream knows by
//!    then what the end comes behind.
//! 2. A call is answered once. Until an answer is durable nobody ships it, and whoever adopts the stream next finds out anew
//!    which calls are open: an answer that was written counts, one that was not is made again.
//! 3. A call of which the dead process had only an intent gets its request record, too, as that was encoded: a policy that
//!    decides by outcome costs no evidence of a crash.
//! 4. The last record comes behind all answers. Without it the stream is adopted again.

use std::sync::Arc;

use super::event::{AdoptionEvent, DrainedStream};
use super::lanes::Lanes;
use crate::config::Notices;
use crate::journal::{
    Adopted, Append, CallNumber, Journal, OpenRequest, Reader, Room, Settler, SinkHandles, encode_frame, intended,
    planted,
};
use crate::locks::Mutex;
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
    /// Ships a stream to all sinks, and ends it when one of them has read all of it.
    pub(super) async fn drain(
        self,
        lanes: Lanes,
        adopted: Adopted,
        what: DrainedStream,
        tell: impl Fn(AdoptionEvent) + Send + Sync + 'static,
    ) -> (Journal, DrainedStream) {
        let Adopted { journal, reader, settler, others, open, needs_end, .. } = adopted;
        let progress = Mutex::new(EndProgress { is_ended: !needs_end, what });
        let end = Arc::new(StreamEnd { ender: self, journal: journal.clone(), open, progress, tell });
        let others =
            lanes.others.into_iter().zip(others).map(|((lane, runtime), SinkHandles { reader, settler, .. })| {
                runtime.spawn(end.clone().drain_to(lane, reader, settler))
            });
        let others: Vec<_> = others.collect();
        end.clone().drain_to(lanes.first, reader, settler).await;
        for other in others {
            // It panics only with the shipper of that sink, which its thread has printed; the stream is the next process's.
            drop(other.await);
        }
        let what = end.progress.lock().what.clone();
        (journal, what)
    }
}

/// The end of one stream, which the first sink that has read everything writes.
struct StreamEnd<T> {
    ender: StreamEnder,
    journal: Journal,
    open: Vec<OpenRequest>,
    progress: Mutex<EndProgress>,
    tell: T,
}

struct EndProgress {
    is_ended: bool,
    what: DrainedStream,
}

impl<T: Fn(AdoptionEvent) + Send + Sync> StreamEnd<T> {
    async fn drain_to(self: Arc<Self>, lane: Lane, mut reader: Reader, mut settler: Settler) {
        for _ in 0..PATIENCE {
            lane.drain_to_the_end(&mut reader, &mut settler, || self.write()).await;
            if reader.is_at_end() {
                return;
            }
            // The disk could not be read. After some attempts the reader takes what it cannot read for lost.
            reader.readable().await;
        }
    }

    /// Another sink that has read everything waits here until the end is written, and reads it, too.
    fn write(&self) {
        let mut progress = self.progress.lock();
        if !std::mem::replace(&mut progress.is_ended, true) {
            self.ender.end(&self.journal, &self.open, &mut progress.what);
            (self.tell)(AdoptionEvent::Ended(progress.what.clone()));
        }
    }
}

impl StreamEnder {
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
        let intended = intended(&open.request);
        match Record::decode(intended.unwrap_or(&open.request)) {
            Ok(_) if intended.is_some_and(|request| !keep(journal, open.call, request)) => return false,
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

/// Writes the request record that an intent is: nobody can say any more that it is not wanted.
fn keep(journal: &Journal, call: CallNumber, request: &[u8]) -> bool {
    let mut frame = Vec::new();
    encode_frame(&mut frame, |frame| frame.extend_from_slice(request));
    journal.append(Append::request_of(call).with_room(Room::All), &mut frame).is_ok()
}

/// One more than after which the reader takes what it cannot read for lost.
const PATIENCE: u32 = 7;
