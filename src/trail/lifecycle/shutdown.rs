//! Shuts the trail down, and ships what it can before.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::journal::{JournalError, Receipt};
use crate::trail::core::Core;
use crate::trail::recording::SHUTDOWN_PATIENCE;
use crate::trail::records::Lifecycle;

impl Core {
    /// The end of the trail: its last record is written, and what could not be shipped is left to the next process.
    pub(in crate::trail) fn end(&self) {
        if self.is_inherited() {
            // It ends in the parent.
            return;
        }
        // First of all, as the process may be killed while it waits for the collector.
        self.open_calls.end();
        self.interrupt_open();
        self.recorder.report_gaps();
        let ended = self.recorder.is_off || !self.recorder.reporter.has_waiting() && self.write_end().is_ok();
        let synced = self.recorder.journal.commit_within(SHUTDOWN_PATIENCE);
        self.close();
        let written = if ended { synced } else { self.end_late() };
        if let Err(error) = written {
            self.context.notices.warn(format!("the end of the trail is not in the journal for certain: {error}"));
        }
        let (own, adopted) = (self.recorder.journal.usage().pending(), self.delivery.adopted.pending());
        if self.delivery.adopted.unvisited_streams() > 0 {
            let streams = self.delivery.adopted.unvisited_streams();
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
        if let Some(copies) = &self.recorder.copies {
            copies.settle();
        }
        self.context.notices.settle();
    }

    /// There was no room for the end. What was shipped meanwhile may have made some; what the trail could not tell even now
    /// is in the numbers of its last record.
    fn end_late(&self) -> Result<(), JournalError> {
        self.recorder.report_gaps();
        self.write_end()?;
        self.recorder.journal.commit_within(SHUTDOWN_PATIENCE)?;
        self.close();
        Ok(())
    }

    fn write_end(&self) -> Result<Receipt, JournalError> {
        self.recorder.reporter.end(&self.recorder.journal, &Lifecycle::Stopped(self.recorder.counts()))
    }

    /// What is open is over: answers it with `interrupted`, and ends the spans.
    pub(crate) fn interrupt_open(&self) {
        self.open_calls.calls().iter().for_each(|call| self.interrupt(call));
        self.open_calls.holders().iter().for_each(|keeper| keeper.visit_open(&|call| self.interrupt(call)));
    }

    /// The end of the process is near: ships what it can. However often it is called, it takes no longer than the flush
    /// time-out altogether.
    pub(crate) fn close(&self) {
        if self.is_inherited() {
            return;
        }
        self.context.unaudited_spans.end();
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
    #[cfg(feature = "layer")]
    pub(crate) fn time_left_to_close(&self) -> Duration {
        let spent = self.delivery.closing.lock().spent;
        self.context.settings.flush_timeout.saturating_sub(spent)
    }

    /// If it cannot be removed, the next process does it. On another thread: a disk that stands still must not hold up the host.
    pub(in crate::trail) fn remove_stream(&self) {
        let (journal, (done, is_done)) = (self.recorder.journal.clone(), channel());
        let remove = move || {
            let _removed = journal.remove_if_done();
            drop(done);
        };
        if thread::Builder::new().name("auditrail-end".into()).spawn(remove).is_ok() {
            // It sends nothing, and hangs up.
            let _ended: Result<(), _> = is_done.recv_timeout(SHUTDOWN_PATIENCE);
        }
    }
}

/// The share of the flush time-out in which the end of a process still takes streams of earlier ones in hand.
const ENDING_SHARE: u32 = 4;
