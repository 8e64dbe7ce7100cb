//! The thread that does what a thread of the host must not wait for: it makes segments, goes from one to the next, and stores
//! records while it is not certain that a store does not wait.
//!
//! Invariants:
//! 1. A thread that has given a job away may leave it, until the first word of the frame is stored: then the record is not
//!    taken, and nothing of it stays in the segment.
//! 2. What it left is not done later.

use std::sync::Arc;
use std::time::Duration;

use crate::journal::append::{Receipt, Room};
use crate::journal::error::JournalError;
use crate::journal::state::{Job, Shared, State, Work};

impl Shared {
    /// Does it, on the thread that writes if there is one.
    pub(in crate::journal) fn by_writer(
        &self,
        work: Work,
        patience: Duration,
    ) -> Result<Option<Receipt>, JournalError> {
        let job = Arc::new(Job::new(work));
        let mut state = self.state();
        if !state.jobs.has_writer {
            drop(state);
            return self.work_on(&job);
        }
        state.jobs.queue.push_back(job.clone());
        self.job_wanted.notify_one();
        let is_open = |_: &State| !job.is_done();
        // That the thread is not there yet is no fault of the disk: a busy machine has many.
        let is_on_its_way = |state: &State| !job.is_done() && !state.jobs.is_writing;
        let state = self.wait_while(state, &self.job_done, patience.max(ON_ITS_WAY), is_on_its_way).0;
        let (mut state, in_time) = self.wait_while(state, &self.job_done, patience, is_open);
        if !in_time {
            state.jobs.queue.retain(|other| !Arc::ptr_eq(other, &job));
            if job.leave() {
                return Err(self.stands_still());
            }
            // All but its first word is stored.
            drop(self.wait_while(state, &self.job_done, Duration::MAX, is_open));
        }
        let answer = job.answer.lock().take();
        answer.unwrap_or_else(|| Err(self.stands_still()))
    }

    fn work_on(&self, job: &Job) -> Result<Option<Receipt>, JournalError> {
        let keep = || job.keep();
        match &job.work {
            Work::Append(what, lengths, frame) => {
                let mut frame = std::mem::take(&mut *frame.lock());
                let state = self.room_for(frame.len() as u64, what.room)?;
                self.store(state, *what, *lengths, &mut frame, Some(&keep))
            }
            Work::Admit(size) => {
                let mut state = self.room_for(*size, Room::Free)?;
                state.reserved += if keep() { *size } else { 0 };
                self.end_turn(&mut state);
                Ok(None)
            }
        }
    }

    /// The thread, until the journal is closed.
    pub(in crate::journal) fn write_for_others(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.queue.pop_front() {
                state.jobs.is_writing = true;
                self.has_moved(&mut state);
                drop(state);
                let answer = if job.is_left() { Ok(None) } else { self.work_on(&job) };
                job.answer(answer);
                state = self.state();
                state.jobs.is_writing = false;
                self.has_moved(&mut state);
                self.job_done.notify_all();
            } else if state.upkeep.stop {
                // Under the lock: nobody gives it anything any more.
                state.jobs.has_writer = false;
                return;
            } else {
                state = self.job_wanted.wait(state);
            }
        }
    }
}

/// Far more than a thread takes to wake.
const ON_ITS_WAY: Duration = Duration::from_secs(5);
