//! A table for a terminal, and a record in full.

use std::sync::Arc;

use auditrail::record::{Record, Value, names};
use auditrail::serve::ReceivedRecord;

/// The ends of the calls of tools, and one of these records with everything that is known of the caller.
pub(crate) fn trail(received: &[Arc<ReceivedRecord>]) {
    let records = received.iter().filter_map(|received| Record::decode(&received.bytes).ok());
    let is_end = |record: &Record| {
        record.event_name == "auditrail.mcp.tools.call" && record.text(names::AUDITRAIL_PHASE) == Some("response")
    };
    let ends: Vec<_> = records.filter(is_end).collect();
    println!("\ntool             actor      verified             agent         decision outcome detail  reason");
    for record in &ends {
        let text = |name| record.text(name).unwrap_or("");
        let verified = match record.get(names::AUDITRAIL_ACTOR_VERIFIED) {
            Some(Value::Bool(true)) => "yes".into(),
            _ => format!("no: {}", text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON)),
        };
        println!(
            "{:<17}{:<11}{verified:<21}{:<14}{:<9}{:<8}{:<8}{}",
            text(names::GEN_AI_TOOL_NAME),
            text(names::AUDIT_ACTOR_ID),
            text(names::GEN_AI_AGENT_ID),
            text(names::AUDITRAIL_DECISION),
            text(names::AUDIT_OUTCOME),
            text(names::AUDITRAIL_OUTCOME_DETAIL),
            text(names::AUDITRAIL_DECISION_REASON),
        );
    }
    let denied = ends.iter().find(|record| record.get(names::AUDITRAIL_DECISION).is_some());
    if let Some(record) = denied {
        println!("\nThe denied call, attribute by attribute:\n");
        record.attributes.iter().for_each(|(key, value)| println!("  {key:<34} {}", shown(value)));
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Str(text) => text.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => number.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}
