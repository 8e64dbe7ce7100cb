//! A span that stands for a call or a moment, from its making to its close.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use tracing::Event;
use tracing::span::Attributes;

use super::said::{Ending, EndingVisitor, Said};
use super::visit::Fields;
use crate::policy::cleaned;
use crate::record::names::{self, Role};
use crate::record::{self, EventName, Key, Outcome, RecordId, Value};
use crate::trail::{CallState, Core, Failure, Moment};

/// Kept with the span. For calls that the trail has opened it only leads to their state; for others it is the record's
/// whole life.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    state: Arc<CallState>,
    own: Option<Arc<Own>>,
    /// The trail whose layer made it: another trail's layer on the same registry keeps its hands off.
    owner: usize,
}

/// What the layer keeps of a span that it audits by itself.
#[derive(Debug)]
struct Own {
    /// The call around it, for moments inside a call.
    inside: Option<RecordId>,
    said: Mutex<Said>,
    waiting: AtomicBool,
}

/// What a span said of itself when it was made.
pub(super) struct Facts {
    attributes: record::Attributes,
    said: Said,
    name: &'static str,
}

impl Facts {
    pub(super) fn of(attributes: &Attributes<'_>, fields: &Fields, core: &Core) -> Self {
        let mut facts = Self {
            attributes: record::Attributes::default(),
            said: Said::default(),
            name: attributes.metadata().name(),
        };
        attributes.record(&mut fields.visit(|key, role, value| facts.take(key, role, value)));
        facts.check_event(core, fields);
        facts
    }

    pub(super) fn event(&self) -> EventName {
        event_of(self.attributes.text(names::AUDITRAIL_EVENT), self.attributes.text(names::MCP_METHOD_NAME))
    }

    fn take(&mut self, key: &Key, role: Role, value: Value) {
        match role {
            Role::Outcome => self.said.field(key, &value),
            _ => self.attributes.set(key.clone(), cleaned(key, value)),
        }
    }

    fn check_event(&self, core: &Core, fields: &Fields) {
        let name = self.attributes.text(names::AUDITRAIL_EVENT);
        if name.is_some_and(|name| name.parse::<EventName>().is_err()) && fields.first_warning() {
            core.notices().warn(format!(
                "the span or event {} has an {} that is no event name of auditrail; it is recorded as {}; see \
                 auditrail::record::EventName for the names",
                self.name,
                names::AUDITRAIL_EVENT,
                EventName::McpRequest
            ));
        }
    }
}

/// What the fields say that it is. Where nobody says it, it is some request.
fn event_of(event: Option<&str>, method: Option<&str>) -> EventName {
    match (event, method) {
        (Some(event), _) => event.parse().unwrap_or(EventName::McpRequest),
        (None, Some(method)) => EventName::of_method(method),
        (None, None) => EventName::McpRequest,
    }
}

impl Entry {
    /// The span of a call that the trail has opened.
    pub(super) fn of_open_call(core: &Core, state: Arc<CallState>) -> Self {
        Self { state, own: None, owner: owner(core) }
    }

    pub(super) fn belongs_to(&self, core: &Core) -> bool {
        self.owner == owner(core)
    }

    /// A span that is audited by itself.
    pub(super) fn begin(core: &Core, facts: Facts, inside: Option<RecordId>) -> Self {
        let event = facts.event();
        let mut attributes = facts.attributes;
        if NAMING.iter().all(|name| attributes.get(name).is_none()) {
            attributes.set(names::AUDIT_TARGET_TYPE, "function");
            attributes.set(names::AUDIT_TARGET_ID, facts.name);
        }
        let own = Own { inside, said: Mutex::new(facts.said), waiting: AtomicBool::new(true) };
        let cut = core.limit(&mut attributes);
        Self {
            state: Arc::new(CallState::new(core, event, attributes, cut)),
            own: Some(Arc::new(own)),
            owner: owner(core),
        }
    }

    /// The id of the call that this stands for, if it is one and still going on.
    pub(super) fn open_call(&self) -> Option<RecordId> {
        self.state.is_open_call().then(|| self.state.call_id())
    }

    /// A field of a span inside the call.
    pub(super) fn enrich(&self, core: &Core, key: &Key, role: Role, value: Value) {
        if role == Role::Fact && *key != names::AUDITRAIL_EVENT {
            self.state.enrich(core, key, value);
        }
    }

    /// All fields of a span inside the call.
    pub(super) fn enrich_all(&self, core: &Core, facts: Facts) {
        for (key, value) in facts.attributes.iter() {
            self.enrich(core, &key.to_owned().into(), Role::Fact, value.clone());
        }
    }

    /// A field of the span itself, recorded later.
    pub(super) fn say(&self, core: &Core, key: &Key, role: Role, value: Value) {
        let Some(own) = &self.own else { return };
        if role == Role::Outcome {
            own.said().field(key, &value);
            return;
        }
        self.state.set(core, key.clone(), value);
        if own.waiting.load(Ordering::Relaxed) {
            let (event, method) = (self.state.text(names::AUDITRAIL_EVENT), self.state.text(names::MCP_METHOD_NAME));
            self.state.set_event(event_of(event.as_deref(), method.as_deref()));
        }
    }

