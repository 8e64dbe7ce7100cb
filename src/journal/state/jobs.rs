//! What is given to the thread that writes for others.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::journal::append::{Append, Lengths, Receipt};
use crate::journal::error::JournalError;
use crate::locks::Mutex;

/// The thread that writes for others, and what it has to do.
#[derive(Debug, Default)]
pub(in crate::journal) struct Jobs {
    pub(in crate::journal) queue: VecDeque<Arc<Job>>,
    /// There is such a thread.
    pub(in crate::journal) has_writer: bool,
    /// It does one of them now.
    pub(in crate::journal) is_writing: bool,
}

/// What is to be done.
#[derive(Debug)]
pub(in crate::journal) enum Work {
    /// A record, with its frame.
    Append(Append, Lengths, Mutex<Vec<u8>>),
    /// Room of that size that is kept.
    Admit(u64),
}

/// Something that another thread waits for.
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

    /// Whether it may be done: from here on nobody leaves it.
    pub(in crate::journal) fn keep(&self) -> bool {
        self.stage.compare_exchange(WAITED_FOR, KEPT, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether nobody does it any more.
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
