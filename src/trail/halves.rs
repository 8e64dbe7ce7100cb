//! The records of a call and of a moment, written straight to bytes.

use super::gap::Cause;
use super::state::Facts;
use super::{CallState, Moment};
use crate::record::{Attributes, Encoder, EventName, Outcome, RecordId, Severity, SpanIds, Status, Value, names};

/// What a request half says of the outcome: nothing yet.
pub(super) const REQUEST_OUTCOME: Outcome =
    Outcome { status: Status::Unknown, detail: None, error_type: None, code: None };

/// The record of receipt.
pub(super) fn request(buffer: &mut Vec<u8>, state: &CallState) {
    let facts = state.facts();
    let (event, time) = (facts.event, state.begun_unix_nano());
    let mut encoder = Encoder::new(buffer, time, &Severity::INFO);
    encoder.body(&subject(event, &facts));
    identity(&mut encoder, event, state.request_id());
    half(&mut encoder, state, "request");
    encoder.outcome(&REQUEST_OUTCOME);
    known(&mut encoder, event, &facts);
    encoder.finish(state.ids(), time, event.as_str());
}

/// The record of completion.
pub(super) fn response(buffer: &mut Vec<u8>, state: &CallState, outcome: &Outcome, now: u64) {
    let facts = state.facts();
    let event = facts.event;
    let mut encoder = Encoder::new(buffer, now, &outcome.severity());
    let mut body = subject(event, &facts);
    let detail = outcome.detail.filter(|_| outcome.status != Status::Success);
    let ending = detail.map_or(outcome.status.as_str(), crate::record::Detail::as_str);
    body.push_str(&format!(": {ending} in {} ms", (facts.duration * 1e3).round()));
    encoder.body(&body);
    identity(&mut encoder, event, state.response_id());
    half(&mut encoder, state, "response");
    encoder.outcome(outcome);
    encoder.double(names::AUDITRAIL_DURATION, facts.duration);
    known(&mut encoder, event, &facts);
    encoder.finish(state.ids(), now, event.as_str());
}

/// The record of something without halves.
pub(super) fn moment(buffer: &mut Vec<u8>, moment: &Moment, id: RecordId, now: u64) {
    let mut encoder = Encoder::new(buffer, now, &moment.outcome.severity());
    encoder.body(&format!("{}: {}", short(moment.event), moment.outcome.status.as_str()));
    identity(&mut encoder, moment.event, id);
    if let Some(call) = moment.call_id {
        encoder.text(names::AUDITRAIL_CALL_ID, call.encode(&mut [0; 36]));
    }
    encoder.outcome(&moment.outcome);
    if let Some(duration) = moment.duration {
        encoder.double(names::AUDITRAIL_DURATION, duration);
    }
    attributes(&mut encoder, &moment.attributes);
    defaults(&mut encoder, moment.event, |key| moment.attributes.text(key));
    encoder.finish(moment.ids(), now, moment.event.as_str());
}

/// The record that tells of missing ones.
pub(super) fn gap(buffer: &mut Vec<u8>, cause: Cause, count: u64, id: RecordId, now: u64) {
    // Nobody can say what became of what is missing.
    let outcome = Outcome::status(Status::Unknown);
    let mut encoder = Encoder::new(buffer, now, &outcome.severity());
    encoder.body(&format!("gap: {count} record(s) {}", cause.as_str()));
    identity(&mut encoder, EventName::Gap, id);
    encoder.outcome(&outcome);
    encoder.text(names::AUDITRAIL_GAP_CAUSE, cause.as_str());
    encoder.int(names::AUDITRAIL_GAP_COUNT, i64::try_from(count).unwrap_or(i64::MAX));
    encoder.text(names::AUDIT_ACTOR_ID, names::SCOPE_NAME);
    encoder.text(names::AUDIT_ACTOR_TYPE, "system");
    encoder.text(names::AUDIT_ACTION, "REPORT");
    encoder.finish(None::<SpanIds>, now, EventName::Gap.as_str());
}

