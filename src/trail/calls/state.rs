//! The state of one call while it is open.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use super::facts::Facts;
use super::observer::Observer;
#[cfg(feature = "layer")]
use super::treated::RequestHalf;
use super::treated::Treated;
use crate::journal::CallNumber;
use crate::locks::{Mutex, MutexGuard};
#[cfg(feature = "mcp")]
use crate::policy::Level;
use crate::policy::{Truncations, Truncator, cleaned};
#[cfg(feature = "layer")]
use crate::record::Outcome;
use crate::record::{Attributes, Clock, ClockReading, Entropy, EventName, Key, RecordId, SpanIds, Value};
use crate::trail::identity::Client;

/// What is known of an open call. Capture sets the base; spans inside the call enrich it.
///
/// Invariants:
/// 1. Enrichment adds keys and never replaces what capture has set: no key is in two of what is shared, the base, and what was
///    added.
/// 2. A state that is begun again says nothing of the call before.
/// 3. Begin and end are one reading of the clocks each. The length is that of the monotonic clock, and the end is as much
///    later than the begin: a wall clock that is set meanwhile changes neither, and record and span say the same.
/// 4. A call has one response record: whoever answers it first writes it, the others' words come too late.
#[derive(Debug)]
pub(crate) struct CallState {
    /// What tells the ids of this call from those of others; they differ from each other in the last two bits.
    random: [u8; 10],
    begun: ClockReading,
    event: AtomicU8,
    duration_nano: AtomicU64,
    is_answered: AtomicBool,
    context: OnceLock<Context>,
    /// The trace of the caller, for a call that has no span.
    caller: Option<SpanIds>,
    observer: Observer,
    /// The journal's number for the call, once its request is in it; 0 until then.
    journalled: AtomicU64,
    /// What the policy says of it, if there is one.
    treated: OnceLock<Treated>,
    /// Its request half is an intent until the outcome is known.
    is_intended: AtomicBool,
    facts: Mutex<Facts>,
}

impl CallState {
    /// A call of that event, by that caller.
    pub(crate) fn new(event: EventName, caller: Option<SpanIds>) -> Self {
        let state = Self { caller, ..Self::default() };
        state.set_event(event);
        state
    }

    /// The call begins, or has begun then.
    pub(crate) fn begin(&mut self, entropy: &dyn Entropy, begun: ClockReading) {
        self.begun = begun;
        entropy.fill(&mut self.random);
    }

    /// Sets whose point of view it is, before anybody else sees it.
    pub(in crate::trail) fn set_observer(&mut self, observer: Observer) {
        self.observer = observer;
    }

    pub(in crate::trail) fn observer(&self) -> Observer {
        self.observer
    }

    /// Attaches the OTel context of the call's own span, whose ids do not exist before the span is started. Only the
    /// first counts.
    pub(crate) fn attach(&self, context: Context) {
        if context.span().span_context().is_valid() {
            self.context.get_or_init(|| context);
        }
    }

    /// Adds a fact that a span inside the call knows.
    pub(crate) fn enrich(&self, truncator: &Truncator, key: &Key, value: Value) {
        let mut value = cleaned(key, value);
        let cut = truncator.value(key, &mut value);
        let mut facts = self.facts();
        if !facts.is_captured(key) {
            facts.added.set(key.clone(), value);
            facts.truncations.note(cut);
        }
    }

    /// Sets what became known of the call before its request record is written, or what is known better than before.
    pub(in crate::trail) fn learn(&self, truncator: &Truncator, mut learnt: Attributes) {
        let cut = truncator.limit(&mut learnt);
        self.set_all(&learnt, &cut);
    }

    /// Sets what capture says of arguments and results, which is within its own limits.
    #[cfg(feature = "mcp")]
    pub(in crate::trail) fn set_content(&self, said: &Attributes, cut: &Truncations) {
        self.set_all(said, cut);
    }

    /// Takes back content.
    #[cfg(feature = "mcp")]
    pub(in crate::trail) fn forget_content(&self, keys: impl IntoIterator<Item = &'static str>) {
        let mut facts = self.facts();
        for key in keys {
            facts.base.remove(key);
            facts.truncations.forget(key);
        }
    }

    fn set_all(&self, known: &Attributes, cut: &Truncations) {
        let mut facts = self.facts();
        for (key, _) in known.iter() {
            facts.base.remove(key);
            facts.added.remove(key);
        }
        facts.base.take_over(known, |_| true);
        facts.truncations.take_over(cut, |_| true);
    }

