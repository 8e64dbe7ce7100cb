//! What a journal may and must do, kept by an observer that is never killed.

use std::collections::{BTreeMap, BTreeSet};

use auditrail::journal::Sequence;

/// What is known of one stream.
#[derive(Debug, Default)]
pub struct Told {
    /// Records that were acknowledged, and whether as synced.
    pub must: BTreeMap<Sequence, (Vec<u8>, bool)>,
    /// Records that may or may not be there: the process died in the append, or the power went before the commit.
    pub may: BTreeMap<Sequence, Vec<Vec<u8>>>,
    /// What the sink has.
    pub delivered: BTreeMap<Sequence, Vec<u8>>,
    /// What was reported as lost.
    pub lost: BTreeSet<Sequence>,
    /// Records that belong to no call.
    pub alone: BTreeSet<Sequence>,
    /// What was damaged on the disk, and the sink did not have: it comes all the same, or is reported.
    pub damaged: BTreeSet<Sequence>,
    /// What is settled is not sent again, unless the power went or somebody touched the cursor.
    pub settled: Sequence,
    /// The disk has failed since it was adopted or begun, so that what is not synced may go with the process.
    pub shaky: bool,
    /// Somebody touched the cursor: what was settled may be reported as lost.
    pub tampered: bool,
    pub calls: Vec<Call>,
    pub removed: bool,
}

/// A call, by its request.
#[derive(Debug)]
pub struct Call {
    pub request: Vec<u8>,
    pub asked: Certainty,
    pub answered: Certainty,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    No,
    Maybe,
    Written,
    Synced,
}

impl Told {
    pub fn acknowledged(&mut self, sequence: Sequence, payload: Vec<u8>) {
        assert!(!self.delivered.contains_key(&sequence), "number {sequence} is used again: the sink has it");
        let before = self.must.insert(sequence, (payload, false));
        assert!(before.is_none(), "number {sequence} is used again: it was acknowledged");
        self.may.remove(&sequence);
        self.lost.remove(&sequence);
    }

    pub fn synced(&mut self) {
        self.must.values_mut().for_each(|(_, synced)| *synced = true);
        for call in &mut self.calls {
            for certainty in [&mut call.asked, &mut call.answered] {
                if *certainty == Certainty::Written {
                    *certainty = Certainty::Synced;
                }
            }
        }
    }

    /// It is durable, or whoever waited for it was told that it may not be.
    pub fn answered(&mut self, sequence: Sequence, is_durable: bool) {
        if is_durable {
            self.must.get_mut(&sequence).into_iter().for_each(|(_, synced)| *synced = true);
        } else if let Some((payload, _)) = self.must.remove(&sequence) {
            self.may.entry(sequence).or_default().push(payload);
        }
    }

    /// A record that stands alone and is synced, and that the sink does not have, by number: it is damaged now.
    pub fn damage(&mut self, by_chance: u64) -> Option<Vec<u8>> {
        let can_be = |(sequence, (_, synced)): &(&Sequence, &(Vec<u8>, bool))| *synced && self.is_alone(**sequence);
        let many = self.must.iter().filter(can_be).count() as u64;
        let at = usize::try_from(by_chance.checked_rem(many)?).ok()?;
        let sequence = *self.must.iter().filter(can_be).nth(at)?.0;
        let (payload, _) = self.must.remove(&sequence)?;
        self.may.entry(sequence).or_default().push(payload.clone());
        self.damaged.insert(sequence);
        Some(payload)
    }

    fn is_alone(&self, sequence: Sequence) -> bool {
        self.alone.contains(&sequence) && !self.delivered.contains_key(&sequence)
    }

    /// The process that had it was killed.
    pub fn killed(&mut self) {
        if self.shaky {
            self.power_lost();
        }
    }

    pub fn power_lost(&mut self) {
        self.settled = 0;
        let (synced, rest) = std::mem::take(&mut self.must).into_iter().partition(|(_, (_, synced))| *synced);
        self.must = synced;
        let rest: BTreeMap<Sequence, (Vec<u8>, bool)> = rest;
        for (sequence, (payload, _)) in rest {
            self.may.entry(sequence).or_default().push(payload);
        }
        for call in &mut self.calls {
            for certainty in [&mut call.asked, &mut call.answered] {
                if *certainty == Certainty::Written {
                    *certainty = Certainty::Maybe;
                }
            }
        }
    }

