//! Compares what ran with what was recorded.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use auditrail::record::{Record, Value, names};

use crate::proxy::Way;

/// Of one name of a tool.
#[derive(Debug, Default, Clone)]
struct Tally {
    ran: usize,
    /// The outcomes of its calls; one without a response has none.
    outcomes: Vec<Option<String>>,
}

/// A difference: the number of the entry, if the name of the tool tells it, and what is wrong.
pub(crate) type Difference = (Option<usize>, String);

pub(crate) fn differences(way: Way, ran: &[String], records: &[Record]) -> Vec<Difference> {
    let tallies = tallies(ran, records);
    tallies.into_iter().filter_map(|(tool, tally)| Some((number(&tool), tally.wrong(way, &tool)?))).collect()
}

/// The numbers of the entries of which something ran.
pub(crate) fn numbers(ran: &[String]) -> BTreeSet<usize> {
    ran.iter().filter_map(|tool| number(tool)).collect()
}

fn tallies(ran: &[String], records: &[Record]) -> BTreeMap<String, Tally> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for tool in ran {
        tallies.entry(plain(tool)).or_default().ran += 1;
    }
    let mut pairs: HashMap<(&str, String), Option<String>> = HashMap::new();
    for record in records {
        let Some(id) = record.text(names::AUDITRAIL_CALL_ID) else { continue };
        for tool in tools(record) {
            let outcome = pairs.entry((id, plain(&tool))).or_default();
            if record.text(names::AUDITRAIL_PHASE) == Some("response") {
                let said = record.text(names::AUDIT_OUTCOME).unwrap_or_default();
                let detail = record.text(names::AUDITRAIL_OUTCOME_DETAIL).unwrap_or_default();
                *outcome = Some(format!("{said}/{detail}"));
            }
        }
    }
    for ((_, tool), outcome) in pairs {
        tallies.entry(tool).or_default().outcomes.push(outcome);
    }
    tallies
}

/// The tool of a call; of what was not read for sure, those that others may find in it.
fn tools(record: &Record) -> Vec<String> {
    if record.event_name == "auditrail.mcp.tools.call" {
        return vec![record.text(names::GEN_AI_TOOL_NAME).unwrap_or_default().to_owned()];
    }
    let Some(Value::Array(readings)) = record.get(names::AUDITRAIL_MESSAGE_READINGS) else { return Vec::new() };
    let tool = |reading: &Value| match reading {
        Value::Str(reading) => {
            let behind = reading.strip_prefix("tools/call")?;
            Some(behind.strip_prefix(' ').unwrap_or(behind).to_owned())
        }
        _ => None,
    };
    readings.iter().filter_map(tool).collect()
}

impl Tally {
    fn wrong(&self, way: Way, tool: &str) -> Option<String> {
        let Self { ran, outcomes } = self;
        if way == Way::Shut {
            return (*ran > 0).then(|| format!("{tool}: {ran} ran, though all are refused"));
        }
        let halves = outcomes.iter().filter(|outcome| outcome.is_none()).count();
        let failed = outcomes.iter().flatten().filter(|outcome| outcome.starts_with("failure")).count();
        let recorded = outcomes.len();
        if *ran > recorded {
            return Some(format!("{tool}: {ran} ran, {recorded} recorded"));
        }
        if halves > 0 {
            return Some(format!("{tool}: {ran} ran, {recorded} recorded, {halves} of them without a response"));
        }
        if *ran > recorded - failed {
            let outcomes: Vec<_> = outcomes.iter().flatten().map(String::as_str).collect();
            return Some(format!("{tool}: {ran} ran, and was recorded as {}", outcomes.join(", ")));
        }
        None
    }
}

/// The number of the entry whose tool this is.
fn number(tool: &str) -> Option<usize> {
    let digits: String = tool.chars().filter(char::is_ascii_digit).collect();
    digits.get(..4)?.parse().ok()
}

/// What is no text is replaced by one letter, however many others would take for it.
fn plain(tool: &str) -> String {
    let mut plain = String::new();
    for letter in tool.chars() {
        if letter != '\u{fffd}' || !plain.ends_with('\u{fffd}') {
            plain.push(letter);
        }
    }
    plain
}
