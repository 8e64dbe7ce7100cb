//! Whose turn it is to write to the active segment, and how long others wait for it.
//!
//! A store to a mapped page can wait in the kernel, without an end: while a file system is frozen it does (`docs/format.md`).
//! So whoever stores holds the turn, and not the lock of the state: counts, settling, commits and flushes wait for nobody who
//! writes, and who wants to write waits only as long as it was given.
//!
//! Invariants:
//! 1. Who has the turn is alone in writing to the active segment, and in changing which one that is and what the next number
//!    is.
//! 2. No file is touched with the lock of the state held, so that the lock is free in a moment whatever the disk does.
//! 3. The time that the disk has stood still counts for all: who comes when it has stood for longer than that thread may wait
//!    does not wait at all.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::error::JournalError;
use super::state::State;
use super::{Journal, Shared};

/// Who writes now, and who waits.
#[derive(Debug, Default)]
pub(super) struct Turn {
    is_taken: bool,
    waiting: usize,
    /// Since when somebody has waited, and nobody has got on.
    since: Option<Instant>,
}

/// What one waits for did not come in time.
#[derive(Debug)]
pub(super) struct Stands;

impl Journal {
    /// Whether somebody has waited for the disk for longer than it takes, and waits still.
    #[must_use]
    pub fn stands(&self) -> bool {
        // What stood in the parent when it forked is nothing to a child.
        self.0.stands.load(Relaxed) && !self.is_inherited()
    }

    /// For how long somebody has waited, and nobody has got on.
    #[must_use]
    pub fn stood(&self) -> Duration {
        // Before the lock, which another thread of the parent may have held when it forked.
        if self.is_inherited() {
            return Duration::ZERO;
        }
        self.0.state().turn.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Waits until the disk does not stand still any more.
    pub async fn moves(&self) {
        // In a forked child nothing stands, and nobody there may look at the list of those who wait.
        while self.stands() {
            let moved = self.0.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            if !self.stands() {
                return;
            }
            moved.await;
        }
    }
}

impl Shared {
    /// Takes the turn. It ends by [`end_turn`](Self::end_turn).
    pub(super) fn take_turn(&self, patience: Duration) -> Result<MutexGuard<'_, State>, Stands> {
        let mut state = self.state();
        for _ in 0..LOOKS {
            if !state.turn.is_taken {
                break;
            }
            // Another thread copies some hundred bytes.
            drop(state);
            (0..SPINS).for_each(|_| std::hint::spin_loop());
            state = self.state();
        }
        let (mut state, in_time) = self.wait_while(state, &self.turned, patience, |state| state.turn.is_taken);
        if !in_time {
            return Err(Stands);
        }
        state.turn.is_taken = true;
        Ok(state)
    }

    /// Takes the turn on a thread that may wait for the disk.
    pub(super) fn turn(&self) -> MutexGuard<'_, State> {
        loop {
            if let Ok(state) = self.take_turn(Duration::MAX) {
                return state;
            }
        }
    }

    pub(super) fn end_turn(&self, state: &mut State) {
        state.turn.is_taken = false;
        self.has_moved(state);
        if state.turn.waiting > 0 {
            self.turned.notify_one();
        }
    }

    /// Somebody got on.
    pub(super) fn has_moved(&self, state: &mut State) {
        if state.turn.since.take().is_some() && self.stands.swap(false, Relaxed) {
            self.moved.notify_waiters();
        }
    }

    /// Waits as long as that is so; says whether it is over in time.
    pub(super) fn wait_while<'s>(
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
            if waited >= STANDS {
                self.stands.store(true, Relaxed);
            }
            let left = patience.saturating_sub(waited);
            if left.is_zero() {
                return (state, false);
            }
            state.turn.waiting += 1;
            state = changed.wait_timeout(state, left.min(STANDS)).unwrap_or_else(PoisonError::into_inner).0;
            state.turn.waiting -= 1;
            if !is_so(&state) {
                return (state, true);
            }
        }
    }

    pub(super) fn stands_still(&self) -> JournalError {
        JournalError::Stands { path: self.place.root().to_owned() }
    }
}

/// How often a thread looks whether the turn is over before it sleeps, which costs more than most turns take.
const LOOKS: u32 = 32;
const SPINS: u32 = 16;
/// From then on the disk counts as one that stands still.
const STANDS: Duration = Duration::from_millis(20);
