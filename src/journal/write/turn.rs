//! The turn to write to the active segment, and how long threads wait for it.
//!
//! A store to a mapped page can block in the kernel without a time limit, for example while a file system is frozen
//! (`docs/format.md`). A thread that stores therefore holds the turn and not the lock of the state. Counting, settling,
//! commits and flushes do not wait for it, and a thread that wants to write waits only as long as its caller allows.
//!
//! Invariants:
//! 1. Only the thread that has the turn writes to the active segment, or changes which segment is active and which number
//!    comes next.
//! 2. No file is accessed while the lock of the state is held, so the lock is free within moments whatever the disk does.
//! 3. Waiting threads share one clock: if the disk has been stalled for longer than a new thread may wait, that thread does
//!    not wait at all.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::journal::error::JournalError;
use crate::journal::handle::Journal;
use crate::journal::state::{Shared, State};
use crate::locks::{Condvar, MutexGuard};

/// The wait ended without success.
#[derive(Debug)]
pub(in crate::journal) struct TimedOut;

impl Journal {
    /// Whether threads wait for the disk for longer than it usually takes.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        // A disk that was stalled for the parent at the fork does not concern its child.
        self.0.stalled.load(Relaxed) && !self.is_inherited()
    }

    /// How long threads have waited without any progress.
    #[must_use]
    pub fn stalled_for(&self) -> Duration {
        // Checked before the lock is taken: another thread of the parent may have held it at the fork.
        if self.is_inherited() {
            return Duration::ZERO;
        }
        self.0.state().turn.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits until the disk is no longer stalled.
    pub async fn unstalled(&self) {
        // Checked first: a forked child must not touch the list of those who wait.
        while self.is_stalled() {
            let unstalled = self.0.unstalled.notified();
            tokio::pin!(unstalled);
            unstalled.as_mut().enable();
            if !self.is_stalled() {
                return;
            }
            unstalled.await;
        }
    }
}

impl Shared {
    /// Takes the turn. [`end_turn`](Self::end_turn) ends it.
    pub(in crate::journal) fn take_turn(&self, patience: Duration) -> Result<MutexGuard<'_, State>, TimedOut> {
        let mut state = self.state();
        for _ in 0..LOOKS {
            if !state.turn.is_taken {
                break;
            }
            // The other thread only copies some hundred bytes.
            drop(state);
            (0..SPINS).for_each(|_| std::hint::spin_loop());
            state = self.state();
        }
        let (mut state, in_time) = self.wait_while(state, &self.turned, patience, |state| state.turn.is_taken);
        if !in_time {
            return Err(TimedOut);
        }
        state.turn.is_taken = true;
        Ok(state)
    }

    /// Takes the turn on a thread that may wait for the disk.
    pub(in crate::journal) fn turn(&self) -> MutexGuard<'_, State> {
        loop {
            if let Ok(state) = self.take_turn(Duration::MAX) {
                return state;
            }
        }
    }

    pub(in crate::journal) fn end_turn(&self, state: &mut State) {
        state.turn.is_taken = false;
        self.note_progress(state);
        if state.turn.waiting > 0 {
            self.turned.notify_one();
        }
    }

    /// Notes progress.
    pub(in crate::journal) fn note_progress(&self, state: &mut State) {
        if state.turn.since.take().is_some() && self.stalled.swap(false, Relaxed) {
            self.unstalled.notify_waiters();
        }
    }

    /// Waits while the condition holds. Returns whether it ended in time.
    pub(in crate::journal) fn wait_while<'s>(
        &self,
        mut state: MutexGuard<'s, State>,
        changed: &Condvar,
        patience: Duration,
        is_so: impl Fn(&State) -> bool,
    ) -> (MutexGuard<'s, State>, bool) {
        if !is_so(&state) {
            return (state, true);
        }
        let begun = Instant::now();
        loop {
            let now = Instant::now();
            let since = *state.turn.since.get_or_insert(now);
            let waited = now.saturating_duration_since(since.min(begun));
            if waited >= STALLED_AFTER {
                self.stalled.store(true, Relaxed);
            }
            let left = patience.saturating_sub(waited);
            if left.is_zero() {
                return (state, false);
            }
            state.turn.waiting += 1;
            state = changed.wait_timeout(state, left.min(STALLED_AFTER));
            state.turn.waiting -= 1;
            if !is_so(&state) {
                return (state, true);
            }
        }
    }

    pub(in crate::journal) fn stalled_error(&self) -> JournalError {
        JournalError::Stalled { path: self.paths.root().to_owned() }
    }
}

/// How often a thread checks the turn before it sleeps, which costs more than most turns take.
const LOOKS: u32 = 32;
const SPINS: u32 = 16;
/// After this time, the disk counts as stalled.
const STALLED_AFTER: Duration = Duration::from_millis(20);
