//! A call between its request and its response: one value, shared by all code that handles the call, such as the tap that saw
//! it on the wire and the wrapper that runs its handler.
//!
//! The opener of a call declares what it may do to it ([`Opener`]):
//!
//! | opened by | as | waits and refuses |
//! |---|---|---|
//! | [`Trail::begin`](crate::Trail::begin), so the wrapper without a tap | gatekeeper | in [`may_run`](OpenCall::may_run), before the handler runs |
//! | a tap or the proxy | observer | not by itself; code that relays the request or runs its handler may ask `may_run` |
//!
//! The layer observes as well. The span of its calls is the user's own, so the layer keeps their [`CallState`] itself and uses
//! the same door ([`write`](super::write)).
//!
//! Invariants:
//! 1. A call has one response record: the first to end the call writes it. The shutdown of the trail also ends calls.
//! 2. Opening waits only for a stalled disk, and no longer than the class of the call allows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tracing::Span;

use super::actor_gate::{ActorGate, Refusal};
#[cfg(feature = "mcp")]
use super::content::CallContents;
use super::span;
use super::write::{Answer, WriteTerms};
#[cfg(feature = "rmcp")]
use crate::identity::Actor;
use crate::journal::{Admission, JournalError, Receipt};
use crate::locks::Mutex;
#[cfg(feature = "internals")]
use crate::record::SpanIds;
#[cfg(feature = "rmcp")]
use crate::record::{Attributes, Place};
use crate::record::{Detail, EventName, Key, Outcome, RecordId, Value, names};
#[cfg(feature = "rmcp")]
use crate::trail::calls::Facts;
use crate::trail::calls::{Acknowledge, Call, CallState, Class, Refused, WhenFull, is_fact};
#[cfg(feature = "mcp")]
use crate::trail::calls::{Content, Denial};
use crate::trail::core::{Core, Registration};
use crate::trail::identity::{Share, SharedResource};
use crate::trail::otel;
use crate::trail::recording::{BLOCKING_PATIENCE, Cause, NotTaken, RETRY_INTERVAL};

/// An open call. Finish it with its outcome. If it is dropped unfinished, it records `panic` if the thread panics, and
/// `no_response` otherwise.
#[derive(Debug)]
#[must_use = "an open call that is dropped immediately is recorded as one without a response"]
pub struct OpenCall {
    core: Arc<Core>,
    state: Arc<CallState>,
    span: Span,
    class: Class,
    admission: OnceLock<Admission>,
    recorded: Mutex<Recorded>,
    /// Whether it may run: what was decided about it, with the actor that it has.
    actor: ActorGate,
    /// What the answer says, if it denies the call.
    #[cfg(feature = "mcp")]
    denial: OnceLock<Denial>,
    /// What its records may say something of.
    #[cfg(feature = "mcp")]
    contents: Mutex<CallContents>,
    /// Where the end of the trail finds it.
    kept: OnceLock<Registration>,
    /// It counts as open for its client.
    _open: Option<Share>,
    /// Somebody was told that it may run.
    has_passed: AtomicBool,
    /// What it says if nobody has ended it.
    left: Outcome,
}

/// How far the recording of the request has come.
#[derive(Debug, Clone, Copy)]
enum Recorded {
    /// The record is in the journal, and may have to become safer.
    Written(Receipt),
    /// The journal did not take it.
    Missing,
    /// The policy leaves it out.
    Suppressed,
    /// There was no room for both records of a call of that size; if it is recorded, then without room for its response.
    Unadmitted { bytes: u64, written: Option<Receipt> },
}

/// What the opener of a call may do to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opener {
    /// The call runs only after [`OpenCall::may_run`], so its request record may wait for room.
    Gatekeeper,
    /// The call goes on whatever becomes of its record, which is written now if there is any room.
    #[cfg(feature = "mcp")]
    Observer,
    /// As for an observer, but the call goes on only after [`OpenCall::may_run`], so its request record may wait for its actor.
    #[cfg(feature = "mcp")]
    Holder,
}

impl Opener {
    /// Whether the call goes on only after it was asked.
    fn holds(self) -> bool {
        match self {
            Self::Gatekeeper => true,
            #[cfg(feature = "mcp")]
            Self::Observer => false,
            #[cfg(feature = "mcp")]
            Self::Holder => true,
        }
    }
}

