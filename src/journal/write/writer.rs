//! The writer thread does what a thread of the host must not wait for: it creates segments, switches from one to the next,
//! and stores records while a store might block.
//!
//! ```text
//!  thread of the host                           auditrail-writer
//!   takes the turn; if it has room and
//!   no risk, it stores the frame itself
//!        │ otherwise
//!   ends the turn, queues a job, waits ───────► takes the turn, makes room,
//!        │                                      stores all but the first word
//!        ├─ in time ◄──── receipt ───────────── claims the job, stores the first word
//!        └─ too late: abandons the job ───────► cannot claim it: zeroes what it stored
//! ```
//!
//! Invariants:
//! 1. A thread can abandon a job until the first word of the frame is stored. Then the record is not accepted, and nothing
//!    of it remains in the segment.
//! 2. An abandoned job is not done later.

use std::sync::Arc;
use std::time::Duration;

use crate::journal::append::{Receipt, Room};
use crate::journal::error::JournalError;
use crate::journal::state::{Job, Shared, State, Work};

impl Shared {
    /// Runs a job on the writer thread, or here if there is none.
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
        // A thread that has not started yet is not the fault of the disk: a busy machine has many threads.
        let is_on_its_way = |state: &State| !job.is_done() && !state.jobs.is_writing;
        let state = self.wait_while(state, &self.job_done, patience.max(ON_ITS_WAY), is_on_its_way).0;
        let (mut state, in_time) = self.wait_while(state, &self.job_done, patience, is_open);
        if !in_time {
            state.jobs.queue.retain(|other| !Arc::ptr_eq(other, &job));
            if job.leave() {
                return Err(self.stalled_error());
            }
            // Everything except the first word is stored.
            drop(self.wait_while(state, &self.job_done, Duration::MAX, is_open));
        }
        let answer = job.answer.lock().take();
        answer.unwrap_or_else(|| Err(self.stalled_error()))
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

    /// Runs the writer thread until the journal is closed.
    pub(in crate::journal) fn write_for_others(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.queue.pop_front() {
                state.jobs.is_writing = true;
                self.note_progress(&mut state);
                drop(state);
                let answer = if job.is_left() { Ok(None) } else { self.work_on(&job) };
                job.answer(answer);
                state = self.state();
                state.jobs.is_writing = false;
                self.note_progress(&mut state);
                self.job_done.notify_all();
            } else if state.upkeep.stop {
                // Under the lock, so no thread adds a job afterwards.
                state.jobs.has_writer = false;
                return;
            } else {
                state = self.job_wanted.wait(state);
            }
        }
    }
}

/// Far more than a thread needs to wake up.
const ON_ITS_WAY: Duration = Duration::from_secs(5);
