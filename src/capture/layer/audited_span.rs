//! A span that is a call or a moment, from its creation to its close.

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use tracing::Event;
use tracing::field::{Field, Visit};
use tracing::span::Id;

use super::span_activity::SpanActivity;
use super::span_outcome::{Ending, EndingVisitor, SpanOutcome};
use super::visit::{AllowedField, AllowedFields, Purpose};
use crate::identity::{RequestFacts, Standing};
use crate::locks::{Mutex, MutexGuard};
use crate::policy::{Truncations, Truncator, without_secrets};
use crate::record::names;
use crate::record::{Attributes, EventName, Given, Outcome, Place, RecordId, Scalar, SpanIds};
use crate::trail::{
    CallState, Core, Denial, Facts, FactsRef, Failure, Marks, Moment, SpanMoment, beginning, end_span, mark,
};

/// What the layer keeps of a span that it audits itself, for the whole life of its records.
#[derive(Debug, Default)]
pub(super) struct AuditedSpan {
    state: CallState,
    /// The call around it, for moments inside a call.
    inside: Option<RecordId>,
    /// Who acts in that call.
    lent: Option<Box<LentActor>>,
    said: Mutex<SpanOutcome>,
    /// No record of it is written yet, so its kind can still change: for a call until it is entered, for a moment
    /// until its close.
    waiting: AtomicBool,
    course: SpanActivity,
}

/// The actor of the call around a span, and which of its values are cut.
#[derive(Debug, Default)]
struct LentActor {
    attributes: Attributes,
    truncations: Truncations,
}

/// The call around a span or event that has its own record.
#[derive(Debug, Clone, Copy)]
pub(super) struct EnclosingCall {
    pub(super) call: RecordId,
    pub(super) caller: Option<SpanIds>,
}

impl AuditedSpan {
    /// Reads the fields of a new span, or of an event.
    pub(super) fn take_fields(
        &mut self,
        record: impl FnOnce(&mut dyn Visit),
        name: &'static str,
        fields: &AllowedFields,
        core: &Core,
    ) {
        let Self { state, said, .. } = self;
        let (facts, said) = (state.facts_mut(), said.get_mut());
        record(&mut FieldIntake { fields, facts, said, truncator: core.truncator() });
        let event = said.event(facts.bytes(Place::Method));
        warn_of_event(said, name, core, fields);
        state.set_event(event);
    }