    pub fn delivered(&mut self, sequence: Sequence, payload: &[u8], own: bool) {
        assert!(sequence > self.settled || self.tampered, "{sequence} is sent again, and {} was settled", self.settled);
        match (self.must.get(&sequence), self.may.get(&sequence)) {
            (Some((told, synced)), _) => {
                assert!(told == payload, "{sequence} came back changed");
                assert!(*synced || !own, "{sequence} was read and is not synced");
            }
            (None, Some(candidates)) => {
                assert!(candidates.iter().any(|told| told == payload), "{sequence} was never emitted like that");
            }
            (None, None) => panic!("{sequence} was never emitted"),
        }
        assert!(!self.lost.contains(&sequence), "{sequence} was reported as lost before");
        if let Some(before) = self.delivered.insert(sequence, payload.to_vec()) {
            assert!(before == payload, "a fork: the sink has another {sequence}");
        }
    }

    pub fn reported_lost(&mut self, first: Sequence, last: Sequence) {
        assert!(first <= last && last - first < 1 << 20, "{first}..={last}");
        for sequence in first..=last {
            // It was damaged after it had been sent, and before it was settled.
            let may_be_sent = self.tampered || self.damaged.contains(&sequence);
            if may_be_sent && self.delivered.contains_key(&sequence) {
                continue;
            }
            assert!(!self.delivered.contains_key(&sequence), "{sequence} is reported as lost, and the sink has it");
            let was_synced = self.must.remove(&sequence).map(|(_, synced)| synced);
            let may_be = was_synced.is_none() || self.shaky && was_synced == Some(false);
            assert!(may_be, "{sequence} was acknowledged, and is lost");
            self.lost.insert(sequence);
            // A cursor that stands among what was lost may not be believed: then all is sent again.
            self.settled = 0;
        }
    }

    /// What the adopter says to be open, against what is known. Who could not read the mark does not know whether a damaged answer
    /// was shipped, and the next one may.
    pub fn open_at_adoption(&mut self, open: &[&[u8]], is_sure: bool) {
        for call in &mut self.calls {
            let is_open = open.contains(&&call.request[..]);
            let certainly_asked = matches!(call.asked, Certainty::Written | Certainty::Synced);
            let certainly_answered = matches!(call.answered, Certainty::Written | Certainty::Synced);
            assert!(!(is_open && certainly_answered), "an answered call is open");
            assert!(is_open || !certainly_asked || call.answered != Certainty::No, "a call that is open was forgotten");
            assert!(!is_open || call.asked != Certainty::No, "a call that never was is open");
            if is_open {
                (call.asked, call.answered) = (Certainty::Synced, Certainty::No);
            }
        }
        let is_open = |call: &Call| open.contains(&&call.request[..]);
        assert_eq!(
            self.calls.iter().filter(|call| is_open(call)).count(),
            open.len(),
            "a call is open that nobody knows of"
        );
        // The power went before the request was synced. It may be gone from the segment that it was written to again; when the
        // power takes the header of a later one, too, the older copy tells.
        self.calls.retain(|call| is_open(call) || call.asked == Certainty::Maybe || !is_sure);
    }

    /// Nothing of it is left.
    pub fn may_be_gone(&self) {
        for sequence in self.must.keys().chain(&self.damaged) {
            let known = self.delivered.contains_key(sequence) || self.lost.contains(sequence);
            assert!(known, "{sequence} was acknowledged, and its stream is gone");
        }
    }

    /// At the very end.
    pub fn is_complete(&self) {
        for sequence in self.must.keys() {
            assert!(self.delivered.contains_key(sequence), "{sequence} was acknowledged and never came back");
        }
        for sequence in &self.damaged {
            let known = self.delivered.contains_key(sequence) || self.lost.contains(sequence);
            assert!(known, "{sequence} was damaged, and nobody was told");
        }
        let last = self.delivered.keys().next_back().copied().unwrap_or(0);
        for sequence in 1..=last {
            // A cursor that was set ahead made the stream skip numbers that nothing ever had.
            let known = self.delivered.contains_key(&sequence) || self.lost.contains(&sequence) || self.tampered;
            assert!(known, "{sequence} is missing and was not reported");
        }
    }
}
