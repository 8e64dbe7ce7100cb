//! How many calls have verified actors, and whether too few have.
//!
//! Invariants:
//! 1. Nothing is counted, and nothing is paid, where nobody wants to know who acts.
//! 2. Each window of calls is judged once, by the call that completes it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::identity::{Standing, UnverifiedAlarm};

/// The calls so far, by how well their actors are known.
#[derive(Debug)]
pub(crate) struct ActorCounts {
    alarm: UnverifiedAlarm,
    /// The operator has named extractors.
    is_configured: bool,
    /// An extractor can verify, or has verified, an actor.
    can_verify: AtomicBool,
    totals: [AtomicU64; 4],
    /// The calls of this window, and in the upper half those that count for the alarm.
    window: AtomicU64,
    is_alarmed: AtomicBool,
}

/// The totals, for metrics.
pub(in crate::trail) const STANDINGS: [&str; 4] = ["verified", "asserted", "unverified", "anonymous"];

impl ActorCounts {
    pub(in crate::trail) fn new(alarm: UnverifiedAlarm, is_configured: bool, can_verify: bool) -> Self {
        Self {
            alarm,
            is_configured,
            can_verify: AtomicBool::new(can_verify),
            totals: Default::default(),
            window: AtomicU64::new(0),
            is_alarmed: AtomicBool::new(false),
        }
    }

    /// Counts a call. Returns whether there is an alarm from now on, if that has changed.
    pub(in crate::trail) fn count(&self, standing: Standing) -> Option<bool> {
        let can_verify = self.can_verify.load(Ordering::Relaxed);
        if !self.is_configured && !can_verify && standing != Standing::Verified {
            return None;
        }
        let (index, counts) = match standing {
            Standing::Verified => {
                // Read before: all calls would write it otherwise.
                if !can_verify {
                    self.can_verify.store(true, Ordering::Relaxed);
                }
                (0, false)
            }
            Standing::Asserted => (1, can_verify),
            Standing::Unverified(_) => (2, true),
            Standing::Anonymous => (3, true),
            Standing::Server => return None,
        };
        self.totals.get(index)?.fetch_add(1, Ordering::Relaxed);
        let added = 1 | (u64::from(counts) << 32);
        let window = self.window.fetch_add(added, Ordering::Relaxed) + added;
        self.judge(window & u64::from(u32::MAX), window >> 32)
    }

    pub(in crate::trail) fn totals(&self) -> [u64; 4] {
        self.totals.each_ref().map(|total| total.load(Ordering::Relaxed))
    }

    /// The alarm is about that.
    pub(in crate::trail) fn alarm(&self) -> UnverifiedAlarm {
        self.alarm
    }

    fn judge(&self, calls: u64, counted: u64) -> Option<bool> {
        if calls != u64::from(self.alarm.calls.max(1)) {
            return None;
        }
        self.window.store(0, Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "both are below 2^32")]
        let is_high = counted as f64 > self.alarm.share * calls as f64;
        (self.is_alarmed.swap(is_high, Ordering::Relaxed) != is_high).then_some(is_high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::UnverifiedReason;

    fn counted(counts: &ActorCounts, standings: &[Standing]) -> Vec<Option<bool>> {
        standings.iter().map(|standing| counts.count(*standing)).collect()
    }

    #[test]
    fn each_window_is_judged_once() {
        use Standing::{Anonymous, Verified};
        let counts = ActorCounts::new(UnverifiedAlarm::new(0.5, 4), true, true);
        assert_eq!(
            counted(&counts, &[Anonymous, Verified, Anonymous, Verified]),
            [None; 4],
            "half is not more than half"
        );
        assert_eq!(counted(&counts, &[Anonymous, Anonymous, Anonymous, Verified]), [None, None, None, Some(true)]);
        assert_eq!(counted(&counts, &[Anonymous; 4]), [None; 4], "as before");
        assert_eq!(counted(&counts, &[Anonymous, Verified, Verified, Verified]), [None, None, None, Some(false)]);
        assert_eq!(counts.totals(), [6, 0, 0, 10]);
    }

    #[test]
    fn who_is_only_asserted_counts_where_somebody_could_be_verified() {
        let bad = Standing::Unverified(UnverifiedReason::Expired);
        let one = UnverifiedAlarm::new(0.5, 1);
        let asserting = ActorCounts::new(one, true, false);
        assert_eq!(
            counted(&asserting, &[Standing::Asserted, bad, Standing::Asserted]),
            [None, Some(true), Some(false)]
        );
        assert_eq!(counted(&asserting, &[Standing::Verified, Standing::Asserted]), [None, Some(true)]);
        assert_eq!(ActorCounts::new(one, true, true).count(Standing::Asserted), Some(true));
        let nobody_asks = ActorCounts::new(one, false, false);
        assert_eq!(counted(&nobody_asks, &[Standing::Anonymous; 3]), [None; 3]);
        assert_eq!(nobody_asks.totals(), [0; 4]);
        assert_eq!(ActorCounts::new(UnverifiedAlarm::new(1.0, 1), true, true).count(bad), None, "switched off");
    }
}
