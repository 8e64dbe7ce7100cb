//! How long to wait before the next attempt.

use std::time::Duration;

use crate::record::Entropy;

/// Exponential, with full jitter: a random time between half of the current step and the step. It never gives up.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    cap: Duration,
    attempts: u32,
}

impl Backoff {
    /// For a sink that does not answer, or has no time: the low cap lets one that is back be found soon.
    pub(super) const fn away() -> Self {
        Self { first: Duration::from_millis(100), cap: Duration::from_secs(5), attempts: 0 }
    }

    /// For credentials that are refused: somebody must act, and whoever watches the sink's log must not be flooded.
    pub(super) const fn unauthorized() -> Self {
        Self { first: Duration::from_secs(5), cap: Duration::from_secs(60), attempts: 0 }
    }

    /// For answers that cannot be read: the sink may take the records each time, and have them once more.
    pub(super) const fn unreadable() -> Self {
        Self { first: Duration::from_millis(100), cap: Duration::from_secs(60), attempts: 0 }
    }

    /// The next pause.
    pub(super) fn next(&mut self, entropy: &dyn Entropy) -> Duration {
        let step = self.first.saturating_mul(1 << self.attempts.min(16)).min(self.cap);
        self.attempts = self.attempts.saturating_add(1);
        let mut random = [0; 4];
        entropy.fill(&mut random);
        let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        step.mul_f64(0.5 + share / 2.0)
    }

    /// Whether the trouble is no hiccup any more.
    pub(super) fn is_long(&self) -> bool {
        self.first.saturating_mul(1 << self.attempts.saturating_sub(1).min(16)) >= LONG
    }
}

/// A sink cannot silence the trail for longer than five minutes.
pub(super) fn granted(wish: Option<Duration>) -> Duration {
    wish.unwrap_or_default().min(LONGEST_WISH)
}

const LONGEST_WISH: Duration = Duration::from_secs(300);
const LONG: Duration = Duration::from_secs(5);
