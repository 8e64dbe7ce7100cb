//! Encodes the records of calls and moments directly to bytes.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use super::templates::{self, Phase, short};
use crate::record::{
    Attributes, Detail, Encoder, EventName, Outcome, Place, Record, RecordId, Severity, SpanIds, Status, Value, fixed,
    names,
};
use crate::trail::calls::{CallState, Facts, MappedFacts, Moment, Observer};

/// What a request half says of the outcome: nothing yet.
pub(in crate::trail) const REQUEST_OUTCOME: Outcome =
    Outcome { status: Status::Unknown, detail: None, error_type: None, code: None };

/// The record of receipt. If it is written when the call has ended, what spans have added meanwhile is not on it.
pub(in crate::trail) fn request(buffer: &mut Vec<u8>, state: &CallState, facts: &Facts, id: &str, is_late: bool) {
    let none = Attributes::default();
    let added = if is_late { &none } else { &facts.added };
    let (event, time) = (state.event(), state.begun_unix_nano());
    let mut encoder = Encoder::new(buffer, time, &Severity::INFO);
    let view = FactsView { added, ..FactsView::of_facts(facts) };
    let [method, space, name] = view.subject(event);
    encoder.body_bytes(&[method, space, name]);
    half(&mut encoder, state, Phase::Request, id);
    encoder.outcome(&REQUEST_OUTCOME);
    known(&mut encoder, facts, added);
    name_policy(&mut encoder, state, facts);
    view.write_defaults(&mut encoder, event);
    encoder.finish(state.ids(), time, event.as_str());
}

/// The record of completion.
pub(in crate::trail) fn response(buffer: &mut Vec<u8>, state: &CallState, facts: &Facts, id: &str, outcome: &Outcome) {
    let (event, now) = (state.event(), state.ended_unix_nano());
    let mut encoder = Encoder::new(buffer, now, &outcome.severity());
    let view = FactsView::of_facts(facts);
    let [method, space, name] = view.subject(event);
    let detail = outcome.detail.filter(|_| outcome.status != Status::Success);
    let ending = detail.map_or(outcome.status.as_str(), crate::record::Detail::as_str);
    let millis = state.duration_nano().saturating_add(500_000) / 1_000_000;
    let mut digits = [0; 20];
    let millis = decimal(millis, &mut digits).as_bytes();
    encoder.body_bytes(&[method, space, name, b": ", ending.as_bytes(), b" in ", millis, b" ms"]);
    half(&mut encoder, state, Phase::Response, id);
    encoder.outcome(outcome);
    encoder.duration(state.duration());
    known(&mut encoder, facts, &facts.added);
    name_policy(&mut encoder, state, facts);
    view.write_defaults(&mut encoder, event);
    encoder.finish(state.ids(), now, event.as_str());
}

/// The record of a span without halves, which has lasted that many seconds.
#[cfg(feature = "layer")]
pub(in crate::trail) fn span_moment(
    buffer: &mut Vec<u8>,
    facts: &Facts,
    header: &MomentHeader<'_>,
    duration: f64,
    ids: Option<SpanIds>,
) {
    let mut encoder = begin_moment(buffer, header);
    encoder.duration(duration);
    known(&mut encoder, facts, &facts.added);
    FactsView::of_facts(facts).write_defaults(&mut encoder, header.event);
    encoder.finish(ids, header.unix_nano, header.event.as_str());
}

/// The record of something without halves.
pub(in crate::trail) fn moment(buffer: &mut Vec<u8>, moment: &Moment, header: &MomentHeader<'_>) {
    let mut encoder = begin_moment(buffer, header);
    encoder.attributes(&moment.attributes);
    FactsView::of(&moment.attributes, &Attributes::default()).write_defaults(&mut encoder, header.event);
    encoder.finish(moment.ids(), header.observed, header.event.as_str());
}

/// What a moment is.
#[derive(Debug)]
pub(in crate::trail) struct MomentHeader<'a> {
    pub(in crate::trail) event: EventName,
    pub(in crate::trail) outcome: &'a Outcome,
    /// Its text form.
    pub(in crate::trail) id: &'a str,
    /// The call around it.
    pub(in crate::trail) inside: Option<RecordId>,
    /// When it happened.
    pub(in crate::trail) unix_nano: u64,
    /// When it was recorded.
    pub(in crate::trail) observed: u64,
}

