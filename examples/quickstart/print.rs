//! Tables and trees for a terminal.

use std::sync::Arc;

use auditrail::record::{Record, Value, names};
use auditrail::serve::{ReceivedRecord, ReceivedSpan};
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::trace::v1::span::Event;

pub(crate) fn trail(records: &[Arc<ReceivedRecord>]) {
    println!("\nTHE TRAIL: what the collector received as OTel log records\n");
    println!(
        " nr severity event            phase    tool, method or state     actor    target          outcome detail          ms  trace    span"
    );
    for received in records {
        let Ok(record) = Record::decode(&received.bytes) else { continue };
        let text = |name| record.text(name).unwrap_or("");
        let millis = match record.get(names::AUDITRAIL_DURATION) {
            Some(Value::Double(seconds)) => format!("{:.3}", seconds * 1e3),
            _ => String::new(),
        };
        let number = match record.get(names::AUDIT_SEQUENCE_NUMBER) {
            Some(Value::Int(number)) => number.to_string(),
            _ => String::new(),
        };
        let subject = [
            names::GEN_AI_TOOL_NAME,
            names::MCP_METHOD_NAME,
            names::AUDITRAIL_MCP_SESSION_STATE,
            names::AUDITRAIL_LIFECYCLE_STATE,
        ];
        let ids = |id: Option<String>| id.unwrap_or_default();
        println!(
            "{number:>3} {:<9}{:<17}{:<9}{:<26}{:<9}{:<16}{:<8}{:<11}{:>7}  {:<9}{}",
            record.severity.text,
            record.event_name.trim_start_matches("auditrail."),
            text(names::AUDITRAIL_PHASE),
            subject.into_iter().find_map(|name| record.text(name)).unwrap_or(""),
            text(names::AUDIT_ACTOR_ID),
            text(names::AUDIT_TARGET_ID),
            text(names::AUDIT_OUTCOME),
            text(names::AUDITRAIL_OUTCOME_DETAIL),
            millis,
            ids(record.trace_id.map(|id| id.to_string().chars().take(8).collect())),
            ids(record.span_id.map(|id| id.to_string())),
        );
    }
}

pub(crate) fn traces(spans: &[Arc<ReceivedSpan>]) {
    println!("\nTHE TRACES: the spans of the same calls, each with its records as events\n");
    let mut roots: Vec<_> = spans.iter().filter(|received| received.span.parent_span_id.is_empty()).collect();
    roots.sort_by_key(|received| received.span.start_time_unix_nano);
    for root in roots {
        println!("trace {}", hex(&root.span.trace_id));
        branch(spans, root, 1);
    }
    println!();
}

fn branch(spans: &[Arc<ReceivedSpan>], received: &ReceivedSpan, depth: usize) {
    let span = &received.span;
    let indent = "  ".repeat(depth);
    println!("{indent}{}  span {}", span.name, hex(&span.span_id));
    for event in &span.events {
        let record = value(event, names::AUDIT_RECORD_ID);
        match record.as_str() {
            "" => println!("{indent}  • {}", event.name),
            record => println!("{indent}  • {} {} record {record}", event.name, value(event, names::AUDIT_OUTCOME)),
        }
    }
    for child in spans.iter().filter(|child| child.span.parent_span_id == span.span_id) {
        branch(spans, child, depth + 1);
    }
}

fn value(event: &Event, key: &str) -> String {
    let attribute = event.attributes.iter().find(|attribute| attribute.key == key);
    match attribute.and_then(|attribute| attribute.value.as_ref()).and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        _ => String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