impl OpenCall {
    /// Opens the call and waits until it may run.
    pub(in crate::trail) async fn begin(core: &Arc<Core>, call: Call) -> Result<Self, Refused> {
        core.moves(core.class).await;
        let call = Self::open(core, call, Opener::Gatekeeper);
        if let Err(refused) = call.may_run().await {
            call.close(&Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(refused.code()) });
            return Err(refused);
        }
        Ok(call)
    }

    /// The span of the call. Run the handler inside it.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// `auditrail.call.id`, shared by both records.
    #[must_use]
    pub fn call_id(&self) -> RecordId {
        self.state.call_id()
    }

    /// Adds a fact that became known while the call ran. It replaces nothing that capture has set, and ids, phases and outcomes
    /// belong to the trail.
    pub fn enrich(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let key = key.into();
        if is_fact(&key) {
            self.state.enrich(self.core.truncator(), &key, value.into());
        }
    }

    /// Writes the response record and ends the span. Waits as the class of the call requires; with `written` it completes
    /// without yielding. If the record does not become as durable as the class requires, a notice says so: the call is over.
    pub async fn finish(self, outcome: Outcome) {
        self.core.moves(self.class).await;
        if let Some(receipt) = self.respond(&outcome) {
            let acknowledged = self.core.acknowledged(self.class, receipt).await;
            self.core.finished(self.call_id(), acknowledged);
        }
    }

    /// Writes the response record and ends the span without waiting.
    pub fn finish_now(self, outcome: &Outcome) {
        self.close(outcome);
    }
}

/// For the ways of capture, which share the call.
impl OpenCall {
    /// Decides, opens the span and writes the request record. Without the room that its class wants, a gatekeeper's record
    /// waits for [`may_run`](Self::may_run).
    pub(crate) fn open(core: &Arc<Core>, mut call: Call, opener: Opener) -> Self {
        core.map(&mut call);
        let (actor, class) = ActorGate::open(core, &mut call, opener.holds());
        let client = call.message.shared.as_ref().and_then(|shared| shared.client.clone());
        let bytes = core.bytes_of(&call);
        let class = if call.is_left_out() { without_records(class) } else { class };
        let admission = core.admit_now(class, bytes);
        #[cfg(feature = "mcp")]
        let contents = CallContents::of(call.message.arguments.take());
        let (span, state) = span::open(core, call);
        let call = Self {
            core: core.clone(),
            state,
            span,
            class,
            admission: OnceLock::new(),
            recorded: Mutex::new(Recorded::Unadmitted { bytes, written: None }),
            actor,
            #[cfg(feature = "mcp")]
            denial: OnceLock::new(),
            #[cfg(feature = "mcp")]
            contents: Mutex::new(contents),
            kept: OnceLock::new(),
            _open: client.map(|client| client.take(SharedResource::OpenCalls, 1)),
            has_passed: AtomicBool::new(false),
            left: Outcome::of(Detail::NoResponse),
        };
        let is_deferred = call.actor.is_deferred();
        if !is_deferred {
            call.describe_request();
        }
        let is_tried = match admission {
            Ok(admission) if is_deferred => {
                call.keep(admission);
                false
            }
            admission => admission.is_ok_and(|admission| call.admitted(admission)),
        };
        if !is_tried && !is_deferred && opener != Opener::Gatekeeper {
            // What was not taken is counted and told by the door.
            let written = core.write_request(&call.state, Some(call.terms()));
            call.set_recorded(Recorded::Unadmitted { bytes, written });
        }
        if is_tried || (!is_deferred && opener != Opener::Gatekeeper) {
            call.tell_decision_made(false);
        }
        if !is_deferred {
            call.register();
        }
        call
    }

    /// Has the end of the trail end it. A call whose request record still waits for its actor has nothing to end.
    fn register(&self) {
        match self.core.open_calls.keep(&self.state) {
            Some(kept) => drop(self.kept.set(kept)),
            None => self.core.interrupt(&self.state),
        }
    }

