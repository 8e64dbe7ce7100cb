//! The progress of the adoption of dead processes' streams.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::journal::Journal;
use crate::locks::{Condvar, Mutex, MutexGuard};

/// What is adopted, and whether all of it is drained.
#[derive(Debug, Default)]
pub(in crate::trail) struct AdoptionProgress {
    done: Mutex<bool>,
    /// The streams that are in hand and not drained.
    left: Mutex<Vec<Journal>>,
    /// Streams that nobody has looked at.
    pub(in crate::trail) unvisited_streams: AtomicUsize,
    /// Streams that could not be opened, or not be read.
    pub(in crate::trail) unreadable_streams: AtomicU64,
    /// When no others are taken in hand, as the process ends.
    over: Mutex<Option<Instant>>,
    changed: Notify,
    changed_blocking: Condvar,
}

impl AdoptionProgress {
    pub(in crate::trail) fn set(&self) {
        *self.done.lock() = true;
        self.changed.notify_waiters();
        self.changed_blocking.notify_all();
    }

    /// Records of adopted streams that are not settled.
    pub(in crate::trail) fn pending(&self) -> u64 {
        self.left().iter().map(|journal| journal.usage().pending()).sum()
    }

    /// Streams that stay as they are, as they cannot be opened or read.
    pub(in crate::trail) fn unreadable_streams(&self) -> u64 {
        self.unreadable_streams.load(Ordering::Relaxed)
    }

    /// Streams that were not looked at; some may have owners that live.
    pub(in crate::trail) fn unvisited_streams(&self) -> usize {
        self.unvisited_streams.load(Ordering::Relaxed)
    }

    /// The process ends: after that time no further streams are taken in hand.
    pub(in crate::trail) fn end_within(&self, time: Duration) {
        let over = Instant::now().checked_add(time);
        *self.over.lock() = over;
    }

    pub(in crate::trail) fn is_over(&self) -> bool {
        self.over.lock().is_some_and(|over| Instant::now() >= over)
    }

    /// Until what is wanting may be there again, or the process ends.
    pub(in crate::trail) async fn wait_to_look_again(&self) {
        for _ in 0..LOOKS_MEANWHILE {
            if self.is_over() {
                return;
            }
            tokio::time::sleep(AGAIN / LOOKS_MEANWHILE).await;
        }
    }

    pub(in crate::trail) fn left(&self) -> MutexGuard<'_, Vec<Journal>> {
        self.left.lock()
    }

    pub(in crate::trail) async fn wait(&self) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if *self.done.lock() {
                return;
            }
            changed.await;
        }
    }

    /// Waits on a thread that may block, and says whether all was adopted before the deadline.
    pub(in crate::trail) fn wait_within(&self, deadline: Duration) -> bool {
        let done = self.done.lock();
        *self.changed_blocking.wait_timeout_while(done, deadline, |done| !*done)
    }
}

/// Descriptors come back when connections or files are closed.
const AGAIN: Duration = Duration::from_secs(1);
/// How often it is seen meanwhile whether the process ends.
const LOOKS_MEANWHILE: u32 = 10;
