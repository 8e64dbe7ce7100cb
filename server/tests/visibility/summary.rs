//! Records in few words.

use auditrail::record::{Record, names};

/// One line a pair or moment, in the order of their first records, without what only the scenes need: the handshake, its
/// session, and the pings by which a client knows that all was read.
pub(crate) fn summary(records: &[Record]) -> Vec<String> {
    let text = |record: &Record, name: &str| record.text(name).unwrap_or_default().to_owned();
    let mut lines: Vec<(String, String)> = Vec::new();
    for record in records.iter().filter(|record| is_meant(record)) {
        let call = text(record, names::AUDITRAIL_CALL_ID);
        match record.text(names::AUDITRAIL_PHASE) {
            Some("request") => lines.push((call, format!("{}: no end", subject(record)))),
            Some(_) => match lines.iter_mut().find(|(id, line)| *id == call && line.ends_with(": no end")) {
                Some((_, line)) => *line = format!("{}: {}", subject(record), end(record)),
                None => lines.push((call, format!("{}: {} without a request", subject(record), end(record)))),
            },
            None if record.text(names::AUDITRAIL_DECISION).is_some() => lines.push((String::new(), decision(record))),
            None => lines.push((String::new(), format!("moment {}", moment(record)))),
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

fn is_meant(record: &Record) -> bool {
    let hidden = ["sync", "handshake"].contains(&record.text(names::JSONRPC_REQUEST_ID).unwrap_or_default());
    let initialized = record.text(names::MCP_METHOD_NAME) == Some("notifications/initialized");
    !hidden && !initialized && !["auditrail.mcp.session", "auditrail.lifecycle"].contains(&&*record.event_name)
}

fn subject(record: &Record) -> String {
    let method = record.text(names::MCP_METHOD_NAME).unwrap_or(&record.event_name);
    let name = [names::GEN_AI_TOOL_NAME, names::GEN_AI_PROMPT_NAME].into_iter().find_map(|name| record.text(name));
    let arrow = if record.text(names::AUDITRAIL_MCP_DIRECTION) == Some("server_to_client") { "→client " } else { "" };
    let id = record.text(names::AUDITRAIL_JSONRPC_ID_TYPE).filter(|kind| *kind == "null").map_or("", |_| " (null id)");
    match name {
        Some(name) => format!("{arrow}{method} ({name}){id}"),
        None => format!("{arrow}{method}{id}"),
    }
}

fn end(record: &Record) -> String {
    let detail = record.text(names::AUDITRAIL_OUTCOME_DETAIL).unwrap_or("no detail");
    match record.text(names::ERROR_TYPE).filter(|error| *error != detail) {
        Some(error) => format!("{detail} {error}"),
        None => detail.to_owned(),
    }
}

fn decision(record: &Record) -> String {
    let [decision, error] = [names::AUDITRAIL_DECISION, names::ERROR_TYPE].map(|name| record.text(name).unwrap_or("-"));
    format!("decision {decision} {error}")
}

fn moment(record: &Record) -> String {
    match record.text(names::MCP_METHOD_NAME) {
        Some(method) => method.to_owned(),
        None => format!("{} {}", record.event_name, end(record)),
    }
}
