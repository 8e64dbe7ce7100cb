//! One call while it is open.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use super::Core;
use crate::journal::CallNumber;
use crate::policy::cleaned;
use crate::record::names;
use crate::record::{Attributes, EventName, Key, RecordId, SpanIds, Value};

/// What is known of an open call. Capture sets the base; spans inside the call enrich it.
///
/// Invariant: enrichment adds keys and never replaces what capture has set.
#[derive(Debug)]
pub(crate) struct CallState {
    call_id: RecordId,
    request_id: RecordId,
    response_id: RecordId,
    begun_unix_nano: u64,
    begun_monotonic: u64,
    context: OnceLock<Context>,
    finished: AtomicBool,
    /// The journal's name for the call, once its request is in it.
    journalled: OnceLock<CallNumber>,
    facts: Mutex<Facts>,
}

#[derive(Debug)]
pub(super) struct Facts {
    pub(super) event: EventName,
    pub(super) base: Attributes,
    pub(super) added: Attributes,
    pub(super) duration: f64,
    pub(super) cut: Vec<Key>,
}

impl Facts {
    fn note_cut(&mut self, cut: bool, key: &Key) {
        if cut && !self.cut.contains(key) {
            self.cut.push(key.clone());
        }
    }
}

impl CallState {
    /// A call of that event, begun now, with what capture knows of it.
    /// Its values are cut to the limits already, those in `cut` were too long.
    pub(crate) fn new(core: &Core, event: EventName, base: Attributes, cut: Vec<Key>) -> Self {
        let begun_unix_nano = core.clock().unix_nano();
        let [call_id, request_id, response_id] = core.new_ids(begun_unix_nano);
        Self {
            call_id,
            request_id,
            response_id,
            begun_unix_nano,
            begun_monotonic: core.clock().monotonic_nano(),
            context: OnceLock::new(),
            finished: AtomicBool::new(false),
            journalled: OnceLock::new(),
            facts: Mutex::new(Facts { event, base, added: Attributes::default(), duration: 0.0, cut }),
        }
    }

    /// Attaches the OTel context of the call's own span, whose ids do not exist before the span is started. Only the
    /// first counts.
    pub(crate) fn attach(&self, context: Context) {
        if context.span().span_context().is_valid() {
            self.context.get_or_init(|| context);
        }
    }

    /// Adds a fact that a span inside the call knows.
    pub(crate) fn enrich(&self, core: &Core, key: &Key, value: Value) {
        let mut value = cleaned(key, value);
        let cut = core.limit_value(&mut value);
        let mut facts = self.facts();
        if facts.base.get(key).is_some() {
            return;
        }
        facts.added.set(key.clone(), value);
        facts.note_cut(cut, key);
    }

    /// Stops the clock; the number is the same on the record and on the span.
    pub(crate) fn stop(&self, core: &Core) -> f64 {
        let nanos = core.clock().monotonic_nano().saturating_sub(self.begun_monotonic);
        // Nanoseconds below 2^53 (104 days) are exact in a double.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let seconds = nanos as f64 / 1e9;
        self.facts().duration = seconds;
        self.finished.store(true, Ordering::Relaxed);
        seconds
    }

    /// Whether it is a call (no moment) that is still going on: an audited span inside it is part of it.
    pub(crate) fn is_open_call(&self) -> bool {
        !self.finished.load(Ordering::Relaxed) && self.event().has_halves()
    }

    pub(super) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn event(&self) -> EventName {
        self.facts().event
    }

    /// Notes the journal's name for the call.
    pub(super) fn set_journalled(&self, call: Option<CallNumber>) {
        if let Some(call) = call {
            let _first = self.journalled.set(call);
        }
    }

    /// The journal's name for the call, which its response frees.
    pub(super) fn journalled(&self) -> Option<CallNumber> {
        self.journalled.get().copied()
    }

    pub(crate) fn call_id(&self) -> RecordId {
        self.call_id
    }

    pub(crate) fn request_id(&self) -> RecordId {
        self.request_id
    }

    pub(crate) fn response_id(&self) -> RecordId {
        self.response_id
    }

    pub(crate) fn context(&self) -> Option<&Context> {
        self.context.get()
    }

    pub(super) fn ids(&self) -> Option<SpanIds> {
        self.context().and_then(|context| SpanIds::of(context.span().span_context()))
    }

    pub(super) fn begun_unix_nano(&self) -> u64 {
        self.begun_unix_nano
    }
}

/// For calls that the layer begins by itself.
impl CallState {
    /// Sets a fact of capture's own.
    pub(crate) fn set(&self, core: &Core, key: Key, value: Value) {
        let mut value = cleaned(&key, value);
        let cut = core.limit_value(&mut value);
        let mut facts = self.facts();
        facts.note_cut(cut, &key);
        facts.added.remove(&key);
        facts.base.set(key, value);
    }

    /// Corrects the event: the field that tells it may be recorded after the span was made.
    pub(crate) fn set_event(&self, event: EventName) {
        self.facts().event = event;
    }

    /// A string fact.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.facts().text(key).map(ToOwned::to_owned)
    }

    /// All facts, for a moment's record.
    pub(crate) fn take_facts(&self) -> Attributes {
        let mut facts = self.facts();
        let mut all = std::mem::take(&mut facts.base);
        for (key, value) in facts.added.iter() {
            all.set(key.to_owned(), value.clone());
        }
        if !facts.cut.is_empty() {
            all.set(names::AUDITRAIL_TRUNCATED, Value::strings(facts.cut.clone()));
        }
        all
    }
}
