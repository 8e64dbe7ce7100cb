//! The sample records of `README.md` and `docs/record.md` are what leaves, apart from what is another one each time.
//! `REGENERATE=1` writes them.

use std::fs;
use std::path::{Path, PathBuf};

use auditrail::record::{Value, names};
use auditrail::testing::AuditRecord;
use serde_json::json;

/// The record of `docs/record.md`, in OTLP JSON.
pub(super) fn compare_json(record: &AuditRecord) {
    let attributes =
        record.attributes.iter().map(|(key, value)| json!({ "key": key, "value": otlp(value) }).to_string());
    let attributes: Vec<_> = attributes.map(|line| format!("    {}", spaced(&line))).collect();
    let text = |value: &dyn ToString| json!(value.to_string()).to_string();
    let lines = [
        "{".to_owned(),
        format!("  \"timeUnixNano\": {},", text(&record.time_unix_nano)),
        format!("  \"observedTimeUnixNano\": {},", text(&record.observed_time_unix_nano)),
        format!("  \"severityNumber\": {},", record.severity.number),
        format!("  \"severityText\": {},", text(&record.severity.text)),
        format!("  \"body\": {},", spaced(&otlp(record.body.as_ref().unwrap()).to_string())),
        format!("  \"attributes\": [\n{}\n  ],", attributes.join(",\n")),
        format!("  \"flags\": {},", record.flags),
        format!("  \"traceId\": {},", text(&record.trace_id.unwrap())),
        format!("  \"spanId\": {},", text(&record.span_id.unwrap())),
        format!("  \"eventName\": {}", text(&record.event_name)),
        "}".to_owned(),
    ];
    compare("docs/record.md", "```json\n", &lines.join("\n"));
}

/// The lines of `README.md`: who, for whom, and why not.
pub(super) fn compare_readme(record: &AuditRecord) {
    const SHOWN: [&str; 7] = [
        names::AUDIT_ACTOR_ID,
        names::AUDITRAIL_ACTOR_VERIFIED,
        names::GEN_AI_AGENT_ID,
        names::AUDITRAIL_ACTOR_DELEGATION,
        names::GEN_AI_TOOL_NAME,
        names::AUDITRAIL_DECISION,
        names::SECURITY_RULE_NAME,
    ];
    let shown = SHOWN.map(|name| {
        let value = match record.get(name).unwrap_or_else(|| panic!("no {name}: {record:?}")) {
            Value::Str(text) => text.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            other => panic!("{name}: {other:?}"),
        };
        format!("{name:<28}{value}")
    });
    compare("README.md", "(examples/identity/main.rs)):\n\n```text\n", &shown.join("\n"));
}

/// Compares a block of a page with what it should be.
fn compare(page: &str, begin: &str, real: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(begin).unwrap_or_else(|| panic!("{page} has no {begin:?}"));
    let (there, after) = rest.split_once("\n```").unwrap();
    if regenerates() {
        return write(path, &[before, begin, real, "\n```", after].concat());
    }
    let masked = |block: &str| block.lines().map(masked).collect::<Vec<_>>();
    assert_eq!(masked(there), masked(real), "{page} shows another record than the one that leaves: REGENERATE=1");
}

#[allow(clippy::disallowed_methods, reason = "a switch of the person who runs the test")]
fn regenerates() -> bool {
    std::env::var_os("REGENERATE").is_some()
}

fn write(path: PathBuf, text: &str) {
    fs::write(path, text).unwrap();
}

/// A line without what is another one each time.
fn masked(line: &str) -> String {
    const VARYING: [&str; 15] = [
        "timeUnixNano",
        "observedTimeUnixNano",
        "\"body\"",
        names::AUDIT_RECORD_ID,
        names::AUDITRAIL_CALL_ID,
        names::AUDITRAIL_DURATION,
        names::AUDITRAIL_REQUEST_ID,
        names::MCP_SESSION_ID,
        names::AUDITRAIL_CLIENT_VERSION,
        names::AUDITRAIL_TOKEN_ID_DIGEST,
        names::AUDITRAIL_TOKEN_ISSUER,
        names::AUDIT_SEQUENCE_NUMBER,
        names::AUDITRAIL_STREAM_ID,
        "traceId",
        "spanId",
    ];
    match VARYING.iter().find(|name| line.contains(**name)) {
        Some(name) => format!("{name} …"),
        None => line.to_owned(),
    }
}

fn otlp(value: &Value) -> serde_json::Value {
    match value {
        Value::Str(text) => json!({ "stringValue": text }),
        Value::Bool(flag) => json!({ "boolValue": flag }),
        Value::Int(number) => json!({ "intValue": number.to_string() }),
        Value::Double(number) => json!({ "doubleValue": number }),
        Value::Array(items) => json!({ "arrayValue": { "values": items.iter().map(otlp).collect::<Vec<_>>() } }),
        other => panic!("{other:?}"),
    }
}

/// JSON in one line, for people.
fn spaced(line: &str) -> String {
    let mut text = String::new();
    let mut in_string = false;
    for (place, character) in line.char_indices() {
        in_string ^= character == '"' && !line[..place].ends_with('\\');
        match character {
            '{' if !in_string => text.push_str("{ "),
            '}' if !in_string => text.push_str(" }"),
            ':' | ',' if !in_string => text.extend([character, ' ']),
            _ => text.push(character),
        }
    }
    text
}
