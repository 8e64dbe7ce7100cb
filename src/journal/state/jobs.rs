//! The work of the writer thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::journal::append::{Append, Lengths, Receipt};
use crate::journal::error::JournalError;
use crate::locks::Mutex;

/// The writer thread and its queue.
#[derive(Debug, Default)]
pub(in crate::journal) struct Jobs {
    pub(in crate::journal) queue: VecDeque<Arc<Job>>,
    /// Whether the thread exists.
    pub(in crate::journal) has_writer: bool,
    /// Whether the thread is working on a job.
    pub(in crate::journal) is_writing: bool,
}

/// What a job does.
#[derive(Debug)]
pub(in crate::journal) enum Work {
    /// Appends a record, given its frame.
    Append(Append, Lengths, Mutex<Vec<u8>>),
    /// Reserves room of this size.
    Admit(u64),
}

/// Work that another thread waits for.
#[derive(Debug)]
pub(in crate::journal) struct Job {
    pub(in crate::journal) work: Work,
    stage: AtomicU8,
    pub(in crate::journal) answer: Mutex<Option<Result<Option<Receipt>, JournalError>>>,
}

impl Job {
    pub(in crate::journal) fn new(work: Work) -> Self {
        Self { work, stage: AtomicU8::new(WAITED_FOR), answer: Mutex::default() }
    }

    /// Claims the job for execution. From then on its owner cannot abandon it. Returns whether it was still wanted.
    pub(in crate::journal) fn keep(&self) -> bool {
        self.stage.compare_exchange(WAITED_FOR, KEPT, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Abandons the job. Returns whether nothing will execute it.
    pub(in crate::journal) fn leave(&self) -> bool {
        self.stage.compare_exchange(WAITED_FOR, LEFT, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    pub(in crate::journal) fn is_left(&self) -> bool {
        self.stage.load(Ordering::Acquire) == LEFT
    }

    pub(in crate::journal) fn answer(&self, answer: Result<Option<Receipt>, JournalError>) {
        *self.answer.lock() = Some(answer);
        self.stage.store(DONE, Ordering::Release);
    }

    pub(in crate::journal) fn is_done(&self) -> bool {
        self.stage.load(Ordering::Acquire) == DONE
    }
}

const WAITED_FOR: u8 = 0;
const KEPT: u8 = 1;
const LEFT: u8 = 2;
const DONE: u8 = 3;