    /// Begins the call or moment of that span. If the span names no other target, the target is its function.
    pub(super) fn begin(
        &mut self,
        core: &Core,
        (id, name): (&Id, &'static str),
        around: Option<(&CallState, &EnclosingCall)>,
    ) {
        if let Some((call, around)) = around {
            self.inside = Some(around.call);
            let LentActor { attributes, truncations } = &mut **self.lent.get_or_insert_default();
            call.facts().lend_actor(attributes, truncations);
        }
        self.state.set_caller(around.and_then(|(_, around)| around.caller));
        *self.waiting.get_mut() = true;
        self.state.begin(core.entropy(), core.clock().now());
        beginning::tell(name, id.into_u64(), self.state.begun_unix_nano());
        let facts = self.state.facts_mut();
        if core.chain().is_configured() && !facts.has(Place::ActorId) {
            identify(core, facts);
        }
        if !NAMING.iter().any(|place| facts.has(*place)) {
            facts.set(core.truncator(), &names::AUDIT_TARGET_TYPE.into(), text("function"));
            facts.set(core.truncator(), &names::AUDIT_TARGET_ID.into(), text(name));
        }
    }

    /// Clears everything but keeps the memory; returns whether it is worth keeping.
    pub(super) fn clear(&mut self) -> bool {
        self.state.clear();
        self.course = SpanActivity::default();
        self.inside = None;
        self.lent = None;
        *self.said.get_mut() = SpanOutcome::default();
        !self.state.is_large()
    }

    pub(super) fn state(&self) -> &CallState {
        &self.state
    }

    pub(super) fn course(&self) -> &SpanActivity {
        &self.course
    }

    pub(super) fn facts_mut(&mut self) -> &mut Facts {
        self.state.facts_mut()
    }

    /// A field of the span itself, recorded later.
    pub(super) fn say(&self, core: &Core, field: &AllowedField, given: Given<'_>) {
        // A task that outlives the call may add facts in its span, but does not decide how it ends.
        if field.purpose == Purpose::Outcome || self.course.is_own() {
            self.course.seen(core.clock().monotonic_nano());
        }
        let mut said = self.said();
        let mut facts = self.state.facts();
        match field.purpose {
            Purpose::Outcome => return said.take(field, given),
            Purpose::Event => said.take_event(given),
            // The extractors have named the actor.
            Purpose::Fact if field.name.is(Place::ActorId) && facts.has(Place::ActorSource) => {}
            Purpose::Fact | Purpose::Uri => {
                cleaned(field, given, |given| facts.set(core.truncator(), field.key(), given));
            }
        }
        if self.is_waiting() {
            self.state.set_event(said.event(facts.bytes(Place::Method)));
        }
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The span's ids exist now: writes the request record, if it is a call. Unless it is known that the end of the
    /// record will be mirrored on the span, the record's id is set on the span now.
    pub(super) fn open(&self, core: &Core, otel: impl FnOnce() -> Option<Context>, is_mirrored: bool) {
        let is_call = self.state.event().has_halves();
        if is_call && !self.waiting.swap(false, Ordering::Relaxed) {
            return;
        }
        if self.state.context().is_none()
            && let Some(otel) = otel()
        {
            self.note_id(&otel, is_mirrored);
            self.state.attach(otel);
        }
        if is_call {
            core.map_span(&self.state);
            core.write_request(&self.state, None);
        }
    }

    fn note_id(&self, otel: &Context, is_mirrored: bool) {
        if !is_mirrored {
            otel.span().set_attribute(KeyValue::new(names::AUDIT_RECORD_ID, self.state.response_id().to_string()));
        }
    }

    /// The call, if it is one that is open.
    pub(super) fn open_call(&self) -> Option<&CallState> {
        (self.state.event().has_halves() && !self.is_waiting()).then_some(&self.state)
    }

    /// `err` or `ret` of the span's own `#[instrument]`, which is the last thing that its function does. Returns
    /// whether the span ends with that.
    pub(super) fn hear(&self, core: &Core, event: &Event<'_>) -> bool {
        if self.course.end() {
            return false;
        }
        self.state.stop(core.clock());
        let mut visitor = EndingVisitor::new(core.hooks().has_denial());
        event.record(&mut visitor);
        let mut ending = visitor.ending;
        if ending == Ending::Failed {
            let owned = |place| self.state.facts().text(place).map(ToOwned::to_owned);
            let (method, tool) = (owned(Place::Method), owned(Place::Tool));
            let failure = Failure::new(method.as_deref(), tool.as_deref(), None, &visitor.text);
            if let Some(denial) = core.hooks().denial(core.notices(), &failure) {
                ending = Ending::Denied;
                self.denied(core, &denial);
            }
        }
        self.said().ending(ending);
        true
    }

    /// An error that is a denial ends it, unless the span has said how it ends.
    fn denied(&self, core: &Core, denial: &Denial) {
        if self.said().status().is_none() && self.state.event().has_halves() {
            core.write_denial(&self.state, denial, false);
        }
    }

    /// The span ends: writes the response record, or the moment. Resolves its ids if it has none yet.
    pub(super) fn close(&self, core: &Core, otel: impl FnOnce() -> Option<Context>, is_mirrored: bool) -> SpanClose {
        let said = std::mem::take(&mut *self.said());
        let mut closed = self.end(core, said, otel, is_mirrored);
        closed.found.take().into_iter().for_each(|found| self.state.attach(found));
        if closed.is_call {
            let Some(answer) = self.state.answer() else { return closed };
            core.write_response(answer, &closed.outcome, None);
            core.count_actor(standing(&self.state.facts()));
        } else {
            if let Some(lent) = &self.lent {
                self.state.facts().borrow_actor(&lent.attributes, &lent.truncations);
            }
            core.write_span_moment(FactsRef::Shared(&self.state), &self.moment(&closed), self.state.context());
        }
        closed
    }

    /// The OTel context of a closed span, if it is known.
    pub(super) fn otel<'a>(&'a self, closed: &'a SpanClose) -> Option<&'a Context> {
        closed.found.as_ref().or(self.state.context())
    }

    /// Ends the OTel span together with its record, if that ended before the close.
    pub(super) fn end_span(&self) {
        end_span(self.state.context(), self.state.ended_unix_nano());
    }

    /// Ends the OTel span of a closed span, if that is still possible.
    pub(super) fn end_closed(&self, closed: &SpanClose) {
        end_span(self.otel(closed), self.state.ended_unix_nano());
    }

    /// Like [`close`](Self::close), for a span that nothing else can access, so that nothing has to be locked.
    pub(super) fn close_alone(
        &mut self,
        core: &Core,
        otel: impl FnOnce() -> Option<Context>,
        is_mirrored: bool,
    ) -> SpanClose {
        let said = std::mem::take(self.said.get_mut());
        let mut closed = self.end(core, said, otel, is_mirrored);
        if closed.is_call {
            closed.found.take().into_iter().for_each(|found| self.state.attach(found));
            core.write_response_alone(&mut self.state, &closed.outcome);
            core.count_actor(standing(self.state.facts_mut()));
            return closed;
        }
        if let Some(lent) = &self.lent {
            self.state.facts_mut().borrow_actor(&lent.attributes, &lent.truncations);
        }
        let moment = self.moment(&closed);
        // It was found when the span was entered, if it is not available at the close.
        let kept = self.state.context().cloned();
        let otel = closed.found.as_ref().or(kept.as_ref());
        core.write_span_moment(FactsRef::Alone(self.state.facts_mut()), &moment, otel);
        closed
    }

    fn end(
        &self,
        core: &Core,
        said: SpanOutcome,
        otel: impl FnOnce() -> Option<Context>,
        is_mirrored: bool,
    ) -> SpanClose {
        let event = self.state.event();
        let (told, outcome) = (said.status(), said.outcome(event, self.course.panicked()));
        let ended = self.course.last_seen().unwrap_or_else(|| core.clock().monotonic_nano());
        let duration = self.state.stop_at(ended);
        let is_call = event.has_halves();
        let found = match self.state.context() {
            Some(_) => None,
            None => otel().inspect(|otel| self.note_id(otel, is_mirrored)),
        };
        if let Some(otel) = found.as_ref().or(self.state.context()) {
            // A moment lasts as long as its span, which has that information already. A call has its records as events of its
            // span, by their ids; its own id beside them would cost a fourteenth of what the call costs (docs/adr/049).
            let (call, lasted) = if is_call { (None, Some(duration)) } else { (self.inside, None) };
            mark(otel, &outcome, Marks { is_told: told == Some(outcome.status), duration: lasted, call });
        }
        SpanClose { is_call, outcome, found }
    }

    fn moment<'a>(&self, closed: &'a SpanClose) -> SpanMoment<'a> {
        self.state.moment(&closed.outcome, self.inside)
    }

