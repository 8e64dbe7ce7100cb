//! When an audited span ends whose clones live on: a handler that spawns a task `.in_current_span()` hands it one, and
//! `tracing` tells of the close when the last is gone.
//!
//! Invariants:
//! 1. What `err` or `ret` says ends the span there and then. Without them nobody knows before its close that it has ended,
//!    and then it has ended when its own task left it last, or spoke of it.
//! 2. Its own task is the one that entered it first. Executors other than tokio name no tasks: there, all are its own.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use tokio::task;

/// Who entered a span, and who left it when.
#[derive(Debug, Default)]
pub(super) struct SpanActivity {
    own: OnceLock<Option<task::Id>>,
    /// Monotonic nanoseconds; 0 stands for never.
    last_seen: AtomicU64,
    /// Its own task was unwinding when it left the span last.
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

    /// It was left then, by whoever runs here. Says whether its own task has left it after its end.
    pub(super) fn left(&self, monotonic_nano: impl FnOnce() -> u64) -> bool {
        let is_own = self.is_own();
        if is_own {
            self.seen(monotonic_nano());
            self.unwound.store(thread::panicking(), Ordering::Relaxed);
        }
        is_own && self.is_over()
    }

    /// Its own words count, whoever says them.
    pub(super) fn seen(&self, monotonic_nano: u64) {
        self.last_seen.fetch_max(monotonic_nano, Ordering::Relaxed);
    }

    /// When it was last seen, if it was ever entered; else only its close can tell.
    pub(super) fn last_seen(&self) -> Option<u64> {
        self.own.get()?;
        Some(self.last_seen.load(Ordering::Relaxed)).filter(|nanos| *nanos > 0)
    }

    /// Whether it panics, asked by whoever closes it: not if that is somebody else who panics.
    pub(super) fn panicked(&self) -> bool {
        self.unwound.load(Ordering::Relaxed) || (thread::panicking() && self.is_own())
    }

    /// Whether the task that runs here is its own, as far as that is known.
    pub(super) fn is_own(&self) -> bool {
        self.own.get().is_none_or(|own| *own == task::try_id())
    }

    /// It is over before it closes. Says whether it was before.
    pub(super) fn end(&self) -> bool {
        self.is_over.swap(true, Ordering::AcqRel)
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}