fn begin_moment<'b>(buffer: &'b mut Vec<u8>, header: &MomentHeader<'_>) -> Encoder<'b> {
    let mut encoder = Encoder::timed(buffer, header.unix_nano);
    if let (Some(beginning), Some(id)) =
        (templates::moment(header.event, header.outcome), header.id.as_bytes().first_chunk())
    {
        beginning.write(&mut encoder, [id]);
    }
    if let Some(call) = header.inside {
        encoder.text(names::AUDITRAIL_CALL_ID, call.encode(&mut [0; 36]));
    }
    encoder.outcome(header.outcome);
    encoder
}

/// The response of a call whose process died before it could be answered, made of what its request record says.
pub(in crate::trail) fn interrupted(buffer: &mut Vec<u8>, request: Record, id: RecordId, now: u64) {
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
    let ids = request.trace_id.map(|trace| SpanIds {
        trace,
        span: request.span_id,
        flags: u8::try_from(request.flags & 0xff).unwrap_or_default(),
    });
    encoder.finish(ids, now, &request.event_name);
}

fn half(encoder: &mut Encoder<'_>, state: &CallState, phase: Phase, id: &str) {
    if let (Some(half), Some(id)) = (templates::half(state.event(), phase), id.as_bytes().first_chunk()) {
        half.write(encoder, [id, &state.call_text(id)]);
    }
    encoder.fixed(match state.observer() {
        Observer::Server => fixed!(names::AUDITRAIL_OBSERVED_BY, "server"),
        Observer::Proxy => fixed!(names::AUDITRAIL_OBSERVED_BY, "proxy"),
        Observer::Client => fixed!(names::AUDITRAIL_OBSERVED_BY, "client"),
    });
}

fn known(encoder: &mut Encoder<'_>, facts: &Facts, added: &Attributes) {
    if let Some(shared) = &facts.shared {
        encoder.attributes(&shared.base);
    }
    encoder.attributes(&facts.base);
    if !added.as_bytes().is_empty() {
        encoder.attributes(added);
    }
    facts.truncations.encode(encoder);
}

/// Names the policy that says what is kept of the call, unless what decided whether it may run names its own.
fn name_policy(encoder: &mut Encoder<'_>, state: &CallState, facts: &Facts) {
    let Some(treated) = state.treated() else { return };
    let is_named =
        |said: &Attributes| said.contains(names::AUDITRAIL_POLICY_DIGEST) || said.contains(names::AUDITRAIL_POLICY_ID);
    if !is_named(&facts.base) && !is_named(&facts.added) {
        encoder.attributes(&treated.by.stamp);
    }
}

/// What is said of the things that every record needs.
struct FactsView<'a> {
    base: &'a Attributes,
    added: &'a Attributes,
    mapped: Option<&'a MappedFacts>,
}

impl<'a> FactsView<'a> {
    fn of(base: &'a Attributes, added: &'a Attributes) -> Self {
        Self { base, added, mapped: None }
    }

    fn of_facts(facts: &'a Facts) -> Self {
        Self { mapped: facts.mapped.as_deref(), ..Self::of(&facts.base, &facts.added) }
    }