    /// Whether the layer still has to write the request half.
    pub(super) fn is_waiting(&self) -> bool {
        self.own.as_ref().is_some_and(|own| own.waiting.load(Ordering::Relaxed))
    }

    /// The span's ids exist now: writes the request half, if there are halves.
    pub(super) fn open(&self, core: &Core, otel: Option<Context>) {
        let Some(own) = &self.own else { return };
        if !own.waiting.swap(false, Ordering::Relaxed) {
            return;
        }
        if let Some(otel) = otel {
            // In somebody's own order of layers the span may have ended before our last event reaches it: the id of the
            // record stands on it from the beginning.
            otel.span().set_attribute(KeyValue::new(names::AUDIT_RECORD_ID, self.state.response_id().to_string()));
            self.state.attach(otel);
        }
        if self.state.event().has_halves() {
            core.write_request(&self.state);
        }
    }

    /// `err` or `ret` of the span's own `#[instrument]`.
    pub(super) fn hear(&self, core: &Core, event: &Event<'_>) {
        let Some(own) = &self.own else { return };
        let mut visitor = EndingVisitor::new(core.hooks().has_denial());
        event.record(&mut visitor);
        let mut ending = visitor.ending;
        if ending == Ending::Failed {
            let (method, tool) = (self.state.text(names::MCP_METHOD_NAME), self.state.text(names::GEN_AI_TOOL_NAME));
            let failure = Failure::new(method.as_deref(), tool.as_deref(), None, &visitor.text);
            if core.hooks().is_denial(core.notices(), &failure) {
                ending = Ending::Denied;
            }
        }
        own.said().ending(ending);
    }

    /// The last chance for the ids of a span that had none when it was entered.
    pub(super) fn attach_late(&self, otel: impl FnOnce() -> Option<Context>) {
        if self.own.is_some()
            && self.state.context().is_none()
            && let Some(otel) = otel()
        {
            self.state.attach(otel);
        }
    }

    /// The span closes: writes the response half, or the moment.
    pub(super) fn close(&self, core: &Core) {
        let Some(own) = &self.own else { return };
        let event = self.state.event();
        let outcome = std::mem::take(&mut *own.said()).outcome(event);
        let duration = self.state.stop(core);
        if let Some(otel) = self.state.context() {
            let call = if event.has_halves() { Some(self.state.call_id()) } else { own.inside };
            mark(otel, &outcome, duration, call);
        }
        if event.has_halves() {
            core.write_response(&self.state, &outcome);
        } else {
            let moment = Moment::of(event, self.state.take_facts())
                .outcome(outcome)
                .lasting(duration)
                .inside_call(own.inside)
                .maybe_within(self.state.context().cloned())
                .with_id(self.state.response_id());
            core.write_moment(moment);
        }
    }
}

fn owner(core: &Core) -> usize {
    std::ptr::from_ref(core).addr()
}

impl Own {
    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the record of an event with `auditrail.event`.
pub(super) fn write_event(
    core: &Core,
    event: &Event<'_>,
    fields: &Fields,
    otel: Option<Context>,
    call: Option<RecordId>,
) {
    let mut facts =
        Facts { attributes: record::Attributes::default(), said: Said::default(), name: event.metadata().name() };
    event.record(&mut fields.visit(|key, role, value| facts.take(key, role, value)));
    facts.check_event(core, fields);
    let name = facts.event();
    // What happened at one moment is not an open call: nothing said is success.
    let outcome = if name.has_halves() { facts.said.outcome(EventName::Context) } else { facts.said.outcome(name) };
    core.write_moment(Moment::of(name, facts.attributes).outcome(outcome).inside_call(call).maybe_within(otel));
}

/// The same words and the same number on the span as on the record.
fn mark(otel: &Context, outcome: &Outcome, duration: f64, call: Option<RecordId>) {
    let span = otel.span();
    let detail = outcome.detail.map(|detail| KeyValue::new(names::AUDITRAIL_OUTCOME_DETAIL, detail.as_str()));
    let known = [
        KeyValue::new(names::AUDIT_OUTCOME, outcome.status.as_str()),
        KeyValue::new(names::AUDITRAIL_DURATION, duration),
    ];
    let call = call.map(|call| KeyValue::new(names::AUDITRAIL_CALL_ID, call.to_string()));
    span.set_attributes(known.into_iter().chain(detail).chain(call));
    if outcome.is_span_error() {
        span.set_status(opentelemetry::trace::Status::error(""));
    }
}

/// What tells what a span is about; where it has none of them, it is about its function.
const NAMING: [&str; 5] = [
    names::AUDIT_TARGET_ID,
    names::GEN_AI_PROMPT_NAME,
    names::GEN_AI_TOOL_NAME,
    names::MCP_METHOD_NAME,
    names::MCP_RESOURCE_URI,
];
