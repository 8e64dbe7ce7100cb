//! What is no message: log lines that a server writes to standard output, as a rule, by the thousands; and whatever a client
//! sends that nobody understands.
//!
//! Invariants:
//! 1. Of each, a record tells: the first have one each, the others are counted on records that stand for so many, the last of
//!    which comes when the session or connection ends. Outside sessions, it is the connection ([`Pace`](super::pace::Pace)) over which HTTP
//!    requests come that counts: of requests, there may be as many as there is garbage.
//! 2. Of a client, the first are those of each message and of each second ([`Garbage`](super::garbage::Garbage)): what it sends may be something to some
//!    server, but a flood of it must not take the room of calls.

use crate::record::{EventName, Outcome, names};
use crate::trail::{Core, MessageFacts, Moment};

/// Of one session or connection.
#[derive(Debug, Default)]
pub(super) struct Noise {
    seen: u64,
    not_json: LeftOut,
    no_message: LeftOut,
}

/// Of one kind, since the last record of it.
#[derive(Debug, Default)]
struct LeftOut {
    count: u64,
    /// How many stand on the next record; 0 before the first of them.
    most: u64,
    /// How the first of them came.
    facts: Option<MessageFacts>,
}

/// A record that is to be written.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) is_json: bool,
    pub(super) facts: MessageFacts,
    /// How many it stands for; `None` for one of its own.
    pub(super) count: Option<u64>,
}

impl Told {
    pub(super) fn tell(self, core: &Core) {
        let mut moment = no_message(self.is_json, self.facts);
        if let Some(count) = self.count {
            moment = moment.own(names::AUDITRAIL_MCP_FLAWED_COUNT, i64::try_from(count).unwrap_or(i64::MAX));
        }
        core.write_moment(moment);
    }
}

impl Noise {
    /// One more. Gives the record that is due.
    pub(super) fn note(&mut self, is_json: bool, facts: impl FnOnce() -> MessageFacts) -> Option<Told> {
        self.seen += 1;
        if self.seen <= FIRST {
            return Some(Told { is_json, facts: facts(), count: None });
        }
        self.count(is_json, facts)
    }

    /// One more that has no record of its own. Gives the record that is due.
    pub(super) fn count(&mut self, is_json: bool, facts: impl FnOnce() -> MessageFacts) -> Option<Told> {
        let left_out = if is_json { &mut self.no_message } else { &mut self.not_json };
        left_out.count += 1;
        left_out.facts.get_or_insert_with(facts);
        if left_out.count < left_out.most.max(LEAST) {
            return None;
        }
        left_out.most = left_out.count.saturating_mul(10).min(MOST);
        left_out.take(is_json)
    }

    /// Whether that was the first.
    pub(super) fn is_new(&self) -> bool {
        self.seen == 1
    }

    /// The records of what was counted since.
    pub(super) fn end(&mut self) -> impl Iterator<Item = Told> {
        [self.not_json.take(false), self.no_message.take(true)].into_iter().flatten()
    }
}

impl LeftOut {
    fn take(&mut self, is_json: bool) -> Option<Told> {
        let facts = self.facts.take()?;
        Some(Told { is_json, facts, count: Some(std::mem::take(&mut self.count)) })
    }
}

/// The record of what is no message.
pub(super) fn no_message(is_json: bool, facts: MessageFacts) -> Moment {
    let code = if is_json { INVALID_REQUEST } else { PARSE_ERROR };
    Moment::of_message(EventName::McpRequest, facts).outcome(Outcome::jsonrpc_error(code)).of_garbage()
}

/// JSON-RPC 2.0, section 5.1.
const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
/// Enough to see of what kind it is; a server that logs there writes a line a call, or more.
const FIRST: u64 = 3;
/// The first count comes soon, and later ones seldom: each is worth ten times the one before.
const LEAST: u64 = 10;
/// A process that is killed takes no more than that with it.
const MOST: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// The first, and counts that add up to the others.
    #[test]
    fn each_is_told_once() {
        for total in [1, 3, 4, 12, 13, 14, 500, 123_456] {
            let mut noise = Noise::default();
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
