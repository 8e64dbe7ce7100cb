//! A timer of our own: `begin`, `finish` and `flush` are awaited on the host's executor, which may have none.
//!
//! Not tokio's, which panics outside of a runtime with a time driver; and not that of the shipper's runtime, which stands
//! still while its thread waits for a disk that hangs, which is when deadlines matter.
//!
//! Invariants:
//! 1. A deadline that nobody awaits any more is forgotten.
//! 2. No waker is called while the lock is held: it is the executor's code.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use crate::locks::{Condvar, Mutex, MutexGuard};

/// The time was over first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Late;

/// Awaits something no longer than that, on any executor.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Late> {
    // The deadline counts from here, and costs nothing if nothing has to be waited for.
    let over = Deadline { end: Instant::now().checked_add(limit), key: None };
    tokio::select! {
        biased;
        done = work => Ok(done),
        late = over => Err(late),
    }
}

/// Completes when its time has come; never without one, which is further away than a clock can say.
#[derive(Debug)]
struct Deadline {
    end: Option<Instant>,
    key: Option<Key>,
}

impl Future for Deadline {
    type Output = Late;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Late> {
        let Some(end) = self.end else { return Poll::Pending };
        if Instant::now() >= end {
            return Poll::Ready(Late);
        }
        // Without a thread that keeps the time nobody would be woken, so the time is over now rather than never.
        let Some(timer) = Timer::of_process() else { return Poll::Ready(Late) };
        let key = *self.key.get_or_insert_with(|| timer.key(end));
        timer.wake(key, context.waker());
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        if let (Some(key), Some(timer)) = (self.key, Timer::of_process()) {
            timer.forget(key);
        }
    }
}

/// When, and which of those at the same time.
type Key = (Instant, u64);

/// Those who wait, the earliest first, and the thread that wakes them.
#[derive(Debug)]
struct Timer {
    waiting: Mutex<Waiting>,
    /// There is an earlier one than the thread waits for.
    earlier: Condvar,
}

#[derive(Debug)]
struct Waiting {
    wakers: BTreeMap<Key, Waker>,
    last: u64,
}

impl Timer {
    /// That of the process, whose thread starts with the first that waits; `None` if there is no thread to be had.
    fn of_process() -> Option<&'static Self> {
        static TIMER: Timer = Timer { waiting: Mutex::new(Waiting::new()), earlier: Condvar::new() };
        static RUNS: OnceLock<bool> = OnceLock::new();
        let start = || thread::Builder::new().name("auditrail-timer".into()).spawn(|| TIMER.run()).is_ok();
        RUNS.get_or_init(start).then_some(&TIMER)
    }

    fn run(&self) {
        let mut waiting = self.waiting();
        loop {
            let now = Instant::now();
            let later = waiting.wakers.split_off(&(now, u64::MAX));
            let due = std::mem::replace(&mut waiting.wakers, later);
            if !due.is_empty() {
                drop(waiting);
                due.into_values().for_each(Waker::wake);
                waiting = self.waiting();
                continue;
            }
            let next = waiting.wakers.first_key_value().map(|((end, _), _)| end.saturating_duration_since(now));
            waiting = match next {
                Some(left) => self.earlier.wait_timeout(waiting, left),
                None => self.earlier.wait(waiting),
            };
        }
    }

    fn key(&self, end: Instant) -> Key {
        let mut waiting = self.waiting();
        waiting.last += 1;
        (end, waiting.last)
    }

    fn wake(&self, key: Key, waker: &Waker) {
        let replaced = {
            let mut waiting = self.waiting();
            let replaced = waiting.wakers.insert(key, waker.clone());
            if waiting.wakers.first_key_value().is_some_and(|(first, _)| *first == key) {
                self.earlier.notify_one();
            }
            replaced
        };
        drop(replaced);
    }

    fn forget(&self, key: Key) {
        let forgotten = self.waiting().wakers.remove(&key);
        drop(forgotten);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock()
    }
}

impl Waiting {
    const fn new() -> Self {
        Self { wakers: BTreeMap::new(), last: 0 }
    }
}
