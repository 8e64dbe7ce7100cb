//! How times, sizes and values are shown.

use std::time::Duration;

use auditrail::internals::config::{self, is_hidden};
use auditrail::internals::hex::hex;
use auditrail::record::{Key, Record, Value};
use serde_json::{Map, Value as Json, json};

pub(super) use auditrail::internals::record::service_name as service;

/// RFC 3339 in UTC, to the nanosecond.
pub(in crate::cli) fn time(unix_nano: u64) -> String {
    let (seconds, nanos) = (unix_nano / 1_000_000_000, unix_nano % 1_000_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

/// The Gregorian date that many days after 1970-01-01 ("days to civil", H. Hinnant, chrono-compatible low-level date
/// algorithms): years begin in March, so that the leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

/// The age, to its largest relevant unit.
pub(super) fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut tenths = u128::from(bytes) * 10;
    let mut shown = format!("{bytes} B");
    for unit in UNITS {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        shown = format!("{}.{} {unit}", tenths / 10, tenths % 10);
    }
    shown
}

/// Text from others, as one line.
pub(super) fn plain(text: &str) -> String {
    config::plain(text).into_owned()
}

/// Text from others in several lines, each of them [plain].
pub(super) fn lines(text: &str) -> String {
    text.split('\n').map(plain).collect::<Vec<_>>().join("\n")
}

/// JSON that no terminal interprets as commands: invisible characters are escaped, which does not change the value.
pub(super) fn json(value: &Json) -> String {
    escaped(&format!("{value:#}\n"))
}

/// The text of JSON, with invisible characters escaped.
pub(super) fn escaped(json: &str) -> String {
    let mut text = String::new();
    for c in json.chars() {
        // Newlines are only between values, because strings have theirs escaped.
        if c != '\n' && is_hidden(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text += &format!("\\u{unit:04x}"));
        } else {
            text.push(c);
        }
    }
    text
}

/// A record for people: one line per field.
pub(super) fn record(record: &Record) -> String {
    let mut text = format!("  event      {}\n", plain(&record.event_name));
    let mut line = |name: &str, value: &str| {
        text += &format!("  {name:<10} {}\n", plain(value));
    };
    line("time", &time(record.time_unix_nano));
    line("observed", &time(record.observed_time_unix_nano));
    line("severity", &format!("{} ({})", record.severity.text, record.severity.number));
    for (name, id) in [
        ("trace", record.trace_id.map(|id| id.to_string())),
        ("span", record.span_id.map(|id| id.to_string())),
        ("body", record.body.as_ref().map(value)),
    ] {
        id.into_iter().for_each(|id| line(name, &id));
    }
    for (key, attribute) in &record.attributes {
        line(key, &format!("= {}", value(attribute)));
    }
    text
}

fn value(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        other => json_value(other).to_string(),
    }
}

/// A record for programs; `docs/cli.md` has the fields.
pub(super) fn json_record(record: &Record) -> Json {
    json!({
        "event": record.event_name,
        "time": time(record.time_unix_nano),
        "observed": time(record.observed_time_unix_nano),
        "severity": { "number": record.severity.number, "text": record.severity.text },
        "trace_id": record.trace_id.map(|id| id.to_string()),
        "span_id": record.span_id.map(|id| id.to_string()),
        "body": record.body.as_ref().map(json_value),
        "attributes": json_map(&record.attributes),
    })
}

fn json_value(value: &Value) -> Json {
    match value {
        Value::Empty => Json::Null,
        Value::Str(text) => json!(text),
        Value::Bool(flag) => json!(flag),
        Value::Int(number) => json!(number),
        Value::Double(number) => json!(number),
        Value::Bytes(bytes) => json!(hex(bytes)),
        Value::Array(values) => values.iter().map(json_value).collect(),
        Value::Map(entries) => json_map(entries),
    }
}

fn json_map(entries: &[(Key, Value)]) -> Json {
    entries.iter().map(|(key, value)| (key.to_string(), json_value(value))).collect::<Map<_, _>>().into()
}
