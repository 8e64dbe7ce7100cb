//! The description of a moment.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use super::data_use::DataUse;
#[cfg(feature = "mcp")]
use super::message::MessageFacts;
use super::message::set_fact;
use super::state::CallState;
use crate::identity::Actor;
#[cfg(feature = "mcp")]
use crate::policy::Truncation;
use crate::policy::{Class, Truncations};
#[cfg(feature = "mcp")]
use crate::record::names;
use crate::record::{Attributes, EventName, Key, Outcome, RecordId, SpanIds, Status, Value};
use crate::trail::identity::Client;

/// An event that is no call: one record, without a phase.
#[derive(Debug, Clone)]
pub struct Moment {
    pub(in crate::trail) event: EventName,
    pub(in crate::trail) attributes: Attributes,
    /// Of attributes that were cut before.
    pub(in crate::trail) truncations: Truncations,
    pub(in crate::trail) outcome: Outcome,
    /// The call that it belongs to, where its facts are still to be asked.
    pub(in crate::trail) call: Option<Arc<CallState>>,
    pub(in crate::trail) call_id: Option<RecordId>,
    /// When it happened, in nanoseconds since 1970, if that was not when it is recorded.
    pub(in crate::trail) happened: Option<u64>,
    pub(in crate::trail) class: Option<Class>,
    pub(in crate::trail) context: Option<Context>,
    /// The trace of the caller, for a moment without a span.
    pub(in crate::trail) caller: Option<SpanIds>,
    /// Whose message it was.
    pub(in crate::trail) client: Option<Arc<Client>>,
    /// It reports bytes that are not a message.
    pub(in crate::trail) is_garbage: bool,
}

impl Moment {
    /// A moment of that event; its outcome is `success` unless set otherwise.
    #[must_use]
    pub fn new(event: EventName) -> Self {
        Self {
            event,
            attributes: Attributes::default(),
            truncations: Truncations::default(),
            outcome: Outcome::status(Status::Success),
            call: None,
            call_id: None,
            happened: None,
            class: None,
            context: None,
            caller: None,
            client: None,
            is_garbage: false,
        }
    }

    /// An attribute of the contract, or one of your own: whatever you set is exported. Ids, phases and outcomes belong to
    /// the trail; such a key is ignored.
    #[must_use]
    pub fn attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        set_fact(&mut self.attributes, key.into(), value);
        self
    }

    /// Who acts.
    #[must_use]
    pub fn actor(mut self, actor: Actor) -> Self {
        actor.write(&mut self.attributes);
        self
    }

    /// Why, and under which rules, data were used.
    #[must_use]
    pub fn data_use(mut self, data: DataUse) -> Self {
        data.write(&mut self.attributes);
        self
    }

    /// When it happened, if that was before it is recorded.
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.happened = u64::try_from(since.as_nanos()).ok().filter(|nanos| *nanos > 0);
        self
    }

    /// What [`Trail::record_durably`](crate::Trail::record_durably) waits for; by default, what the default class of the trail
    /// says.
    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.class = Some(class);
        self
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The OTel context of the span that it belongs to; by default, the current one. If that is the span of an open call, the
    /// event belongs to the call.
    #[must_use]
    pub fn within(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    pub(in crate::trail) fn ids(&self) -> Option<SpanIds> {
        let ids = |context: &Context| {
            let span = context.span();
            // What came with a request is the span of its caller, and never that of a record.
            let is_callers = span.span_context().is_remote();
            if is_callers { SpanIds::of_caller(span.span_context()) } else { SpanIds::of(span.span_context()) }
        };
        self.context.as_ref().and_then(ids).or(self.caller)
    }

    /// Takes over who acts in the call, where the event does not say it.
    pub(crate) fn lend_actor_of(&mut self, call: &CallState) {
        call.facts().lend_actor(&mut self.attributes, &mut self.truncations);
    }

    /// Takes over what the call says of itself, where the event says nothing.
    pub(in crate::trail) fn inside(&mut self, call: &CallState) {
        self.call_id = Some(call.call_id());
        self.lend_actor_of(call);
        self.client = self.client.take().or_else(|| call.client());
        if self.ids().is_none() {
            self.context = call.context().cloned();
            self.caller = call.ids();
        }
    }
}

impl Moment {
    /// A moment with the facts of an MCP message that wants no answer.
    #[cfg(feature = "mcp")]
    pub(crate) fn of_message(event: EventName, message: MessageFacts) -> Self {
        let caller = message.caller();
        let MessageFacts { mut attributes, shared, observer, .. } = message.settled();
        attributes.set(names::AUDITRAIL_OBSERVED_BY, observer.as_str());
        let (mut truncations, mut client) = (Truncations::default(), None);
        if let Some(shared) = shared {
            attributes.take_over(&shared.base, |_| true);
            truncations.take_over(&shared.truncations, |_| true);
            client.clone_from(&shared.client);
        }
        Self { attributes, truncations, caller, client, ..Self::new(event) }
    }

    /// An attribute that only capture sets.
    pub(crate) fn own(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.set(key, value.into());
        self
    }

    /// An attribute that only capture sets, and what it was if it was cut.
    #[cfg(feature = "mcp")]
    pub(crate) fn own_cut(mut self, key: &'static str, value: String, cut: Option<Truncation>) -> Self {
        self.truncations.note(cut);
        self.own(key, value)
    }

    /// It reports bytes that are not a message, and is the first to be left out when room is short.
    #[cfg(feature = "mcp")]
    pub(crate) fn of_garbage(self) -> Self {
        Self { is_garbage: true, ..self }
    }

    #[cfg(feature = "layer")]
    pub(crate) fn of(event: EventName, attributes: Attributes) -> Self {
        Self { attributes, ..Self::new(event) }
    }

    pub(crate) fn inside_call(mut self, call_id: Option<RecordId>) -> Self {
        self.call_id = call_id;
        self
    }

    #[cfg(any(feature = "layer", feature = "logs"))]
    pub(crate) fn maybe_within(mut self, context: Option<Context>) -> Self {
        self.context = context;
        self
    }

    /// Where it has no span.
    #[cfg(any(feature = "layer", feature = "logs"))]
    pub(crate) fn of_caller(mut self, caller: Option<SpanIds>) -> Self {
        self.caller = caller;
        self
    }
}