    fn text(&self, place: Place) -> Option<&'a [u8]> {
        self.base.bytes_at(place).or_else(|| self.added.bytes_at(place))
    }

    fn has(&self, place: Place) -> bool {
        self.base.has(place) || self.added.has(place)
    }

    /// What the body begins with: the method and the tool or prompt, or the event's short name.
    fn subject(&self, event: EventName) -> [&'a [u8]; 3] {
        let method = self.text(Place::Method).unwrap_or(short(event).as_bytes());
        match self.text(Place::Tool).or_else(|| self.text(Place::Prompt)) {
            Some(name) => [method, b" ", name],
            None => [method, b"", b""],
        }
    }

    /// What the contract wants on every record and nobody has said.
    fn write_defaults(&self, encoder: &mut Encoder<'_>, event: EventName) {
        if !self.has(Place::ActorId) {
            encoder.fixed(fixed!(names::AUDIT_ACTOR_ID, "anonymous"));
        } else if !self.has(Place::ActorSource) {
            // Capture says where it has the actor from, so a span named it.
            encoder.attributes(named_by_span());
        }
        if !self.has(Place::ActorType) {
            encoder.fixed(fixed!(names::AUDIT_ACTOR_TYPE, "user"));
        }
        if !self.has(Place::Action) {
            encoder.fixed(action(event, self.text(Place::Method)));
        }
        if event == EventName::McpToolsCall && !self.has(Place::Operation) {
            encoder.fixed(fixed!(names::GEN_AI_OPERATION_NAME, "execute_tool"));
        }
        // Both or none: a handler's own target must not get the type of another.
        if !self.has(Place::TargetType) && !self.has(Place::TargetId) {
            self.write_target(encoder);
        }
        let is_said = |said: &Attributes| said.contains(names::AUDITRAIL_TARGET_ACTIONS);
        if let Some(mapped) = self.mapped.filter(|_| !is_said(self.base) && !is_said(self.added)) {
            encoder.attributes(&mapped.required);
        }
    }

    /// The target as the map says it, or else what the call names.
    fn write_target(&self, encoder: &mut Encoder<'_>) {
        match self.mapped.filter(|mapped| !mapped.target.as_bytes().is_empty()) {
            Some(mapped) => encoder.attributes(&mapped.target),
            None => {
                if let Some((kind, id)) = self.target() {
                    encoder.text(names::AUDIT_TARGET_TYPE, kind);
                    encoder.text_bytes(names::AUDIT_TARGET_ID, id);
                }
            }
        }
    }

    fn target(&self) -> Option<(&'static str, &'a [u8])> {
        [("tool", Place::Tool), ("resource", Place::Resource), ("prompt", Place::Prompt)]
            .into_iter()
            .find_map(|(kind, place)| Some((kind, self.text(place)?)))
    }
}

/// What is said of an actor that a span names.
fn named_by_span() -> &'static Attributes {
    static NAMED: LazyLock<Attributes> = LazyLock::new(|| {
        let mut named = Attributes::default();
        named.set(names::AUDITRAIL_ACTOR_VERIFIED, false);
        named.set(names::AUDITRAIL_ACTOR_SOURCE, "span");
        named
    });
    &NAMED
}

/// `audit.action`: an upper-case verb.
fn action(event: EventName, method: Option<&[u8]>) -> &'static [u8] {
    macro_rules! action {
        ($verb:literal) => {
            fixed!(names::AUDIT_ACTION, $verb)
        };
    }
    match event {
        EventName::Authn => return action!("LOGIN"),
        EventName::Authz => return action!("AUTHORIZE"),
        EventName::Approval => return action!("APPROVE"),
        _ => {}
    }
    match method {
        Some(b"initialize" | b"server/discover") => action!("CONNECT"),
        Some(b"resources/read" | b"prompts/get" | b"completion/complete" | b"tasks/get" | b"skills/get") => {
            action!("READ")
        }
        Some(b"resources/directory/read") => action!("LIST"),
        Some(b"logging/setLevel" | b"tasks/update") => action!("UPDATE"),
        Some(b"resources/subscribe" | b"subscriptions/listen") => action!("SUBSCRIBE"),
        Some(b"resources/unsubscribe") => action!("UNSUBSCRIBE"),
        Some(b"tasks/cancel" | b"notifications/cancelled") => action!("CANCEL"),
        Some(list) if list.ends_with(b"/list") => action!("LIST"),
        _ => match event {
            EventName::Context => action!("UPDATE"),
            EventName::Erasure => action!("DELETE"),
            _ => action!("EXECUTE"),
        },
    }
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &str {
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789".get((number % 10) as usize).copied().unwrap_or_default();
        (number, start) = (number / 10, start - 1);
        if number == 0 {
            break;
        }
    }
    digits.get(start..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default()
}
