//! The thread that does what a thread of the host must not wait for: it makes segments, goes from one to the next, and stores
//! records while it is not certain that a store does not wait.
//!
//! Invariants:
//! 1. A thread that has given a job away may leave it, until the first word of the frame is stored: then the record is not
//!    taken, and nothing of it stays in the segment.
//! 2. What it left is not done later.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::Shared;
use super::append::Lengths;
use super::append::{Append, Receipt, Room};
use super::error::JournalError;
use super::state::State;
use crate::sync::Mutex;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Work {
    /// A record, with its frame.
    Append(Append, Lengths, Mutex<Vec<u8>>),
    /// Room of that size that is kept.
    Admit(u64),
}

/// Something that another thread waits for.
#[derive(Debug)]
pub(super) struct Job {
    work: Work,
    stage: AtomicU8,
    answer: Mutex<Option<Result<Option<Receipt>, JournalError>>>,
}

impl Job {
    pub(super) fn new(work: Work) -> Self {
        Self { work, stage: AtomicU8::new(WAITED_FOR), answer: Mutex::default() }
    }

    /// Whether it may be done: from here on nobody leaves it.
    fn keep(&self) -> bool {
        self.stage.compare_exchange(WAITED_FOR, KEPT, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether nobody does it any more.
    fn leave(&self) -> bool {
        self.stage.compare_exchange(WAITED_FOR, LEFT, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn is_left(&self) -> bool {
        self.stage.load(Ordering::Acquire) == LEFT
    }

    fn answer(&self, answer: Result<Option<Receipt>, JournalError>) {
        *self.answer.lock() = Some(answer);
        self.stage.store(DONE, Ordering::Release);
    }

    fn is_done(&self) -> bool {
        self.stage.load(Ordering::Acquire) == DONE
    }
}

impl Shared {
    /// Does it, on the thread that writes if there is one.
    pub(super) fn by_writer(&self, work: Work, patience: Duration) -> Result<Option<Receipt>, JournalError> {
        let job = Arc::new(Job::new(work));
        let mut state = self.state();
        if !state.has_writer {
            drop(state);
            return self.work_on(&job);
        }
        state.jobs.push_back(job.clone());
        self.job_wanted.notify_one();
        let is_open = |_: &State| !job.is_done();
        // That the thread is not there yet is no fault of the disk: a busy machine has many.
        let is_on_its_way = |state: &State| !job.is_done() && !state.is_writing;
        let state = self.wait_while(state, &self.job_done, patience.max(ON_ITS_WAY), is_on_its_way).0;
        let (mut state, in_time) = self.wait_while(state, &self.job_done, patience, is_open);
        if !in_time {
            state.jobs.retain(|other| !Arc::ptr_eq(other, &job));
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
    pub(super) fn write_for_others(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.is_writing = true;
                self.has_moved(&mut state);
                drop(state);
                let answer = if job.is_left() { Ok(None) } else { self.work_on(&job) };
                job.answer(answer);
                state = self.state();
                state.is_writing = false;
                self.has_moved(&mut state);
                self.job_done.notify_all();
            } else if state.stop {
                // Under the lock: nobody gives it anything any more.
                state.has_writer = false;
                return;
            } else {
                state = self.job_wanted.wait(state);
            }
        }
    }
}

/// Far more than a thread takes to wake.
const ON_ITS_WAY: Duration = Duration::from_secs(5);
const WAITED_FOR: u8 = 0;
const KEPT: u8 = 1;
const LEFT: u8 = 2;
const DONE: u8 = 3;