    /// With that outcome where nobody ends it.
    #[cfg(feature = "mcp")]
    pub(crate) fn left_as(mut self, left: Outcome) -> Self {
        self.left = left;
        self
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(super) fn state(&self) -> &Arc<CallState> {
        &self.state
    }

    /// Waits as the class says until the handler may run.
    pub(crate) async fn may_run(&self) -> Result<(), Refused> {
        let may_run = self.admitted_to_run().await;
        self.has_passed.fetch_or(may_run.is_ok(), Ordering::Release);
        may_run
    }

    /// Whether somebody was told that it may run.
    #[cfg(feature = "mcp")]
    pub(crate) fn has_passed(&self) -> bool {
        self.has_passed.load(Ordering::Acquire)
    }

    /// Whether its end was told.
    #[cfg(feature = "mcp")]
    pub(crate) fn is_over(&self) -> bool {
        self.state.is_answered()
    }

    async fn admitted_to_run(&self) -> Result<(), Refused> {
        let is_deferred = self.actor.is_deferred();
        self.actor.wait(&self.core, self.class, &self.state).await;
        if is_deferred && let Some(id) = self.text(names::AUDIT_ACTOR_ID) {
            self.span.record(names::AUDIT_ACTOR_ID, id);
        }
        if is_deferred {
            self.describe_request();
        }
        if let Recorded::Unadmitted { bytes, written } = self.recorded() {
            if self.admission.get().is_none() {
                let admission = self.core.admit(self.class, bytes).await;
                self.keep(admission.map_err(|error| self.unadmitted(&error, written))?);
            }
            match written {
                Some(receipt) => self.set_recorded(Recorded::Written(receipt)),
                None => self.request_in_time().await?,
            }
        }
        if is_deferred {
            self.register();
        }
        // Behind the request record, which may have waited.
        self.tell_decision_made(false);
        if let Some(Refusal { reason, kind }) = self.actor.refusal() {
            self.tell_decision_made(true);
            return Err(Refused { reason, call_id: self.call_id(), kind });
        }
        let safe = match self.recorded() {
            Recorded::Written(receipt) => self.core.acknowledged(self.class, receipt).await.is_ok(),
            Recorded::Suppressed => true,
            Recorded::Missing | Recorded::Unadmitted { .. } => false,
        };
        if safe || self.sheds() { Ok(()) } else { Err(Refused::unrecorded(self.call_id())) }
    }

    /// Writes the request record as soon as the disk takes it, within the deadline of the class.
    async fn request_in_time(&self) -> Result<(), Refused> {
        let begun = Instant::now();
        while let Some(error) = self.try_request() {
            let left = self.core.left_to_wait(self.class, begun);
            if left.is_zero() || self.core.is_inherited() {
                let refused = self.unadmitted(&error, None);
                self.set_recorded(Recorded::Missing);
                return if self.sheds() { Ok(()) } else { Err(refused) };
            }
            self.core
                .moves(Class { deadline: left.min(RETRY_INTERVAL), when_full: WhenFull::Wait, ..self.class })
                .await;
        }
        Ok(())
    }

    /// Writes the request record, or says why it cannot be written now.
    fn try_request(&self) -> Option<JournalError> {
        match self.core.try_write_request(&self.state, Some(WriteTerms { patience: BLOCKING_PATIENCE, ..self.terms() }))
        {
            Ok(receipt) => self.set_recorded(Recorded::Written(receipt)),
            Err(NotTaken::Counted) => self.set_recorded(Recorded::Missing),
            Err(NotTaken::Suppressed) => self.set_recorded(Recorded::Suppressed),
            Err(NotTaken::Stalled(error)) => return Some(error),
        }
        None
    }

    fn sheds(&self) -> bool {
        self.class.when_full == WhenFull::Shed
    }

    /// The ids of its span, if it has one with valid ids.
    #[cfg(feature = "internals")]
    pub(crate) fn span_ids(&self) -> Option<SpanIds> {
        self.state.ids()
    }

    /// The code of the answer that the `authorize` hook wants. Who could not refuse let it run all the same.
    #[cfg(feature = "mcp")]
    pub(crate) fn refusal_code(&self) -> Option<i64> {
        Some(self.actor.refusal()?.kind.code())
    }

    /// Its answer denies it. The first to say so counts.
    #[cfg(feature = "mcp")]
    pub(crate) fn deny(&self, denial: &Denial) {
        self.denial.get_or_init(|| denial.clone());
    }

    /// The value of a string attribute.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.state.facts().text_of(key).map(ToOwned::to_owned)
    }

    /// As [`enrich`](Self::enrich), of what only capture may say.
    #[cfg(feature = "mcp")]
    pub(crate) fn note(&self, key: &Key, value: Value) {
        self.state.enrich(self.core.truncator(), key, value);
    }

    /// Its answer has that result.
    #[cfg(feature = "mcp")]
    pub(crate) fn note_result(&self, result: Content) {
        self.contents.lock().answer(result);
    }

    /// Says what may be said of its arguments, before its request record is written.
    fn describe_request(&self) {
        #[cfg(feature = "mcp")]
        self.core.describe_request(&self.state, &mut self.contents.lock());
    }

    /// Writes the response record, and before it what depends on the outcome.
    fn write_ending(&self, answer: Answer<'_>, outcome: &Outcome) -> Option<Receipt> {
        let terms = Some(self.terms());
        if !self.core.settle_halves(&answer, outcome, terms) {
            return None;
        }
        #[cfg(feature = "mcp")]
        self.core.describe_response(&self.state, &mut self.contents.lock(), outcome);
        self.core.write_answer(answer, outcome, terms)
    }

