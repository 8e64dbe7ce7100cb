//! Pauses between attempts.

use std::time::Duration;

use crate::record::Entropy;

/// Exponential backoff with full jitter: a random time between half of the current step and the step. It never gives
/// up.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    cap: Duration,
    attempts: u32,
}

impl Backoff {
    /// For a sink that does not answer, or is overloaded. The low cap finds a sink that is back soon.
    pub(super) const fn away() -> Self {
        Self { first: Duration::from_millis(100), cap: Duration::from_secs(5), attempts: 0 }
    }

    /// For refused credentials. Somebody has to act, and the sink's log must not be flooded meanwhile.
    pub(super) const fn unauthorized() -> Self {
        Self { first: Duration::from_secs(5), cap: Duration::from_secs(60), attempts: 0 }
    }

    /// For unreadable answers. The sink may store the records at each attempt, so attempts are rare.
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

    /// Whether the trouble lasts longer than a hiccup.
    pub(super) fn is_long(&self) -> bool {
        self.first.saturating_mul(1 << self.attempts.saturating_sub(1).min(16)) >= LONG
    }
}

/// The delay that a sink asked for, limited to five minutes, so that no sink can silence the trail.
pub(super) fn granted(wish: Option<Duration>) -> Duration {
    wish.unwrap_or_default().min(LONGEST_WISH)
}

const LONGEST_WISH: Duration = Duration::from_secs(300);
const LONG: Duration = Duration::from_secs(5);
