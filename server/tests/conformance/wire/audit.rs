//! Compares the requests on the wire with their records: each request has one pair, and each pair its request.
//!
//! A request that the server refuses without reading it (a wrong `Host`) is known as an HTTP request only: its pair is one of
//! `auditrail.http.request` with the status of that refusal.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use auditrail::record::{Record, Value, names};

use super::log::{Answer, Direction, Request};

/// What does not match.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Audit {
    requests: usize,
    /// Requests without a pair of records, and how often.
    missing: BTreeMap<Key, usize>,
    /// Pairs of records without a request, and how often.
    surplus: BTreeMap<Key, usize>,
    /// Calls that do not have exactly one request record and one response record: their keys and phases.
    unpaired: Vec<(Key, Vec<String>)>,
    /// How the requests of each key ended, as far as the wire tells.
    ends: BTreeMap<Key, BTreeSet<String>>,
    /// What the records tell of each call, a line for each, to be shown of what is odd.
    told: Vec<(Key, String)>,
}

/// Sessions have the same ids again, so what has one key is counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    direction: Direction,
    method: String,
    /// As JSON: `1` and `"1"` are two ids.
    id: String,
}

impl Audit {
    pub(crate) fn of(wire: &[Request], records: &[Record]) -> Self {
        let (mut wanted, mut ends) = (BTreeMap::<Key, usize>::new(), BTreeMap::<Key, BTreeSet<String>>::new());
        for request in wire {
            let (direction, method, id) = (request.direction, request.method.clone(), request.id.to_string());
            let key = Key { direction, method, id };
            ends.entry(key.clone()).or_default().insert(end(request));
            *wanted.entry(key).or_default() += 1;
        }
        let mut found = BTreeMap::<Key, usize>::new();
        let mut unpaired = Vec::new();
        let mut told = Vec::new();
        for (key, Found { mut phases, lines }) in calls(records) {
            told.extend(lines.into_iter().map(|line| (key.clone(), line)));
            phases.sort();
            if phases == ["request", "response"] {
                *found.entry(key).or_default() += 1;
            } else {
                unpaired.push((key, phases));
            }
        }
        let (mut missing, mut surplus) = (less(&wanted, &found), less(&found, &wanted));
        for request in wire.iter().filter(|request| request.answer.is_none()) {
            let (direction, method, id) = (request.direction, request.method.clone(), request.id.to_string());
            let unread = request.status.map(|status| unread(status.as_u16()));
            if let Some(unread) = unread.filter(|unread| surplus.contains_key(unread)) {
                // In this order: only what has no pair of its own takes one of those.
                if take(&mut missing, &Key { direction, method, id }) {
                    take(&mut surplus, &unread);
                }
            }
        }
        Self { requests: wire.len(), missing, surplus, unpaired, ends, told }
    }

    /// Takes out the refusals of what has no message, such as of a GET for a session that has just been deleted.
    pub(crate) fn forgive_refused_streams(&mut self, records: &[Record]) {
        for record in responses(records).filter(|record| record.event_name == "auditrail.http.request") {
            let no_message = record.text(names::HTTP_REQUEST_METHOD).is_some_and(|method| method != "POST");
            if let (true, Some(Value::Int(status))) = (no_message, record.get(names::HTTP_RESPONSE_STATUS_CODE)) {
                take(&mut self.surplus, &unread(u16::try_from(*status).unwrap()));
            }
        }
    }

    /// Takes out the refusals of what asks nothing, such as an answer of the client that came too late: their statuses.
    pub(crate) fn forgive_refused(&mut self, statuses: &[u16]) {
        for status in statuses {
            take(&mut self.surplus, &unread(*status));
        }
    }

    /// Takes out what a wire behind the proxy cannot know: requests whose client went away before all of them came here.
    pub(crate) fn forgive_what_never_arrived(&mut self, records: &[Record]) {
        for record in responses(records).filter(|record| record.text(names::ERROR_TYPE) == Some("disconnected")) {
            take(&mut self.surplus, &key(record));
        }
    }

    /// How many requests passed, and how many of them have a pair of records.
    pub(crate) fn audited(&self) -> (usize, usize) {
        (self.requests, self.requests - self.missing.values().sum::<usize>())
    }

    /// Every request on the wire has exactly one pair of records, and nothing else has one.
    pub(crate) fn assert_one_pair_each(&self) {
        assert!(self.requests > 0, "nothing was seen on the wire");
        let is_sound = self.missing.is_empty() && self.surplus.is_empty() && self.unpaired.is_empty();
        assert!(is_sound, "{self}{}", self.odd());
    }

