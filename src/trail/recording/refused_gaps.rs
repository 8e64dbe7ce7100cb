//! Gap records about quarantined records that are refused themselves.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{Sequence, SinkName};
use crate::ship::RefusedRange;

/// Knows which records of the stream tell of the quarantine, and holds back what is to be told of those alone.
#[derive(Debug, Default)]
pub(in crate::trail) struct RefusedGaps {
    written: BTreeSet<Sequence>,
    /// By the sink that refused them, and their first and last numbers; neighbours are one.
    held: BTreeMap<(SinkName, Sequence, Sequence), RefusedRange>,
}

impl RefusedGaps {
    /// That record tells of the quarantine.
    pub(in crate::trail) fn wrote(&mut self, sequence: Sequence) {
        if self.written.len() >= MOST_WRITTEN {
            self.written.pop_first();
        }
        self.written.insert(sequence);
    }

    /// Holds a report back if it is of such records alone.
    pub(in crate::trail) fn hold_back(&mut self, gap: RefusedRange) -> bool {
        let of_gaps = self.written.range(gap.first..=gap.last).count() as u64;
        if of_gaps <= gap.last - gap.first {
            return false;
        }
        let place = (gap.sink, gap.first, gap.last);
        let beside = [self.held.range(..=place).next_back(), self.held.range(place..).next()];
        let whole = beside.into_iter().flatten().find_map(|(key, held)| Some((*key, joined(held, &gap)?)));
        if let Some((key, whole)) = whole {
            self.held.remove(&key);
            self.held.insert((whole.sink, whole.first, whole.last), whole);
            return true;
        }
        let has_room = self.held.len() < MOST_HELD;
        self.held.extend(has_room.then_some((place, gap)));
        has_room
    }

    /// What is to be told now.
    pub(in crate::trail) fn take(&mut self) -> Vec<RefusedRange> {
        std::mem::take(&mut self.held).into_values().collect()
    }
}

/// Two reports as one, if no number comes in that neither of them has. The same may be reported twice.
fn joined(held: &RefusedRange, gap: &RefusedRange) -> Option<RefusedRange> {
    if held.sink != gap.sink {
        return None;
    }
    if (held.first, held.last) == (gap.first, gap.last) {
        return Some(RefusedRange { count: held.count.max(gap.count), ..*held });
    }
    let touch = held.first <= gap.last.saturating_add(1) && gap.first <= held.last.saturating_add(1);
    (touch && held.is_whole() && gap.is_whole()).then(|| {
        let (first, last) = (held.first.min(gap.first), held.last.max(gap.last));
        let count = last - first + 1;
        RefusedRange { first, last, count, of: count, ..*held }
    })
}

/// Of an older one that is refused, another record tells: no more than that.
const MOST_WRITTEN: usize = 4096;
/// What is beyond is told without waiting.
const MOST_HELD: usize = 4096;

#[cfg(test)]
mod tests;
