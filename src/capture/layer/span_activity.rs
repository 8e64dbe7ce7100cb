//! When an audited span ends although clones of it live on: a handler that spawns a task `.in_current_span()` gives
//! it a clone, and `tracing` reports the close only when the last one is dropped.
//!
//! Invariants:
//! 1. `err` or `ret` ends the span immediately. Without them, its end is known only at its close, and then it has
//!    ended when its own task last exited it or recorded something on it.
//! 2. Its own task is the one that entered it first. Executors other than tokio do not identify tasks; there, all
//!    tasks are its own.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use tokio::task;

/// Which task entered a span, and when it was exited.
#[derive(Debug, Default)]
pub(super) struct SpanActivity {
    own: OnceLock<Option<task::Id>>,
    /// Monotonic nanoseconds; 0 means never.
    last_seen: AtomicU64,
    /// Its own task was unwinding when it last exited the span.
    unwound: AtomicBool,
    is_over: AtomicBool,
}

impl SpanActivity {
    pub(super) fn entered(&self) {
        self.own.get_or_init(task::try_id);
    }

    pub(super) fn was_entered(&self) -> bool {
        self.own.get().is_some()
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
        self.own.get()?;
        Some(self.last_seen.load(Ordering::Relaxed)).filter(|nanos| *nanos > 0)
    }

    /// Whether it panics, as seen by the code that closes it; a panic of another task does not count.
    pub(super) fn panicked(&self) -> bool {
        self.unwound.load(Ordering::Relaxed) || (thread::panicking() && self.is_own())
    }

    /// Whether the current task is its own, as far as that is known.
    pub(super) fn is_own(&self) -> bool {
        self.own.get().is_none_or(|own| *own == task::try_id())
    }

    /// The span is over before it closes. Returns whether it already was.
    pub(super) fn end(&self) -> bool {
        self.is_over.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}
