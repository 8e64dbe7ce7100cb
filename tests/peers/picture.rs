//! The picture in `README.md`: one call as the collector has its records and as Jaeger has its spans.
//!
//! `REGENERATE=1 cargo test --test end_to_end` writes it anew.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::Record;

/// The README shows what was really seen, whatever the ids and times are this time.
pub(crate) fn check(request: &Record, response: &Record, trace: &HashMap<String, Value>) {
    let picture = draw(request, response, trace);
    eprintln!("{picture}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md has the mark of the picture");
    let (committed, after) = rest.split_once(END).expect("README.md has the mark behind the picture");
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{picture}{END}{after}")).unwrap();
    } else {
        let hint = "README.md shows something else; REGENERATE=1 cargo test --test end_to_end writes it anew";
        assert_eq!(lasting(committed), lasting(&picture), "{hint}");
    }
}

/// The words without a digit, which the next run prints as well: no ids, times or bars.
fn lasting(picture: &str) -> Vec<&str> {
    let is_lasting = |word: &&str| !word.contains(|letter: char| letter.is_ascii_digit() || letter == BAR);
    picture.split_whitespace().filter(is_lasting).collect()
}

fn draw(request: &Record, response: &Record, trace: &HashMap<String, Value>) -> String {
    let mut picture = String::from("\n```text\nRECORDS  in the collector\n\n");
    for record in [request, response] {
        writeln!(picture, "{}  {}", time(record.time_unix_nano), record.body).unwrap();
    }
    for (name, value) in SHOWN.map(|name| (name, shown(response, name))) {
        writeln!(picture, "    {name:<26}{value}").unwrap();
    }
    writeln!(picture, "    {:<26}{}\n    {:<26}{}", "trace_id", response.trace_id, "span_id", response.span_id)
        .unwrap();
    writeln!(picture, "\nTRACE  {} in Jaeger\n", response.trace_id).unwrap();
    spans(&mut picture, trace);
    picture + "```\n"
}

fn shown(record: &Record, name: &str) -> String {
    let value = &record.attributes[name];
    value["stringValue"].as_str().map_or_else(|| value["doubleValue"].to_string(), str::to_owned)
}

/// The time of the day, in UTC.
fn time(nanos: u64) -> String {
    let micros = nanos / 1000 % 86_400_000_000;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    format!("{:02}:{:02}:{:02}.{micros:06}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// As a waterfall, with the records that each span carries as events.
fn spans(picture: &mut String, trace: &HashMap<String, Value>) {
    let mut spans: Vec<_> = trace.values().collect();
    spans.sort_by_key(|span| (span["startTime"].as_u64(), depth(span, trace)));
    let number = |value: &Value| value.as_u64().unwrap();
    let (start, whole) = (number(&spans[0]["startTime"]), number(&spans[0]["duration"]).max(1));
    for span in spans {
        let column = |micros: u64| usize::try_from(micros * WIDTH / whole).unwrap();
        let (from, length) = (column(number(&span["startTime"]) - start), column(number(&span["duration"])).max(1));
        let bar = " ".repeat(from) + &BAR.to_string().repeat(length);
        let name = "  ".repeat(depth(span, trace)) + span["operationName"].as_str().unwrap();
        let length = format!("{}.{:03} ms", number(&span["duration"]) / 1000, number(&span["duration"]) % 1000);
        let id = span["spanID"].as_str().unwrap();
        writeln!(picture, "{name:<28}{id}  {bar:<25} {length}").unwrap();
        for log in span["logs"].as_array().unwrap() {
            let field = |key| field(log, key).unwrap_or("");
            let (record, outcome) = (field("audit.record.id"), field("audit.outcome"));
            writeln!(picture, "  • {} {record} {outcome}", field("event")).unwrap();
        }
    }
}

fn depth(span: &Value, trace: &HashMap<String, Value>) -> usize {
    let parent = |span: &Value| span["references"][0]["spanID"].as_str().and_then(|id| trace.get(id));
    std::iter::successors(parent(span), |span| parent(span)).count()
}

fn field<'a>(log: &'a Value, key: &str) -> Option<&'a str> {
    log["fields"].as_array()?.iter().find(|field| field["key"] == key)?["value"].as_str()
}

const SHOWN: [&str; 9] = [
    "audit.record.id",
    "auditrail.call.id",
    "auditrail.phase",
    "audit.outcome",
    "auditrail.outcome.detail",
    "auditrail.duration",
    "audit.actor.id",
    "audit.target.type",
    "audit.target.id",
];

const BEGIN: &str = "<!-- picture: written by server/tests/end_to_end -->\n";
const END: &str = "\n<!-- /picture -->";
const BAR: char = '█';
const WIDTH: u64 = 24;