    /// Adds who acts, if nobody knew.
    #[cfg(feature = "rmcp")]
    pub(crate) fn enrich_actor(&self, actor: Actor) {
        if self.state.facts().has(Place::ActorId) {
            return;
        }
        self.actor.learn(&self.core, actor.standing(), &self.state);
        let mut attributes = Attributes::default();
        actor.write(&mut attributes);
        let cut = self.core.truncator().limit(&mut attributes);
        self.state.enrich_all(&Facts::of(attributes, cut));
    }

    /// The handler is done: the call took until now, however long its answer travels.
    #[cfg(feature = "rmcp")]
    pub(crate) fn handled(&self) {
        self.state.stop(self.core.clock());
    }

    /// It took until that time (monotonic nanoseconds), if nobody knows better.
    #[cfg(feature = "mcp")]
    pub(crate) fn stop_at(&self, monotonic_nano: u64) {
        self.state.stop_at(monotonic_nano);
    }

    /// Writes the response record and ends the span without waiting, unless somebody has ended the call.
    pub(crate) fn close(&self, outcome: &Outcome) {
        // What was not taken is counted and told by the door.
        let _receipt = self.respond(outcome);
    }

    fn respond(&self, outcome: &Outcome) -> Option<Receipt> {
        let answer = self.state.answer()?;
        let is_deferred = self.actor.is_deferred();
        // Nobody waits for its actor any more.
        self.actor.settle(&self.core, self.class, &self.state, None);
        if is_deferred {
            self.describe_request();
            let written = self.core.write_request(&self.state, Some(self.terms()));
            self.set_recorded(written.map_or(Recorded::Missing, Recorded::Written));
        }
        self.tell_decision_made(true);
        let duration = self.state.stop(self.core.clock());
        self.tell_decision(outcome);
        span::close(&self.span, outcome, duration);
        let receipt = self.write_ending(answer, outcome);
        if self.state.event() != EventName::HttpRequest {
            self.core.count_actor(self.actor.standing());
        }
        otel::end(self.state.context(), self.state.ended_unix_nano());
        receipt
    }

    /// The response half says what was decided of a call that ends so.
    fn tell_decision(&self, outcome: &Outcome) {
        #[cfg(feature = "mcp")]
        if outcome.detail == Some(Detail::Denied)
            && let Some(denial) = self.denial.get()
        {
            return self.core.write_denial(&self.state, denial, self.actor.refusal().is_some());
        }
        let _undecided = outcome;
        if let Some(ruling) = self.actor.allowance() {
            self.core.note_allowed(&self.state, &ruling);
        }
    }

    /// Writes the record of what was decided before the call ran, behind its request record.
    fn tell_decision_made(&self, is_acted_on: bool) {
        if let Some((ruling, source)) = self.actor.untold(is_acted_on) {
            self.core.write_ruling(&self.state, &ruling, source);
        }
    }

    /// Writes the request record of a call that was admitted, and says whether that is done. Where its class may wait, it is not
    /// while the disk stands still: who may give the thread back meanwhile waits for it.
    fn admitted(&self, admission: Option<Admission>) -> bool {
        self.keep(admission);
        if self.class.may_wait_for_records() {
            return self.try_request().is_none();
        }
        let written = self.core.write_request(&self.state, Some(self.terms()));
        self.set_recorded(written.map_or(Recorded::Missing, Recorded::Written));
        true
    }

    fn keep(&self, admission: Option<Admission>) {
        if let Some(admission) = admission {
            let _first = self.admission.set(admission);
        }
    }

    /// How its records are written.
    fn terms(&self) -> WriteTerms<'_> {
        WriteTerms {
            kept: self.admission.get(),
            patience: self.class.deadline,
            handed: self.class.may_wait_for_records(),
        }
    }

    /// A request that is recorded nowhere is counted, unless that was done when it was tried.
    fn unadmitted(&self, error: &JournalError, written: Option<Receipt>) -> Refused {
        if written.is_none() {
            self.core.recorder.left_out(Cause::Refused, Some(error));
            // Nor is there anything to answer.
            let _never_written = self.state.answer();
            self.state.stop(self.core.clock());
            otel::end(self.state.context(), self.state.ended_unix_nano());
        }
        Refused::unrecorded(self.call_id())
    }

    fn recorded(&self) -> Recorded {
        *self.recorded.lock()
    }

    fn set_recorded(&self, recorded: Recorded) {
        *self.recorded.lock() = recorded;
    }
}

/// That class, where there are no records that could be missing.
fn without_records(class: Class) -> Class {
    Class { acknowledge: Acknowledge::Written, when_full: WhenFull::Shed, ..class }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.close(&Outcome::of(Detail::Panic));
        }
        // Unless somebody has ended it.
        self.close(&self.left);
        if let Some(kept) = self.kept.take() {
            self.core.open_calls.remove(kept);
        }
    }
}
