//! Tells what was there instead of what is expected.

use std::fmt::{self, Write as _};

use super::audit_record::AuditRecord;
use super::expectation::Expectation;
use super::expected_value::shown;
use super::verdict::open_calls;
use crate::record::{Value, names};

/// Records are not as expected. The text shows what was there instead, one line for each entry, and marks those that fit (`=`)
/// or, where none does, the nearest (`>`) with what is different in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    text: String,
}

impl Mismatch {
    pub(super) fn new(expected: &Expectation, records: &[AuditRecord]) -> Self {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _written: fmt::Result = write(&mut text, expected, records);
        Self { text }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Mismatch {}

fn write(text: &mut String, expected: &Expectation, records: &[AuditRecord]) -> fmt::Result {
    let entries: Vec<_> = records.iter().filter(|record| expected.counts(record)).collect();
    let found = entries.iter().filter(|record| expected.matches(record)).count();
    write!(text, "expected {} audited", counted(expected.count))?;
    if !expected.wanted.is_empty() {
        write!(text, " with {expected}")?;
    }
    write!(text, ", found {}", if found == 0 { "none".into() } else { found.to_string() })?;
    if entries.is_empty() {
        text.write_str("; nothing was audited: is the server served by this trail, or its subscriber set?")?;
    } else {
        writeln!(text, " among {}:", counted(entries.len()))?;
        write_entries(text, expected, &entries)?;
    }
    for open in open_calls(records).iter().take(MAX_SHOWN) {
        write!(text, "\n   still open: {}", line(open))?;
    }
    Ok(())
}

fn write_entries(text: &mut String, expected: &Expectation, entries: &[&AuditRecord]) -> fmt::Result {
    let fit = |record: &AuditRecord| expected.wanted.iter().filter(|wanted| wanted.is_in(record)).count();
    let none_matches = !entries.iter().any(|record| expected.matches(record));
    // The last of those that are equally near: tests assert soon after what they have done.
    let nearest = entries.iter().enumerate().max_by_key(|(_, record)| fit(record)).map(|(place, _)| place);
    let left_out = entries.len().saturating_sub(MAX_SHOWN);
    let mut shown = Vec::new();
    for (place, record) in entries.iter().enumerate() {
        let is_nearest = none_matches && nearest == Some(place);
        if place < left_out && !is_nearest && !expected.matches(record) {
            continue;
        }
        let mark = match () {
            () if expected.matches(record) => '=',
            () if is_nearest => '>',
            () => ' ',
        };
        let different = if is_nearest { differences(expected, record) } else { String::new() };
        shown.push(format!(" {mark} {:>2}  {}{different}", place + 1, line(record)));
    }
    if shown.len() < entries.len() {
        shown.push(format!("       … and {} earlier", counted(entries.len() - shown.len())));
    }
    text.write_str(&shown.join("\n"))
}

/// What people recognize an entry by.
fn line(record: &AuditRecord) -> String {
    let mut line = record.body.as_ref().and_then(Value::as_str).unwrap_or(&record.event_name).to_owned();
    let verified = match record.verified() {
        Some(true) => ", verified",
        Some(false) => ", not verified",
        None => "",
    };
    line.push_str(&format!("  (actor {}{verified})", record.actor().unwrap_or("none")));
    for (name, text) in [("decision", record.decision()), ("rule", record.rule()), ("error_type", record.error_type())]
    {
        line.extend(text.map(|text| format!(" {name} {text}")));
    }
    line.extend(record.resource().map(|uri| format!(" {uri}")));
    line
}

fn differences(expected: &Expectation, record: &AuditRecord) -> String {
    let different = expected.wanted.iter().filter(|wanted| !wanted.is_in(record)).map(|wanted| {
        let key = &wanted.key;
        match record.get(&wanted.attribute) {
            Some(there) => format!("{key} is {}", shown(there)),
            None if is_unknown(&wanted.attribute) => format!("no {key}, a name that the contract does not have"),
            None => format!("no {key}"),
        }
    });
    let different: Vec<_> = different.collect();
    if different.is_empty() { String::new() } else { format!("  <- {}", different.join(", ")) }
}

fn is_unknown(attribute: &str) -> bool {
    names::attribute(attribute).is_none()
}

fn counted(entries: usize) -> String {
    if entries == 1 { "1 entry".into() } else { format!("{entries} entries") }
}

/// More lines than one reads.
const MAX_SHOWN: usize = 30;
