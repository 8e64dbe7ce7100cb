//! How long to wait before the next attempt.

use std::time::Duration;

use crate::record::Entropy;

/// Exponential, with full jitter: a random time between half of the current step and the step. It never gives up; the
/// low cap lets a collector that is back be found soon.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next pause; the sink's own wish, if it is longer.
    pub(super) fn next(&mut self, wish: Option<Duration>, entropy: &dyn Entropy) -> Duration {
        let step = FIRST.saturating_mul(1 << self.attempts.min(16)).min(CAP);
        self.attempts = self.attempts.saturating_add(1);
        let mut random = [0; 4];
        entropy.fill(&mut random);
        let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        step.mul_f64(0.5 + share / 2.0).max(wish.unwrap_or_default().min(LONGEST_WISH))
    }
}

const FIRST: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(5);
/// A sink cannot silence the trail for longer.
const LONGEST_WISH: Duration = Duration::from_secs(300);