    /// Takes back what was said of the call.
    pub(in crate::trail) fn forget<'a>(&self, keys: impl IntoIterator<Item = &'a str>) {
        let mut facts = self.facts();
        for key in keys {
            facts.base.remove(key);
        }
    }

    /// Stops the clock, unless it was stopped before; the number is the same on the record and on the span.
    pub(crate) fn stop(&self, clock: &dyn Clock) -> f64 {
        self.stop_at(clock.monotonic_nano())
    }

    /// Stops the clock at a time that has passed, unless it was stopped before.
    #[inline]
    pub(crate) fn stop_at(&self, monotonic_nano: u64) -> f64 {
        let nanos = monotonic_nano.saturating_sub(self.begun.monotonic_nano);
        // Two may stop it at once. 0 stands for a clock that runs.
        let _first = self.duration_nano.compare_exchange(0, nanos.max(1), Ordering::Relaxed, Ordering::Relaxed);
        self.duration()
    }

    fn is_stopped(&self) -> bool {
        self.duration_nano() != 0
    }

    pub(in crate::trail) fn duration_nano(&self) -> u64 {
        self.duration_nano.load(Ordering::Relaxed)
    }

    /// In seconds.
    pub(in crate::trail) fn duration(&self) -> f64 {
        // Nanoseconds below 2^53 (104 days) are exact in a double.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let nanos = self.duration_nano() as f64;
        nanos / 1e9
    }

    /// The time of completion, of a call that was stopped.
    pub(crate) fn ended_unix_nano(&self) -> u64 {
        self.begun.unix_nano.saturating_add(self.duration_nano())
    }

    /// Whether it falls to the caller, and to nobody else, to write the response record.
    pub(in crate::trail) fn is_first_to_end(&self) -> bool {
        !self.is_answered.swap(true, Ordering::AcqRel)
    }

    /// As [`is_first_to_end`](Self::is_first_to_end), where nobody else can see the state.
    #[cfg(feature = "layer")]
    pub(in crate::trail) fn is_first_to_end_alone(&mut self) -> bool {
        !std::mem::replace(self.is_answered.get_mut(), true)
    }

    pub(in crate::trail) fn is_answered(&self) -> bool {
        self.is_answered.load(Ordering::Acquire)
    }

    /// Whether it is a call (no moment) that is still going on: an audited span inside it is part of it.
    pub(crate) fn is_open_call(&self) -> bool {
        !self.is_stopped() && self.event().has_halves()
    }

    #[inline]
    pub(crate) fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock()
    }

    #[inline]
    pub(crate) fn event(&self) -> EventName {
        let index = usize::from(self.event.load(Ordering::Relaxed));
        EventName::ALL.get(index).copied().unwrap_or(EventName::McpRequest)
    }

    /// Corrects the event: the field that tells it may be recorded after the span was made.
    pub(crate) fn set_event(&self, event: EventName) {
        self.event.store(event as u8, Ordering::Relaxed);
    }

    /// Notes the journal's number for the call.
    pub(in crate::trail) fn set_journalled(&self, call: Option<CallNumber>) {
        if call.is_some() {
            self.journalled.store(CallNumber::number_of(call), Ordering::Release);
        }
    }

    /// The journal's number for the call, which its response frees.
    pub(in crate::trail) fn journalled(&self) -> Option<CallNumber> {
        CallNumber::of_number(self.journalled.load(Ordering::Acquire))
    }

    /// Sets what the policy says of it. The first counts.
    pub(in crate::trail) fn treat(&self, treated: Treated) {
        self.treated.get_or_init(|| treated);
    }

    /// What the policy says of it; `None` if there is no policy.
    #[inline]
    pub(crate) fn treated(&self) -> Option<&Treated> {
        self.treated.get()
    }

    /// Whether the policy leaves both of its records out, however it ends.
    #[cfg(feature = "layer")]
    pub(crate) fn is_left_out(&self) -> bool {
        self.treated().is_some_and(|treated| treated.request_half() == RequestHalf::Suppressed)
    }

    /// How much may have to be kept of it, before its outcome is known.
    #[cfg(feature = "mcp")]
    pub(crate) fn level(&self) -> Level {
        self.treated().map_or_else(Level::default, |treated| treated.most().level)
    }

    /// Its request half is an intent from now on.
    pub(in crate::trail) fn intend(&self) {
        self.is_intended.store(true, Ordering::Release);
    }

    pub(in crate::trail) fn is_intended(&self) -> bool {
        self.is_intended.load(Ordering::Acquire)
    }

    /// Who asks.
    pub(in crate::trail) fn client(&self) -> Option<Arc<Client>> {
        self.facts().client()
    }

    /// What tells it from other calls.
    pub(in crate::trail) fn id_bytes(&self) -> [u8; 16] {
        let mut id = [0; 16];
        let time = self.begun.unix_nano.to_be_bytes();
        let bytes = self.random.iter().chain(time.iter().skip(2));
        id.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        id
    }

    pub(crate) fn call_id(&self) -> RecordId {
        self.id(0)
    }

    /// The text form of the call's id, made of that of one of its records.
    #[inline]
    pub(in crate::trail) fn call_text(&self, record: &[u8; 36]) -> [u8; 36] {
        let [.., last] = &self.random;
        RecordId::sibling(record, last & !0b11)
    }

    pub(crate) fn request_id(&self) -> RecordId {
        self.id(1)
    }

    pub(crate) fn response_id(&self) -> RecordId {
        self.id(2)
    }

    fn id(&self, which: u8) -> RecordId {
        let mut random = self.random;
        let [.., last] = &mut random;
        *last = (*last & !0b11) | which;
        RecordId::new(self.begun.unix_nano, &random)
    }

    #[inline]
    pub(crate) fn context(&self) -> Option<&Context> {
        self.context.get()
    }

    /// The ids of its own span, or else the caller's trace.
    pub(in crate::trail) fn ids(&self) -> Option<SpanIds> {
        self.context().and_then(|context| SpanIds::of(context.span().span_context())).or(self.caller)
    }

    /// The trace of its caller, for what belongs to the call where there are no spans.
    #[cfg(feature = "layer")]
    pub(crate) fn caller(&self) -> Option<SpanIds> {
        self.caller
    }

    /// Sets that of a call that the layer begins.
    #[cfg(feature = "layer")]
    pub(crate) fn set_caller(&mut self, caller: Option<SpanIds>) {
        self.caller = caller;
    }

    /// A number as good as any other, by which calls are spread.
    pub(in crate::trail) fn any_number(&self) -> usize {
        usize::from(self.random[0])
    }

    pub(crate) fn begun_unix_nano(&self) -> u64 {
        self.begun.unix_nano
    }
}

