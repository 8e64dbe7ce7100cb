//! When an audited span ends although clones of it live on: a handler that spawns a task `.in_current_span()` gives
//! it a clone, and `tracing` reports the close only when the last one is dropped.
//!
//! Invariants:
//! 1. `err` or `ret` ends the span immediately. Without them, its end is known only at its close, and then it has
//!    ended when its own task last exited it or recorded something on it.
//! 2. Its own task is the one that entered it first. Executors other than tokio do not identify tasks; there, all
//!    tasks are its own.

use std::hash::{Hash as _, Hasher};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use tokio::task;

/// Which task entered a span, and when it was exited.
#[derive(Debug, Default)]
pub(super) struct SpanActivity {
    /// The task that entered it first; [`NEVER`] until then.
    own: AtomicU64,
    /// Monotonic nanoseconds; 0 means never.
    last_seen: AtomicU64,
    /// Its own task was unwinding when it last exited the span.
    unwound: AtomicBool,
    is_over: AtomicBool,
}

impl SpanActivity {
    /// The current task enters the span. Called by one thread at a time.
    pub(super) fn entered(&self) {
        // Two stores instead of a `OnceLock`, which costs every span two locked instructions.
        if !self.was_entered() {
            self.own.store(current_task(), Ordering::Relaxed);
        }
    }

    pub(super) fn was_entered(&self) -> bool {
        self.own.load(Ordering::Relaxed) != NEVER
    }

    /// The current task exited the span at that time. Returns whether its own task has exited it after its end.
    pub(super) fn left(&self, monotonic_nano: impl FnOnce() -> u64) -> bool {
        let is_own = self.is_own();
        if is_own {
            self.seen(monotonic_nano());
            self.unwound.store(thread::panicking(), Ordering::Relaxed);
        }
        is_own && self.is_over()
    }

    /// Fields recorded on the span count, whatever task records them.
    pub(super) fn seen(&self, monotonic_nano: u64) {
        self.last_seen.fetch_max(monotonic_nano, Ordering::Relaxed);
    }

    /// When it was last seen, if it was ever entered; otherwise only its close shows it.
    pub(super) fn last_seen(&self) -> Option<u64> {
        if !self.was_entered() {
            return None;
        }
        Some(self.last_seen.load(Ordering::Relaxed)).filter(|nanos| *nanos > 0)
    }

    /// Whether it panics, as seen by the code that closes it; a panic of another task does not count.
    pub(super) fn panicked(&self) -> bool {
        self.unwound.load(Ordering::Relaxed) || (thread::panicking() && self.is_own())
    }

    /// Whether the current task is its own, as far as that is known.
    pub(super) fn is_own(&self) -> bool {
        let own = self.own.load(Ordering::Relaxed);
        own == NEVER || own == current_task()
    }

    /// The span is over before it closes. Returns whether it already was.
    pub(super) fn end(&self) -> bool {
        self.is_over.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

/// The number of the current task, which is unique among the tasks of a process that exist at the same time.
fn current_task() -> u64 {
    struct Number(u64);
    impl Hasher for Number {
        fn write(&mut self, bytes: &[u8]) {
            bytes.iter().for_each(|byte| self.0 = (self.0 << 8) | u64::from(*byte));
        }

        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }

        fn finish(&self) -> u64 {
            self.0
        }
    }
    let Some(id) = task::try_id() else { return NO_TASK };
    // An id has no number to read, but is hashed as one.
    let mut number = Number(NEVER);
    id.hash(&mut number);
    FIRST_TASK.wrapping_add(number.finish())
}

const NEVER: u64 = 0;
const NO_TASK: u64 = 1;
const FIRST_TASK: u64 = 2;
