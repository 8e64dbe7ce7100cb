//! What a call is between its request and its response, however many look at it: the tap that saw it on the wire, and the
//! wrapper that runs its handler.
//!
//! Invariants:
//! 1. A call has one response record: whoever ends it first writes it (the state knows), the others' words come too late. The
//!    end of the trail is one of them.
//! 2. Opening never waits. Who may wait, and may refuse, asks [`Ongoing::may_run`].

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tracing::Span;

use super::clients::{Shared, Taken};
use super::gap::Cause;
use super::open_call::{Because, Refused};
use super::standing::{LOOK_AGAIN, MOMENT, NotTaken};
use super::unanswered::Kept;
use super::{Actor, Call, CallState, Class, Core, Facts, KnownFacts, WhenFull, span};
use crate::journal::{Admission, Append, JournalError, Kind, Receipt, Room};
use crate::policy::Decision;
#[cfg(feature = "proxy")]
use crate::record::SpanIds;
use crate::record::{Attributes, Detail, Key, Outcome, Place, RecordId, Value, names};

/// An open call. Dropped unfinished it says `panic` if the thread panics, and `no_response` otherwise.
#[derive(Debug)]
pub(crate) struct Ongoing {
    core: Arc<Core>,
    state: Arc<CallState>,
    span: Span,
    class: Class,
    admission: OnceLock<Admission>,
    recorded: Mutex<Recorded>,
    /// Why, if the `authorize` hook says no.
    denied: Option<Cow<'static, str>>,
    /// Where the end of the trail finds it.
    kept: OnceLock<Kept>,
    /// It counts as open for its client.
    _open: Option<Taken>,
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
    /// There was no room for both records of a call of that size; if it is recorded, then without room for its response.
    Unadmitted { bytes: u64, written: Option<Receipt> },
}

impl Ongoing {
    /// Decides, opens the span and writes the request record, unless its class wants room that is not there.
    pub(crate) fn open(core: &Arc<Core>, mut call: Call) -> Self {
        let denied = match core.hooks().authorize(core.notices(), &call) {
            Decision::Deny { reason, rule } => {
                call.attributes.set(names::AUDITRAIL_DECISION, "deny");
                call.attributes.set(names::AUDITRAIL_DECISION_REASON, reason.clone());
                call.attributes.set_some(names::SECURITY_RULE_NAME, rule);
                Some(reason)
            }
            Decision::Allow => None,
        };
        let client = call.shared.as_ref().and_then(|shared| shared.client.clone());
        let class = core.class(&call);
        let bytes = Core::bytes_of(&call);
        let admission = core.admit_now(class, bytes);
        let (span, state) = span::open(core, call);
        let call = Self {
            core: core.clone(),
            state,
            span,
            class,
            admission: OnceLock::new(),
            recorded: Mutex::new(Recorded::Unadmitted { bytes, written: None }),
            denied,
            kept: OnceLock::new(),
            _open: client.map(|client| client.take_anyway(Shared::OpenCalls, 1)),
            has_passed: AtomicBool::new(false),
            left: Outcome::of(Detail::NoResponse),
        };
        if let Ok(admission) = admission {
            call.admitted(admission);
        }
        match core.unanswered.keep(&call.state) {
            Some(kept) => drop(call.kept.set(kept)),
            None => core.interrupt(&call.state),
        }
        call
    }

    /// Opens a call that cannot be refused: its request is recorded if there is any room at all.
    #[cfg(feature = "mcp")]
    pub(crate) fn open_anyway(core: &Arc<Core>, call: Call) -> Self {
        let call = Self::open(core, call);
        if let Recorded::Unadmitted { bytes, .. } = call.recorded() {
            // What was not taken is counted and told by the core.
            let what = Append { kind: Kind::Request, ..call.append() };
            let written = call.core.write_request_as(&call.state, what);
            call.set_recorded(Recorded::Unadmitted { bytes, written });
        }
        call
    }

    /// With that outcome where nobody ends it.
    #[cfg(feature = "mcp")]
    pub(crate) fn left_as(mut self, left: Outcome) -> Self {
        self.left = left;
        self
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
        if let Recorded::Unadmitted { bytes, written } = self.recorded() {
            if self.admission.get().is_none() {
                let admission = self.core.admit(self.class, bytes).await;
                self.keep(admission.map_err(|error| self.unadmitted(&error, written))?);
            }
            match written {
                Some(receipt) => self.set_recorded(Recorded::Written(receipt)),
                None => self.write_request_in_time().await?,
            }
        }
        if let Some(reason) = self.denied.clone() {
            return Err(Refused { reason, call_id: self.call_id(), because: Because::Denied });
        }
        let safe = match self.recorded() {
            Recorded::Written(receipt) => self.core.acknowledged(self.class, receipt).await.is_ok(),
            _ => false,
        };
        if safe || self.sheds() { Ok(()) } else { Err(Refused::unrecorded(self.call_id())) }
    }

    /// Writes the request record as soon as the disk takes it, within the deadline of the class.
    async fn write_request_in_time(&self) -> Result<(), Refused> {
        let begun = Instant::now();
        while let Some(error) = self.try_request() {
            let left = self.core.left_to_wait(self.class, begun);
            if left.is_zero() || self.core.is_inherited() {
                let refused = self.unadmitted(&error, None);
                self.set_recorded(Recorded::Missing);
                return if self.sheds() { Ok(()) } else { Err(refused) };
            }
            self.core.moves(Class { deadline: left.min(LOOK_AGAIN), when_full: WhenFull::Wait, ..self.class }).await;
        }
        Ok(())
    }