    fn said(&self) -> MutexGuard<'_, SpanOutcome> {
        self.said.lock()
    }
}

/// Reads the fields of a new span.
struct FieldIntake<'a> {
    fields: &'a AllowedFields,
    facts: &'a mut Facts,
    said: &'a mut SpanOutcome,
    truncator: &'a Truncator,
}

impl FieldIntake<'_> {
    fn others(&mut self) -> impl Visit {
        let Self { fields, facts, said, truncator } = self;
        fields.visit(|field, given| match field.purpose {
            Purpose::Fact if fields.are_unique() => facts.append(truncator, &field.name, given),
            Purpose::Fact | Purpose::Uri => cleaned(field, given, |given| facts.set(truncator, field.key(), given)),
            Purpose::Event => said.take_event(given),
            Purpose::Outcome => said.take(field, given),
        })
    }
}

impl Visit for FieldIntake<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // The path of nearly all fields is short, because a span may have many.
        match self.fields.plain(field) {
            Some(name) => self.facts.append_text(self.truncator, name, value),
            None => self.others().record_str(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.others().record_i64(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.others().record_u64(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.others().record_f64(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.others().record_bool(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.others().record_debug(field, value);
    }
}

/// The result of a closed span.
#[derive(Debug)]
pub(super) struct SpanClose {
    is_call: bool,
    outcome: Outcome,
    /// Its OTel context, if that was found at the close and is not kept with its state.
    found: Option<Context>,
}

/// Adds a field of a span inside the call.
pub(super) fn enrich(state: &CallState, core: &Core, field: &AllowedField, given: Given<'_>) {
    if matches!(field.purpose, Purpose::Fact | Purpose::Uri) {
        cleaned(field, given, |given| state.facts().enrich(core.truncator(), field.key(), given));
    }
}

/// Writes the record of an event with `auditrail.event`.
pub(super) fn write_event(
    core: &Core,
    event: &Event<'_>,
    fields: &AllowedFields,
    otel: Option<Context>,
    around: Option<(&CallState, &EnclosingCall)>,
) {
    let mut audited = AuditedSpan::default();
    audited.take_fields(|visitor| event.record(visitor), event.metadata().name(), fields, core);
    let name = audited.state.event();
    let said = std::mem::take(&mut *audited.said());
    // An event at one moment is not an open call: without a stated outcome, it is a success.
    let event = if name.has_halves() { EventName::Context } else { name };
    let outcome = said.outcome(event, std::thread::panicking());
    let attributes = audited.facts_mut().take_all();
    let mut moment = Moment::of(name, attributes).outcome(outcome);
    if let Some((call, around)) = around {
        moment = moment.inside_call(Some(around.call));
        moment.lend_actor_of(call);
    }
    let caller = around.and_then(|(_, around)| around.caller);
    core.write_moment(moment.maybe_within(otel).of_caller(caller));
}

/// Asks the extractors of the trail for the actor. A span carries no request, so they know only the method and the process.
fn identify(core: &Core, facts: &mut Facts) {
    let method = facts.text(Place::Method).unwrap_or_default();
    let found = core.chain().extract(&RequestFacts { method, ..RequestFacts::default() });
    if let Some(actor) = found {
        facts.identify(core.truncator(), actor);
    }
}

/// How well the actor of a span is known: it names one, or it does not.
fn standing(facts: &Facts) -> Standing {
    if facts.has(Place::ActorId) { Standing::Asserted } else { Standing::Anonymous }
}

fn warn_of_event(said: &SpanOutcome, name: &str, core: &Core, fields: &AllowedFields) {
    if said.has_unknown_event() && fields.first_warning() {
        core.notices().warn(format!(
            "the span or event {name} has an {} that is no event name of auditrail; it is recorded as {}; see \
             auditrail::record::EventName for the names",
            names::AUDITRAIL_EVENT,
            EventName::McpRequest
        ));
    }
}

/// The URI of a resource without its secrets; anything else unchanged.
fn cleaned(field: &AllowedField, given: Given<'_>, take: impl FnOnce(Given<'_>)) {
    match given.scalar {
        Scalar::Str(uri) if field.purpose == Purpose::Uri => {
            take(Given { scalar: Scalar::Str(&without_secrets(uri)), ..given });
        }
        _ => take(given),
    }
}

fn text(text: &str) -> Given<'_> {
    Given { scalar: Scalar::Str(text), in_list: false }
}

/// The fields that identify the target of a span.
const NAMING: [Place; 6] =
    [Place::TargetId, Place::TargetType, Place::Prompt, Place::Tool, Place::Method, Place::Resource];