/// A span without halves that has closed.
#[derive(Debug)]
#[cfg(feature = "layer")]
pub(crate) struct SpanMoment<'a> {
    pub(in crate::trail) event: EventName,
    pub(in crate::trail) outcome: &'a Outcome,
    pub(in crate::trail) id: RecordId,
    /// The call around it.
    pub(in crate::trail) inside: Option<RecordId>,
    /// In seconds.
    pub(in crate::trail) duration: f64,
    pub(in crate::trail) unix_nano: u64,
    /// The trace of the caller, where the span has no ids.
    pub(in crate::trail) caller: Option<SpanIds>,
}

/// The facts of a call or a span that has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum FactsRef<'a> {
    /// Somebody may still see them.
    Shared(&'a CallState),
    /// Nobody else can.
    #[cfg_attr(
        not(feature = "layer"),
        expect(dead_code, reason = "only spans of users end with nobody to see their facts")
    )]
    Alone(&'a Facts),
}

impl FactsRef<'_> {
    pub(in crate::trail) fn with<T>(&self, use_them: impl FnOnce(&Facts) -> T) -> T {
        match self {
            Self::Shared(state) => use_them(&state.facts()),
            Self::Alone(facts) => use_them(facts),
        }
    }

    /// Who asks.
    pub(in crate::trail) fn client(&self) -> Option<Arc<Client>> {
        self.with(Facts::client)
    }
}

/// For calls that the layer begins by itself.
impl CallState {
    /// The moment that it was, now that it was stopped.
    #[cfg(feature = "layer")]
    pub(crate) fn moment<'a>(&self, outcome: &'a Outcome, inside: Option<RecordId>) -> SpanMoment<'a> {
        SpanMoment {
            event: self.event(),
            outcome,
            id: self.response_id(),
            inside,
            duration: self.duration(),
            unix_nano: self.ended_unix_nano(),
            caller: self.caller,
        }
    }

    /// The facts, where nobody else can see the state yet.
    pub(crate) fn facts_mut(&mut self) -> &mut Facts {
        self.facts.get_mut()
    }

    /// Adds what a span inside the call says, which is clean and within the limits.
    #[cfg(any(feature = "layer", feature = "rmcp"))]
    pub(crate) fn enrich_all(&self, others: &Facts) {
        let mut facts = self.facts();
        let Facts { shared, base, added, truncations, .. } = &mut *facts;
        let is_new =
            |key: &str| !base.contains(key) && !shared.as_ref().is_some_and(|shared| shared.base.contains(key));
        added.take_over(&others.base, is_new);
        truncations.take_over(&others.truncations, |key| is_new(key));
    }

    /// Forgets the call, but keeps the memory for another one.
    #[cfg(feature = "layer")]
    pub(crate) fn clear(&mut self) {
        self.context.take();
        *self.journalled.get_mut() = 0;
        self.treated.take();
        *self.is_intended.get_mut() = false;
        self.caller = None;
        *self.is_answered.get_mut() = false;
        *self.duration_nano.get_mut() = 0;
        self.facts_mut().clear();
    }

    /// Whether it has grown beyond what is worth keeping.
    #[cfg(feature = "layer")]
    pub(crate) fn is_large(&mut self) -> bool {
        let facts = self.facts_mut();
        facts.base.capacity() + facts.added.capacity() > LARGE
    }
}

impl Default for CallState {
    fn default() -> Self {
        Self {
            random: Default::default(),
            begun: ClockReading::default(),
            event: AtomicU8::default(),
            duration_nano: AtomicU64::default(),
            is_answered: AtomicBool::default(),
            context: OnceLock::new(),
            caller: None,
            observer: Observer::default(),
            journalled: AtomicU64::default(),
            treated: OnceLock::new(),
            is_intended: AtomicBool::default(),
            facts: Mutex::default(),
        }
    }
}

/// Bytes; a record of all that a person fills in by hand is smaller.
#[cfg(feature = "layer")]
const LARGE: usize = 16 * 1024;
