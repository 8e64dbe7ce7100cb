//! The records of a call and of a moment, written straight to bytes.

use super::state::Facts;
use super::{CallState, Moment};
use crate::record::{
    Attributes, Detail, Encoder, EventName, Outcome, Record, RecordId, Severity, SpanIds, Status, Value, names,
};

/// What a request half says of the outcome: nothing yet.
pub(super) const REQUEST_OUTCOME: Outcome =
    Outcome { status: Status::Unknown, detail: None, error_type: None, code: None };

/// The record of receipt.
pub(super) fn request(buffer: &mut Vec<u8>, state: &CallState) {
    let facts = state.facts();
    let (event, time) = (facts.event, state.begun_unix_nano());
    let mut encoder = Encoder::new(buffer, time, &Severity::INFO);
    let said = Said::of(facts.iter());
    encoder.body(&said.subject(event));
    identity(&mut encoder, event, state.request_id());
    half(&mut encoder, state, "request");
    encoder.outcome(&REQUEST_OUTCOME);
    known(&mut encoder, &facts);
    said.write_defaults(&mut encoder, event);
    encoder.finish(state.ids(), time, event.as_str());
}

/// The record of completion.
pub(super) fn response(buffer: &mut Vec<u8>, state: &CallState, outcome: &Outcome, now: u64) {
    let facts = state.facts();
    let event = facts.event;
    let mut encoder = Encoder::new(buffer, now, &outcome.severity());
    let said = Said::of(facts.iter());
    let mut body = said.subject(event);
    let detail = outcome.detail.filter(|_| outcome.status != Status::Success);
    let ending = detail.map_or(outcome.status.as_str(), crate::record::Detail::as_str);
    body.push_str(&format!(": {ending} in {} ms", (facts.duration * 1e3).round()));
    encoder.body(&body);
    identity(&mut encoder, event, state.response_id());
    half(&mut encoder, state, "response");
    encoder.outcome(outcome);
    encoder.double(names::AUDITRAIL_DURATION, facts.duration);
    known(&mut encoder, &facts);
    said.write_defaults(&mut encoder, event);
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
    Said::of(moment.attributes.iter()).write_defaults(&mut encoder, moment.event);
    encoder.finish(moment.ids(), now, moment.event.as_str());
}

/// The response of a call whose process died before it could be answered, made of what its request record says.
pub(super) fn interrupted(buffer: &mut Vec<u8>, request: Record, id: RecordId, now: u64) {
    let outcome = Outcome::of(Detail::Interrupted);
    let severity = outcome.severity();
    let mut encoder = Encoder::new(buffer, now, &severity);
    let subject = request.body.as_ref().and_then(Value::as_str).unwrap_or(&request.event_name);
    encoder.body(&format!("{subject}: interrupted"));
    encoder.text(names::AUDIT_RECORD_ID, id.encode(&mut [0; 36]));
    encoder.text(names::AUDITRAIL_PHASE, "response");
    encoder.outcome(&outcome);
    const OWN: [&str; 3] = [names::AUDIT_RECORD_ID, names::AUDITRAIL_PHASE, names::AUDIT_OUTCOME];
    for (key, value) in request.attributes.iter().filter(|(key, _)| !OWN.contains(&key.as_ref())) {
        encoder.attribute(key, value);
    }
    let ids = request.trace_id.zip(request.span_id).map(|(trace, span)| SpanIds {
        trace,
        span,
        flags: u8::try_from(request.flags & 0xff).unwrap_or_default(),
    });
    encoder.finish(ids, now, &request.event_name);
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

fn known(encoder: &mut Encoder<'_>, facts: &Facts) {
    attributes(encoder, &facts.base);
    attributes(encoder, &facts.added);
    if !facts.cut.is_empty() {
        encoder.attribute(names::AUDITRAIL_TRUNCATED, &Value::strings(facts.cut.clone()));
    }
}

impl Facts {
    fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.base.iter().chain(self.added.iter())
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.base.text(key).or_else(|| self.added.text(key))
    }
}

fn attributes(encoder: &mut Encoder<'_>, attributes: &Attributes) {
    for (key, value) in attributes.iter().filter(|(key, _)| *key != names::AUDITRAIL_EVENT) {
        encoder.attribute(key, value);
    }
}

/// What is said of the things that every record needs, found in one pass.
#[derive(Default)]
struct Said<'a> {
    actor: bool,
    actor_type: bool,
    action: bool,
    operation: bool,
    target: bool,
    method: Option<&'a str>,
    tool: Option<&'a str>,
    resource: Option<&'a str>,
    prompt: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn of(attributes: impl Iterator<Item = (&'a str, &'a Value)>) -> Self {
        let mut said = Self::default();
        for (key, value) in attributes {
            match key {
                names::AUDIT_ACTOR_ID => said.actor = true,
                names::AUDIT_ACTOR_TYPE => said.actor_type = true,
                names::AUDIT_ACTION => said.action = true,
                names::GEN_AI_OPERATION_NAME => said.operation = true,
                names::AUDIT_TARGET_TYPE | names::AUDIT_TARGET_ID => said.target = true,
                names::MCP_METHOD_NAME => said.method = value.as_str(),
                names::GEN_AI_TOOL_NAME => said.tool = value.as_str(),
                names::MCP_RESOURCE_URI => said.resource = value.as_str(),
                names::GEN_AI_PROMPT_NAME => said.prompt = value.as_str(),
                _ => {}
            }
        }
        said
    }

    /// What the body begins with: the method and the tool or prompt, or the event's short name.
    fn subject(&self, event: EventName) -> String {
        let mut subject = String::with_capacity(64);
        subject.push_str(self.method.unwrap_or(short(event)));
        if let Some(name) = self.tool.or(self.prompt) {
            subject.push(' ');
            subject.push_str(name);
        }
        subject
    }

    /// What the contract wants on every record and nobody has said.
    fn write_defaults(&self, encoder: &mut Encoder<'_>, event: EventName) {
        if !self.actor {
            encoder.text(names::AUDIT_ACTOR_ID, "anonymous");
        }
        if !self.actor_type {
            encoder.text(names::AUDIT_ACTOR_TYPE, "user");
        }
        if !self.action {
            encoder.text(names::AUDIT_ACTION, action(event, self.method));
        }
        if event == EventName::McpToolsCall && !self.operation {
            encoder.text(names::GEN_AI_OPERATION_NAME, "execute_tool");
        }
        let target = [("tool", self.tool), ("resource", self.resource), ("prompt", self.prompt)];
        // Both or none: a handler's own target must not get the type of another.
        if let Some((kind, id)) = target.iter().find_map(|(kind, id)| Some((*kind, (*id)?))).filter(|_| !self.target) {
            encoder.text(names::AUDIT_TARGET_TYPE, kind);
            encoder.text(names::AUDIT_TARGET_ID, id);
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

fn short(event: EventName) -> &'static str {
    let name = event.as_str();
    name.strip_prefix("auditrail.").unwrap_or(name)
}