    /// Writes the request record, or says why it cannot be written now.
    fn try_request(&self) -> Option<JournalError> {
        let what = Append { kind: Kind::Request, ..self.append().within(MOMENT) };
        match self.core.try_request(&self.state, what) {
            Ok(receipt) => self.set_recorded(Recorded::Written(receipt)),
            Err(NotTaken::Counted) => self.set_recorded(Recorded::Missing),
            Err(NotTaken::Stands(error)) => return Some(error),
        }
        None
    }

    fn sheds(&self) -> bool {
        self.class.when_full == WhenFull::Shed
    }

    /// The span of the call: run the handler inside it.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// `auditrail.call.id`, shared by both records.
    pub(crate) fn call_id(&self) -> RecordId {
        self.state.call_id()
    }

    /// The ids of its span, if it has one with valid ids.
    #[cfg(feature = "proxy")]
    pub(crate) fn span_ids(&self) -> Option<SpanIds> {
        self.state.ids()
    }

    /// Whether the `authorize` hook said no. Who could not refuse let it run all the same.
    #[cfg(feature = "mcp")]
    pub(crate) fn is_denied(&self) -> bool {
        self.denied.is_some()
    }

    /// The value of a string attribute.
    #[cfg(feature = "mcp")]
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.state.facts().text_of(key).map(ToOwned::to_owned)
    }

    /// Adds a fact that became known while the call ran; what capture knew before is not replaced.
    pub(crate) fn enrich(&self, key: &Key, value: Value) {
        self.state.enrich(&self.core, key, value);
    }

    /// Adds who acts, if nobody knew.
    pub(crate) fn enrich_actor(&self, actor: Actor) {
        if self.state.facts().has(Place::ActorId) {
            return;
        }
        let mut attributes = Attributes::default();
        actor.write(&mut attributes);
        let cut = self.core.limit(&mut attributes);
        self.state.enrich_all(&Facts::of(attributes, cut));
    }

    /// The handler is done: the call took until now, however long its answer travels.
    pub(crate) fn handled(&self) {
        self.state.stop(&self.core);
    }

    /// It took until that time (monotonic nanoseconds), if nobody knows better.
    #[cfg(feature = "mcp")]
    pub(crate) fn stop_at(&self, monotonic_nano: u64) {
        self.state.stop_at(monotonic_nano);
    }

    /// Writes the response record and says on the span how the call ended, if nobody has. Waits as the class says.
    pub(crate) async fn finish(&self, outcome: &Outcome) {
        self.core.moves(self.class).await;
        if let Some(receipt) = self.write(outcome) {
            let acknowledged = self.core.acknowledged(self.class, receipt).await;
            self.core.finished(self.call_id(), acknowledged);
        }
    }

    /// Writes the response record without waiting.
    pub(crate) fn end(&self, outcome: &Outcome) {
        // What was not taken is counted and told by the core.
        let _receipt = self.write(outcome);
    }

    fn write(&self, outcome: &Outcome) -> Option<Receipt> {
        if !self.state.answer() {
            return None;
        }
        let duration = self.state.stop(&self.core);
        span::close(&self.span, outcome, duration);
        let facts = KnownFacts::Shared(&self.state);
        let receipt = self.core.write_response_in(&self.state, facts, outcome, self.append());
        span::end(self.state.context(), self.state.ended_unix_nano());
        receipt
    }

    /// Writes the request record of a call that was admitted. Where its class may wait, the disk is waited for later, by who
    /// may give the thread back meanwhile.
    fn admitted(&self, admission: Option<Admission>) {
        self.keep(admission);
        if self.class.may_hold() {
            let _stands = self.try_request();
            return;
        }
        let written = self.core.write_request_as(&self.state, Append { kind: Kind::Request, ..self.append() });
        self.set_recorded(written.map_or(Recorded::Missing, Recorded::Written));
    }

    fn keep(&self, admission: Option<Admission>) {
        if let Some(admission) = admission {
            let _first = self.admission.set(admission);
        }
    }

    /// A request that is recorded nowhere is counted, unless that was done when it was tried.
    fn unadmitted(&self, error: &JournalError, written: Option<Receipt>) -> Refused {
        if written.is_none() {
            self.core.left_out(Cause::Refused, Some(error));
            // Nor is there anything to answer.
            self.state.answer();
            self.state.stop(&self.core);
            span::end(self.state.context(), self.state.ended_unix_nano());
        }
        Refused::unrecorded(self.call_id())
    }

    /// How its records are appended.
    fn append(&self) -> Append {
        let room = self.admission.get().map_or(Room::Free, Admission::room);
        let handed = self.class.may_hold();
        Append { room, patience: self.class.deadline, handed, ..Append::MOMENT }
    }

    fn recorded(&self) -> Recorded {
        *self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_recorded(&self, recorded: Recorded) {
        *self.recorded.lock().unwrap_or_else(PoisonError::into_inner) = recorded;
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.end(&Outcome::of(Detail::Panic));
        }
        // Unless somebody has ended it.
        self.end(&self.left);
        if let Some(kept) = self.kept.take() {
            self.core.unanswered.let_go(kept);
        }
    }
}
