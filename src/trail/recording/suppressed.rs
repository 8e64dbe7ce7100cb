//! Counts the records that the policy leaves out, and tells of them by gap records.
//!
//! Invariants:
//! 1. Each record that is left out is counted once, by what left it out, and told once.
//! 2. Memory is bounded: of the rules beyond the first [`MOST_NAMED`] since the last report it is told without their names.
//! 3. Nothing is allocated for a record that is left out by a rule that has left out others since the last report.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::gaps::Untold;
use crate::locks::Mutex;
use crate::policy::RuleRef;
use crate::trail::records::Gap;

/// `auditrail.gap.cause` of records that the policy leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trail) enum LeftOutBy {
    /// A rule does not want them.
    Rule,
    /// Others of their kind are kept.
    Sample,
}

/// Counters of what the policy leaves out.
#[derive(Debug, Default)]
pub(in crate::trail) struct Suppressed {
    count: AtomicU64,
    untold: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    by: LeftOutBy,
    /// `None` for rules beyond those that are named.
    rule: Option<(RuleRef, Arc<str>)>,
    untold: Untold,
}

impl Suppressed {
    /// All of them.
    pub(in crate::trail) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// A record was left out, by that rule of the policy with that digest.
    pub(in crate::trail) fn note(&self, by: LeftOutBy, rule: &RuleRef, digest: &str, now: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        let mut entries = self.untold.lock();
        let is_it = |entry: &Entry| {
            let of_rule = entry.rule.as_ref().is_some_and(|(own, policy)| own == rule && **policy == *digest);
            entry.by == by && of_rule
        };
        let is_rest = |entry: &Entry| entry.by == by && entry.rule.is_none();
        let is_full = entries.len() >= MOST_NAMED;
        let known = entries.iter().position(is_it).or_else(|| entries.iter().position(is_rest).filter(|_| is_full));
        match known.and_then(|at| entries.get_mut(at)) {
            Some(entry) => entry.untold.note(now),
            None => {
                let mut untold = Untold::default();
                untold.note(now);
                let rule = (!is_full).then(|| (rule.clone(), digest.into()));
                entries.push(Entry { by, rule, untold });
            }
        }
    }

    /// What no record has told yet.
    pub(in crate::trail) fn untold(&self) -> Vec<Gap> {
        let entries = std::mem::take(&mut *self.untold.lock());
        let gap = |Entry { by, rule, untold }: Entry| {
            let cause = match by {
                LeftOutBy::Rule => "suppressed",
                LeftOutBy::Sample => "sampled",
            };
            let (count, since, until) = untold.told();
            let (rule, policy) = rule.map(|(rule, policy)| (rule.name.to_string(), policy.to_string())).unzip();
            Gap { rule, policy, ..Gap::without_numbers(cause, count, (since, until)) }
        };
        entries.into_iter().map(gap).collect()
    }
}

/// More rules than people write that leave something out.
const MOST_NAMED: usize = 64;