    /// The records of all calls that have the key of one that does not match.
    fn odd(&self) -> String {
        let is_odd = |key: &Key| self.surplus.contains_key(key) || self.unpaired.iter().any(|(odd, _)| odd == key);
        let odd = self.told.iter().filter(|(key, _)| is_odd(key));
        odd.map(|(key, line)| format!("  {} {} {:?}: {line}\n", key.method, key.id, self.ends.get(key))).collect()
    }
}

/// Without the ids: a line for each method. Where one key was used several times it is not known which of them had
/// records, so the ends of all of them are shown.
impl fmt::Display for Audit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (requests, audited) = self.audited();
        writeln!(formatter, "{audited} of {requests} requests on the wire have a pair of records")?;
        for (what, counts) in [("no pair", &self.missing), ("pair without request", &self.surplus)] {
            let mut by_method = BTreeMap::<_, (usize, BTreeSet<&str>)>::new();
            for (key, count) in counts {
                let (sum, ends) = by_method.entry((key.direction, &key.method)).or_default();
                *sum += count;
                ends.extend(self.ends.get(key).into_iter().flatten().map(String::as_str));
            }
            for ((direction, method), (count, ends)) in by_method {
                let ends = ends.into_iter().collect::<Vec<_>>().join(" or ");
                let line = format!("  {what}: {count} × {method} ({direction:?}) {ends}");
                writeln!(formatter, "{}", line.trim_end())?;
            }
        }
        for (key, phases) in &self.unpaired {
            writeln!(formatter, "  not one pair: {} {} has {phases:?}", key.method, key.id)?;
        }
        Ok(())
    }
}

/// The status of its HTTP response, and what answered it.
fn end(request: &Request) -> String {
    let status = request.status.map(|status| status.as_u16().to_string());
    let answer = match request.answer {
        Some(Answer::Result) => "result".to_owned(),
        Some(Answer::Error(code)) => format!("error {code}"),
        None => "no answer".to_owned(),
    };
    status.into_iter().chain([answer]).collect::<Vec<_>>().join(" ")
}

/// The records of one call.
#[derive(Debug, Default)]
struct Found {
    phases: Vec<String>,
    lines: Vec<String>,
}

/// The audited calls. What has no phase is no call: a notification, or what the trail tells of itself.
fn calls(records: &[Record]) -> Vec<(Key, Found)> {
    let mut calls = BTreeMap::<&str, (Key, Found)>::new();
    for record in records {
        let Some(phase) = record.text(names::AUDITRAIL_PHASE) else { continue };
        let call = record.text(names::AUDITRAIL_CALL_ID).unwrap();
        let (known, found) = calls.entry(call).or_insert_with(|| (key(record), Found::default()));
        found.phases.push(phase.to_owned());
        found.lines.push(line(record));
        if let (true, Some(Value::Int(status))) =
            (record.event_name == "auditrail.http.request", record.get(names::HTTP_RESPONSE_STATUS_CODE))
        {
            *known = unread(u16::try_from(*status).unwrap());
        }
    }
    calls.into_values().collect()
}

/// All short facts of a record.
fn line(record: &Record) -> String {
    let facts = record.attributes.iter().map(|(name, value)| format!("{name}={value:?}"));
    format!("{} at {} {}", record.event_name, record.time_unix_nano, facts.collect::<Vec<_>>().join(" "))
}

fn responses(records: &[Record]) -> impl Iterator<Item = &Record> {
    records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("response"))
}

/// The key of an HTTP request of which no message is known.
fn unread(status: u16) -> Key {
    Key { direction: Direction::ClientToServer, method: format!("HTTP {status}"), id: String::new() }
}

/// One less; whether there was one.
fn take(counts: &mut BTreeMap<Key, usize>, key: &Key) -> bool {
    let Some(count) = counts.get_mut(key) else { return false };
    *count -= 1;
    if *count == 0 {
        counts.remove(key);
    }
    true
}

fn key(record: &Record) -> Key {
    let text = |name| record.text(name).unwrap_or_default().to_owned();
    let direction = match record.text(names::AUDITRAIL_MCP_DIRECTION) {
        Some("server_to_client") => Direction::ServerToClient,
        _ => Direction::ClientToServer,
    };
    let id = text(names::JSONRPC_REQUEST_ID);
    let is_text = record.text(names::AUDITRAIL_JSONRPC_ID_TYPE) == Some("string");
    Key { direction, method: text(names::MCP_METHOD_NAME), id: if is_text { format!("{id:?}") } else { id } }
}

/// How many more there are in `these` than in `those`.
fn less(these: &BTreeMap<Key, usize>, those: &BTreeMap<Key, usize>) -> BTreeMap<Key, usize> {
    let more = |(key, count): (&Key, &usize)| {
        let more = count.saturating_sub(those.get(key).copied().unwrap_or(0));
        (more > 0).then(|| (key.clone(), more))
    };
    these.iter().filter_map(more).collect()
}
