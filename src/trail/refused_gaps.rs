//! Gap records that tell of the quarantine and end up there themselves.

use std::collections::BTreeSet;

use crate::journal::Sequence;
use crate::ship::GaveUp;

/// Knows which records of the stream tell of the quarantine, and holds back what is to be told of those alone.
#[derive(Debug, Default)]
pub(super) struct RefusedGaps {
    written: BTreeSet<Sequence>,
    held: Option<GaveUp>,
}

impl RefusedGaps {
    /// That record tells of the quarantine.
    pub(super) fn wrote(&mut self, sequence: Sequence) {
        if self.written.len() >= MOST_WRITTEN {
            self.written.pop_first();
        }
        self.written.insert(sequence);
    }

    /// Holds a report back if it is of such records alone. What is held back is told as one.
    pub(super) fn hold_back(&mut self, gap: GaveUp) -> bool {
        let of_gaps = self.written.range(gap.first..=gap.last).count() as u64;
        if of_gaps <= gap.last - gap.first {
            return false;
        }
        self.held = Some(match self.held {
            Some(held) => {
                let (first, last) = (held.first.min(gap.first), held.last.max(gap.last));
                // The same may be reported twice.
                let count = (held.count + gap.count).min(last - first + 1);
                GaveUp { count, of: last - first + 1, first, last, ..gap }
            }
            None => gap,
        });
        true
    }

    /// What is to be told now.
    pub(super) fn take(&mut self) -> Option<GaveUp> {
        self.held.take()
    }
}

/// Of an older one that is refused, another record tells: no more than that.
const MOST_WRITTEN: usize = 4096;
