//! Counts what is not a message: usually log lines that a server writes to standard output, by the thousands; and
//! input of a client that is not understood.
//!
//! Invariants:
//! 1. A record reports each one: the first have one each, and the rest is counted on records that stand for many, the
//!    last of which is written when the session or connection ends. Outside sessions, the connection of the HTTP
//!    requests counts ([`GarbageRate`](super::garbage_rate::GarbageRate)), because there may be as many requests as pieces of garbage.
//! 2. For a client, the limits are per message and per second ([`GarbageLimit`](super::garbage_limit::GarbageLimit)): a server may
//!    understand its input, but a flood of it must not take the space of calls.

use crate::record::{EventName, Outcome, names};
use crate::trail::{Core, MessageFacts, Moment};

/// The noise of one session or connection.
#[derive(Debug, Default)]
pub(super) struct GarbageCounter {
    seen: u64,
    not_json: Unrecorded,
    no_message: Unrecorded,
}

/// The noise of one kind since its last record.
#[derive(Debug, Default)]
struct Unrecorded {
    count: u64,
    /// How many the next record stands for; 0 before the first of them.
    most: u64,
    /// The transport of the first of them.
    facts: Option<MessageFacts>,
}

/// A record to be written.
#[derive(Debug)]
pub(super) struct GarbageRecord {
    pub(super) is_json: bool,
    pub(super) facts: MessageFacts,
    /// How many it stands for; `None` if it is a single one.
    pub(super) count: Option<u64>,
}

impl GarbageRecord {
    pub(super) fn tell(self, core: &Core) {
        let mut moment = no_message(self.is_json, self.facts);
        if let Some(count) = self.count {
            moment = moment.own(names::AUDITRAIL_MCP_FLAWED_COUNT, i64::try_from(count).unwrap_or(i64::MAX));
        }
        core.write_moment(moment);
    }
}

impl GarbageCounter {
    /// Counts one more. Returns the record that is due.
    pub(super) fn note(&mut self, is_json: bool, facts: impl FnOnce() -> MessageFacts) -> Option<GarbageRecord> {
        self.seen += 1;
        if self.seen <= FIRST {
            return Some(GarbageRecord { is_json, facts: facts(), count: None });
        }
        self.count(is_json, facts)
    }

    /// Counts one more that has no record of its own. Returns the record that is due.
    pub(super) fn count(&mut self, is_json: bool, facts: impl FnOnce() -> MessageFacts) -> Option<GarbageRecord> {
        let left_out = if is_json { &mut self.no_message } else { &mut self.not_json };
        left_out.count += 1;
        left_out.facts.get_or_insert_with(facts);
        if left_out.count < left_out.most.max(LEAST) {
            return None;
        }
        left_out.most = left_out.count.saturating_mul(10).min(MOST);
        left_out.take(is_json)
    }

    /// Whether that was the first one.
    pub(super) fn is_new(&self) -> bool {
        self.seen == 1
    }

    /// The records of what was counted since.
    pub(super) fn end(&mut self) -> impl Iterator<Item = GarbageRecord> {
        [self.not_json.take(false), self.no_message.take(true)].into_iter().flatten()
    }
}

impl Unrecorded {
    fn take(&mut self, is_json: bool) -> Option<GarbageRecord> {
        let facts = self.facts.take()?;
        Some(GarbageRecord { is_json, facts, count: Some(std::mem::take(&mut self.count)) })
    }
}

/// The record of something that is not a message.
pub(super) fn no_message(is_json: bool, facts: MessageFacts) -> Moment {
    let code = if is_json { INVALID_REQUEST } else { PARSE_ERROR };
    Moment::of_message(EventName::McpRequest, facts).outcome(Outcome::jsonrpc_error(code)).of_garbage()
}

/// JSON-RPC 2.0, section 5.1.
const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
/// Enough to see what kind it is; a server that logs there writes a line per call, or more.
const FIRST: u64 = 3;
/// The first count comes early and later ones rarely: each stands for ten times as many as the one before.
const LEAST: u64 = 10;
/// A killed process loses at most that many.
const MOST: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// The first, and counts that add up to the others.
    #[test]
    fn each_is_told_once() {
        for total in [1, 3, 4, 12, 13, 14, 500, 123_456] {
            let mut noise = GarbageCounter::default();
            let due = (0..total).filter_map(|number| noise.note(number % 3 == 0, MessageFacts::default));
            let mut told: Vec<_> = due.collect();
            told.extend(noise.end());
            let counts: Vec<_> = told.iter().map(|told| told.count).collect();
            assert_eq!(counts.iter().map(|count| count.unwrap_or(1)).sum::<u64>(), total);
            assert_eq!(counts.iter().filter(|count| count.is_none()).count() as u64, total.min(3));
            let json = told.iter().filter(|told| told.is_json).map(|told| told.count.unwrap_or(1)).sum::<u64>();
            assert_eq!(json, total.div_ceil(3));
            assert!(counts.len() <= 40, "{total} in {} records", counts.len());
            assert_eq!(noise.end().count(), 0, "and no more");
        }
    }
}
