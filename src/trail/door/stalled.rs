//! Waits for a stalled disk: a frozen file system, or a file server that does not answer.
//!
//! Invariants:
//! 1. No call waits for it longer than its class allows. Then the class decides: the record is left out, counted and reported, or
//!    the call is refused.
//! 2. Where the caller awaits, its thread is given back meanwhile.
//! 3. The time counts from when the disk was first seen to stand, but for who wants to wait
//!    ([`WhenFull::Wait`]): that it stands is found out once, not by each call anew.

use std::time::{Duration, Instant};

use crate::trail::calls::{Class, WhenFull};
use crate::trail::core::Core;
use crate::trail::timer::within;

impl Core {
    /// Waits while the disk stands still, no longer than such a call may.
    pub(in crate::trail) async fn moves(&self, class: Class) {
        if self.recorder.journal.is_stalled() {
            // What follows finds out whether it still does.
            let left = self.left_to_wait(class, Instant::now());
            let _late = within(left, self.recorder.journal.unstalled()).await;
        }
    }

    /// How long a call may still wait that has waited since then.
    pub(in crate::trail) fn left_to_wait(&self, class: Class, begun: Instant) -> Duration {
        let stood =
            if class.when_full == WhenFull::Wait { Duration::ZERO } else { self.recorder.journal.stalled_for() };
        class.deadline.saturating_sub(begun.elapsed().max(stood))
    }
}
