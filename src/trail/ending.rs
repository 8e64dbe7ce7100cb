//! The end of the trail, and what is shipped before it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::adoption::Done;
use super::core::Core;
use super::standing::END;
use super::told::Told;
use crate::journal::{JournalError, Keeper, Receipt, Sequence};
use crate::locks::Mutex;
use crate::ship::Shipper;

/// What brings records from the journal to the collector.
pub(super) struct Delivery {
    pub(super) shipper: Shipper,
    pub(super) _keeper: Option<Keeper>,
    pub(super) adopted: Arc<Done>,
    pub(super) closing: Mutex<Closing>,
}

/// How far the end of the process has come.
#[derive(Debug, Default)]
pub(super) struct Closing {
    spent: Duration,
    /// It was tried to ship everything up to here.
    tried: Sequence,
}

impl Core {
    /// The end of the trail: its last record is written, and what could not be shipped is left to the next process.
    pub(super) fn end(&self) {
        if self.is_inherited() {
            // It ends in the parent.
            return;
        }
        // First of all, as the process may be killed while it waits for the collector.
        self.unanswered.end();
        self.interrupt_open();
        self.recorder.tell_gaps();
        let ended = !self.recorder.scribe.has_waiting() && self.write_end().is_ok();
        let synced = self.recorder.journal.commit_within(END);
        self.close();
        let written = if ended { synced } else { self.end_late() };
        if let Err(error) = written {
            self.context.notices.warn(format!("the end of the trail is not in the journal for certain: {error}"));
        }
        let (own, adopted) = (self.recorder.journal.usage().pending(), self.delivery.adopted.pending());
        if self.delivery.adopted.unlooked() > 0 {
            let streams = self.delivery.adopted.unlooked();
            self.context.notices.warn(format!(
                "up to {streams} stream(s) of earlier processes were not looked at; the next process of this service goes on, or \
                 `auditrail journal drain`"
            ));
        }
        let pending = own + adopted;
        if pending > 0 {
            let directory = self.context.settings.directory.display();
            self.context.notices.warn(format!(
                "{pending} audit record(s) were not delivered within {:?}; they wait in {directory} and are sent when a \
                 process of this service starts again, or by `auditrail journal drain`",
                self.context.settings.flush_timeout
            ));
        }
        if own == 0 {
            self.remove_stream();
        }
        self.context.notices.settle();
    }

    /// There was no room for the end. What was shipped meanwhile may have made some; what the trail could not tell even now
    /// is in the numbers of its last record.
    fn end_late(&self) -> Result<(), JournalError> {
        self.recorder.tell_gaps();
        self.write_end()?;
        self.recorder.journal.commit_within(END)?;
        self.close();
        Ok(())
    }

    fn write_end(&self) -> Result<Receipt, JournalError> {
        self.recorder.scribe.end(&self.recorder.journal, &Told::Stopped(self.recorder.counts()))
    }

    /// What is open is over: answers it with `interrupted`, and ends the spans.
    pub(crate) fn interrupt_open(&self) {
        self.unanswered.calls().iter().for_each(|call| self.interrupt(call));
        self.unanswered.keepers().iter().for_each(|keeper| keeper.interrupt(self));
    }

    /// The end of the process is near: ships what it can. However often it is called, it takes no longer than the flush
    /// time-out altogether.
    pub(crate) fn close(&self) {
        if self.is_inherited() {
            return;
        }
        self.context.watch.end(&self.context.notices);
        let mut closing = self.delivery.closing.lock();
        let usage = self.recorder.journal.usage();
        let all_is_shipped = usage.pending() == 0 && self.delivery.adopted.wait_within(Duration::ZERO);
        if all_is_shipped || closing.tried == usage.appended {
            // All is shipped, or nothing came since it was tried.
            return;
        }
        let begun = Instant::now();
        let left = self.context.settings.flush_timeout.saturating_sub(closing.spent);
        // A backlog of a thousand streams is not for one process to end with: it goes on with what it has in hand.
        self.delivery.adopted.end_within(self.context.settings.flush_timeout / ENDING_SHARE);
        // What is not shipped waits in the journal.
        let _waits = self.flush_blocking(left);
        closing.tried = self.recorder.journal.usage().appended;
        closing.spent += begun.elapsed();
    }

    /// What closing has left of the flush time-out.
    pub(crate) fn time_left_to_close(&self) -> Duration {
        let spent = self.delivery.closing.lock().spent;
        self.context.settings.flush_timeout.saturating_sub(spent)
    }

    /// Hurries the shipper and gives the number up to which it has to go.
    pub(super) fn hurry(&self) -> Sequence {
        self.recorder.tell_gaps();
        self.recorder.journal.commit_soon();
        self.delivery.shipper.hurry();
        self.recorder.journal.usage().appended
    }
}

/// The share of the flush time-out in which the end of a process still takes streams of earlier ones in hand.
const ENDING_SHARE: u32 = 4;