fn identity(encoder: &mut Encoder<'_>, event: EventName, id: RecordId) {
    encoder.text(names::AUDIT_RECORD_ID, id.encode(&mut [0; 36]));
    encoder.text(names::AUDITRAIL_EVENT, event.as_str());
    encoder.text(names::AUDIT_SCHEMA_VERSION, names::SCHEMA_VERSION);
}

fn half(encoder: &mut Encoder<'_>, state: &CallState, phase: &str) {
    encoder.text(names::AUDITRAIL_PHASE, phase);
    encoder.text(names::AUDITRAIL_CALL_ID, state.call_id().encode(&mut [0; 36]));
}

fn known(encoder: &mut Encoder<'_>, event: EventName, facts: &Facts) {
    attributes(encoder, &facts.base);
    attributes(encoder, &facts.added);
    if !facts.cut.is_empty() {
        encoder.attribute(names::AUDITRAIL_TRUNCATED, &Value::strings(facts.cut.clone()));
    }
    defaults(encoder, event, |key| facts.text(key));
}

impl Facts {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.base.text(key).or_else(|| self.added.text(key))
    }
}

fn attributes(encoder: &mut Encoder<'_>, attributes: &Attributes) {
    for (key, value) in attributes.iter().filter(|(key, _)| *key != names::AUDITRAIL_EVENT) {
        encoder.attribute(key, value);
    }
}

/// What the contract wants on every record and nobody has said.
fn defaults<'a>(encoder: &mut Encoder<'_>, event: EventName, get: impl Fn(&str) -> Option<&'a str>) {
    let mut unless = |key: &str, value: &str| {
        if get(key).is_none() {
            encoder.text(key, value);
        }
    };
    unless(names::AUDIT_ACTOR_ID, "anonymous");
    unless(names::AUDIT_ACTOR_TYPE, "user");
    unless(names::AUDIT_ACTION, action(event, get(names::MCP_METHOD_NAME)));
    if event == EventName::McpToolsCall {
        unless(names::GEN_AI_OPERATION_NAME, "execute_tool");
    }
    let has_target = get(names::AUDIT_TARGET_TYPE).or_else(|| get(names::AUDIT_TARGET_ID)).is_some();
    for (kind, source) in [
        ("tool", names::GEN_AI_TOOL_NAME),
        ("resource", names::MCP_RESOURCE_URI),
        ("prompt", names::GEN_AI_PROMPT_NAME),
    ] {
        // Both or none: a handler's own target must not get the type of another.
        if let Some(id) = get(source).filter(|_| !has_target) {
            encoder.text(names::AUDIT_TARGET_TYPE, kind);
            encoder.text(names::AUDIT_TARGET_ID, id);
            return;
        }
    }
}

/// `audit.action`: an upper-case verb.
fn action(event: EventName, method: Option<&str>) -> &'static str {
    match method {
        Some("initialize" | "server/discover") => "CONNECT",
        Some("resources/read" | "prompts/get" | "completion/complete" | "tasks/get" | "skills/get") => "READ",
        Some("resources/directory/read") => "LIST",
        Some("logging/setLevel" | "tasks/update") => "UPDATE",
        Some("resources/subscribe" | "subscriptions/listen") => "SUBSCRIBE",
        Some("resources/unsubscribe") => "UNSUBSCRIBE",
        Some("tasks/cancel" | "notifications/cancelled") => "CANCEL",
        Some(list) if list.ends_with("/list") => "LIST",
        _ => match event {
            EventName::Authn => "LOGIN",
            EventName::Authz => "AUTHORIZE",
            EventName::Context => "UPDATE",
            EventName::Erasure => "DELETE",
            _ => "EXECUTE",
        },
    }
}

/// What the body begins with: the method and the tool or prompt, or the event's short name.
fn subject(event: EventName, facts: &Facts) -> String {
    let mut subject = facts.text(names::MCP_METHOD_NAME).unwrap_or(short(event)).to_owned();
    if let Some(name) = facts.text(names::GEN_AI_TOOL_NAME).or_else(|| facts.text(names::GEN_AI_PROMPT_NAME)) {
        subject.push(' ');
        subject.push_str(name);
    }
    subject
}

fn short(event: EventName) -> &'static str {
    let name = event.as_str();
    name.strip_prefix("auditrail.").unwrap_or(name)
}
