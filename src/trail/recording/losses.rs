//! Losses: the records of a stream that a sink does not have and will not get. Counters need them, and so do callers that wait until
//! the sink that `remote` means has accepted a record.
//!
//! Invariants:
//! 1. Until its number is settled, a record counts as pending, whatever was reported of it.
//! 2. A report comes before its numbers are settled. So a caller that looks here once its record is settled sees it.
//! 3. Memory is bounded. A number that may have been forgotten counts as not accepted.
//! 4. A record that several sinks refuse counts once, as far as it is known which ones each of them refused.
//! 5. What another sink refused says nothing of the one that `remote` means; what was lost on the disk, no sink gets.

use std::collections::VecDeque;
use std::fmt;

use crate::journal::{Sequence, SinkName, planted};
use crate::trail::calls::Acknowledge;

/// Reports of the journal and of the shipper.
#[derive(Debug, Default)]
pub(in crate::trail) struct Losses {
    /// Reported, and not settled yet.
    reported: Vec<LossReport>,
    quarantined: u64,
    lost: u64,
    /// Which numbers these are, the latest: in order, without gaps between neighbours.
    counted: VecDeque<(Sequence, Sequence)>,
    /// The latest of all, oldest first.
    ranges: VecDeque<Range>,
    /// The last number that a range which is not kept any more had.
    forgotten: Sequence,
}

/// What is reported at a time.
#[derive(Debug, Clone, Copy)]
pub(in crate::trail) struct LossReport {
    pub(in crate::trail) first: Sequence,
    pub(in crate::trail) last: Sequence,
    pub(in crate::trail) quarantined: u64,
    pub(in crate::trail) lost: u64,
    /// Who does not get them; `None` if nobody does.
    pub(in crate::trail) sink: Option<SinkName>,
}

#[derive(Debug, Clone, Copy)]
struct Range {
    first: Sequence,
    last: Sequence,
    why: NotAccepted,
}

/// Why a record that is settled does not count as accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trail) enum NotAccepted {
    /// The collector refused it.
    Refused,
    /// The collector refused some of the records that went with it, and did not say which.
    MaybeRefused,
    /// It was damaged or removed on the disk.
    Lost,
    /// Too much was reported since.
    Forgotten,
}

impl Losses {
    /// Takes a report, when that much is settled. The same may be reported again, if it could not be settled.
    pub(in crate::trail) fn note(&mut self, losses: LossReport, settled: Sequence) {
        self.up_to(settled);
        let LossReport { first, last, sink, .. } = losses;
        self.reported.retain(|known| (known.first, known.last, known.sink) != (first, last, sink));
        self.reported.push(losses);
        if sink.is_none_or(|sink| sink == Acknowledge::REMOTE_SINK) {
            self.keep(Range { first, last, why: losses.why() });
        }
    }

    /// How many of the records up to `settled` are in quarantine, and how many were lost.
    pub(in crate::trail) fn up_to(&mut self, settled: Sequence) -> (u64, u64) {
        let Self { reported, quarantined, lost, counted, .. } = self;
        reported.retain(|losses| {
            let is_settled = losses.last <= settled;
            if is_settled {
                *lost += count(counted, losses, losses.lost);
                *quarantined += count(counted, losses, losses.quarantined);
            }
            !is_settled
        });
        (*quarantined, *lost)
    }

    /// Why the sink that `remote` means does not have a record that is settled; `None` if it has accepted it.
    pub(in crate::trail) fn why(&self, settled: Sequence) -> Option<NotAccepted> {
        // The latest first: that is what callers wait for.
        let known = self.ranges.iter().rev().find(|range| (range.first..=range.last).contains(&settled));
        let known = known.filter(|range| range.why != NotAccepted::Lost || !planted("count-lost-as-accepted"));
        known.map(|range| range.why).or_else(|| (settled <= self.forgotten).then_some(NotAccepted::Forgotten))
    }

    fn keep(&mut self, range: Range) {
        if let Some(last) = self.ranges.back_mut().filter(|last| last.why == range.why)
            && range.first <= last.last.saturating_add(1)
            && last.first <= range.first
        {
            last.last = last.last.max(range.last);
            return;
        }
        if self.ranges.len() >= MOST_RANGES
            && let Some(oldest) = self.ranges.pop_front()
        {
            self.forgotten = self.forgotten.max(oldest.last);
        }
        self.ranges.push_back(range);
    }
}

/// Counts that many numbers of a report which did not count before, and returns how many there were.
fn count(counted: &mut VecDeque<(Sequence, Sequence)>, of: &LossReport, wanted: u64) -> u64 {
    let (mut next, mut left, mut new) = (of.first, wanted, Vec::new());
    let around = |(first, last): &&(Sequence, Sequence)| *last >= of.first && *first <= of.last;
    let end = (of.last.saturating_add(1), Sequence::MAX);
    for (first, last) in counted.iter().filter(around).copied().chain([end]) {
        let free = first.saturating_sub(next).min(left);
        if free > 0 {
            new.push((next, next + free - 1));
            left -= free;
        }
        next = next.max(last.saturating_add(1));
    }
    for (first, last) in new {
        let place = counted.partition_point(|known| known.0 < first);
        match place.checked_sub(1).and_then(|before| counted.get_mut(before)) {
            Some(before) if before.1 + 1 == first => before.1 = last,
            _ => counted.insert(place, (first, last)),
        }
    }
    while counted.len() > MOST_RANGES {
        counted.pop_front();
    }
    wanted - left
}

impl LossReport {
    const fn why(&self) -> NotAccepted {
        match (self.lost, self.quarantined) {
            (1.., _) => NotAccepted::Lost,
            (_, quarantined) if quarantined > self.last - self.first => NotAccepted::Refused,
            _ => NotAccepted::MaybeRefused,
        }
    }
}

impl fmt::Display for NotAccepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the collector refused it for good; it is in quarantine",
            Self::MaybeRefused => "the collector refused some of the records that went with it, and did not say which",
            Self::Lost => "it was damaged or removed on the disk before it was sent",
            Self::Forgotten => {
                "nobody knows whether the collector accepted it, as too many records after it were refused"
            }
        })
    }
}

/// Many seconds of refusals that alternate with acceptances: each is a synced file of the quarantine.
const MOST_RANGES: usize = 4096;

#[cfg(test)]
mod tests;
