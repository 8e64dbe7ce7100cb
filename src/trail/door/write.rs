//! Writes the records of calls and moments to the journal, for every route of capture.
//!
//! A call has one request record ([`Core::write_request`]) and one response record ([`Core::write_response`]). The wrapper,
//! the taps, the proxy and [`Trail::begin`](crate::Trail::begin) have an [`OpenCall`](super::open_call::OpenCall), which decides
//! who may wait and who may refuse; the layer has the [`CallState`] of a span of the user's.

use std::time::Duration;

#[cfg(feature = "layer")]
use opentelemetry::Context;
#[cfg(feature = "layer")]
use opentelemetry::trace::TraceContextExt as _;

use crate::journal::{Admission, Append, Kind, Receipt, Room};
#[cfg(feature = "layer")]
use crate::record::SpanIds;
use crate::record::{Detail, Outcome, RecordId};
#[cfg(feature = "layer")]
use crate::trail::calls::SpanMoment;
use crate::trail::calls::{CallState, FactsRef, Moment, RequestHalf, Treated};
use crate::trail::core::Core;
use crate::trail::otel::{self, Marks, mirror};
use crate::trail::recording::{NotTaken, Priority};
use crate::trail::records::{self, MomentHeader};

/// The right to write the response record of a call. The first to end the call gets it, nobody else does.
#[derive(Debug)]
#[must_use = "without its answer the call has no response record"]
pub(crate) struct Answer<'a> {
    state: &'a CallState,
    facts: FactsRef<'a>,
}

/// On which terms the records of a call are written, where its class is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriteTerms<'a> {
    /// The room that was kept for them.
    pub(in crate::trail) kept: Option<&'a Admission>,
    /// How long they may wait for a disk that stands still.
    pub(in crate::trail) patience: Duration,
    /// Not the caller's thread stores them.
    pub(in crate::trail) handed: bool,
}

/// A moment as it is written.
#[derive(Debug)]
pub(in crate::trail) struct LimitedMoment {
    moment: Moment,
    pub(in crate::trail) id: RecordId,
    /// In nanoseconds since 1970.
    observed: u64,
}

impl CallState {
    /// The right to answer the call, unless somebody has it.
    pub(crate) fn answer(&self) -> Option<Answer<'_>> {
        self.is_first_to_end().then_some(Answer { state: self, facts: FactsRef::Shared(self) })
    }
}

impl Core {
    /// Writes the request record of a call whose span has begun, in the way of its class where that is known: into the room
    /// that was kept for it, or any. `None` if the journal did not take it: that is counted and told.
    pub(crate) fn write_request(&self, state: &CallState, terms: Option<WriteTerms<'_>>) -> Option<Receipt> {
        self.recorder.counted(self.try_write_request(state, terms))
    }

    /// Like [`write_request`](Self::write_request), but leaves it to the caller to count what a stalled disk has not taken.
    pub(in crate::trail) fn try_write_request(
        &self,
        state: &CallState,
        terms: Option<WriteTerms<'_>>,
    ) -> Result<Receipt, NotTaken> {
        let half = state.treated().map_or(RequestHalf::Record, Treated::request_half);
        match (half, state.treated()) {
            (RequestHalf::Suppressed, Some(treated)) => {
                self.count_half_left_out(treated, None);
                return Err(NotTaken::Suppressed);
            }
            (RequestHalf::Intent, _) => state.intend(),
            _ => {}
        }
        let kind = if half == RequestHalf::Intent { Kind::Intent } else { Kind::Request };
        self.write_request_as(Append { kind, ..like(terms) }, state, FactsRef::Shared(state))
    }

    /// Writes the request record, or the intent.
    fn write_request_as(&self, what: Append, state: &CallState, facts: FactsRef<'_>) -> Result<Receipt, NotTaken> {
        let mut text = [0; 36];
        let id = state.request_id().encode(&mut text);
        let encode =
            |buffer: &mut Vec<u8>| facts.with(|facts| records::request(buffer, state, facts, id, state.is_answered()));
        let receipt = self.recorder.write(what, Priority::of(&what, false), || facts.client(), encode)?;
        state.set_journalled(receipt.call);
        if what.kind.is_record() {
            mirror(state.context(), state.event(), id, &records::REQUEST_OUTCOME, state.begun_unix_nano());
        }
        Ok(receipt)
    }

    /// Settles what becomes of an intent, and says whether the call has a response record.
    fn settle_halves(&self, answer: &Answer<'_>, outcome: &Outcome, terms: Option<WriteTerms<'_>>) -> bool {
        let Answer { state, facts } = *answer;
        let Some(treated) = state.treated() else { return true };
        let kept = facts.with(|facts| Self::kept(treated, state, facts, outcome));
        let intent = state.journalled().filter(|_| state.is_intended());
        let room = like(terms);
        if state.is_intended() && kept.request {
            let what = Append { kind: Kind::Request, call: intent, ..room };
            // What was not taken is counted and told.
            let _receipt = self.recorder.counted(self.write_request_as(what, state, facts));
        } else if state.is_intended() {
            self.count_half_left_out(treated, Some(&kept));
        }
        if !kept.response {
            self.count_half_left_out(treated, Some(&kept));
            intent.into_iter().for_each(|intent| self.recorder.withdraw(intent, room.room, room.patience));
        }
        kept.response
    }

    /// Writes the response record of a call that was stopped, before its span ends. `None` as in
    /// [`write_request`](Self::write_request).
    pub(crate) fn write_response(
        &self,
        answer: Answer<'_>,
        outcome: &Outcome,
        terms: Option<WriteTerms<'_>>,
    ) -> Option<Receipt> {
        if !self.settle_halves(&answer, outcome, terms) {
            return None;
        }
        let Answer { state, facts } = answer;
        let now = state.ended_unix_nano();
        let mut text = [0; 36];
        let id = state.response_id().encode(&mut text);
        let Append { kind, call, .. } = Append::response(state.journalled());
        let what = Append { kind, call, ..like(terms) };
        let encode = |buffer: &mut Vec<u8>| facts.with(|facts| records::response(buffer, state, facts, id, outcome));
        let taken = self.recorder.write(what, Priority::of(&what, false), || facts.client(), encode);
        let Some(receipt) = self.recorder.counted(taken) else {
            // It is told by a gap record. The call is over all the same.
            state.journalled().into_iter().for_each(|call| self.recorder.journal.forget(call));
            return None;
        };
        mirror(state.context(), state.event(), id, outcome, now);
        Some(receipt)
    }

    /// Like [`write_response`](Self::write_response), for a call that nothing else can access, so that nothing has to be locked.
    #[cfg(feature = "layer")]
    pub(crate) fn write_response_alone(&self, state: &mut CallState, outcome: &Outcome) -> Option<Receipt> {
        if !state.is_first_to_end_alone() {
            return None;
        }
        let facts = std::mem::take(state.facts_mut());
        let receipt = self.write_response(Answer { state, facts: FactsRef::Alone(&facts) }, outcome, None);
        // Its memory is used again.
        *state.facts_mut() = facts;
        receipt
    }

    /// Answers a call with `interrupted` and ends its span, unless it was answered.
    pub(crate) fn interrupt(&self, call: &CallState) {
        let Some(answer) = call.answer() else { return };
        let outcome = Outcome::of(Detail::Interrupted);
        let duration = Some(call.stop(self.clock()));
        if let Some(context) = call.context() {
            otel::mark(context, &outcome, Marks { duration, call: Some(call.call_id()), is_told: false });
        }
        // What was not taken is counted and told.
        let _receipt = self.write_response(answer, &outcome, None);
        otel::end(call.context(), call.ended_unix_nano());
    }

    /// Writes the one record of a moment, unless the policy leaves it out.
    pub(crate) fn write_moment(&self, mut moment: Moment) -> RecordId {
        if self.leaves_out(&mut moment) {
            return self.recorder.new_id_at(self.clock().unix_nano());
        }
        let limited = self.limited(moment);
        // What was not taken is counted and told.
        let _receipt = self.recorder.counted(self.try_write_moment(&limited, None));
        limited.id
    }

    /// A moment within the limits, with its id. It happens now, or has happened before.
    pub(in crate::trail) fn limited(&self, mut moment: Moment) -> LimitedMoment {
        let observed = self.clock().unix_nano();
        let id = self.recorder.new_id_at(observed);
        let mut truncations = self.truncator().limit(&mut moment.attributes);
        truncations.take_over(&moment.truncations, |_| true);
        truncations.write(&mut moment.attributes);
        LimitedMoment { moment, id, observed }
    }

    /// Writes the one record of a moment, and leaves it to the caller to count what a stalled disk has not taken.
    pub(in crate::trail) fn try_write_moment(
        &self,
        limited: &LimitedMoment,
        terms: Option<WriteTerms<'_>>,
    ) -> Result<Receipt, NotTaken> {
        let LimitedMoment { moment, id, observed } = limited;
        let mut text = [0; 36];
        let (event, text, outcome) = (moment.event, id.encode(&mut text), &moment.outcome);
        let unix_nano = moment.happened.map_or(*observed, |happened| happened.min(*observed));
        let header = MomentHeader { event, outcome, id: text, inside: moment.call_id, unix_nano, observed: *observed };
        let (what, client) = (like(terms), || moment.client.clone());
        let priority = Priority::of(&what, moment.is_garbage);
        let receipt = self.recorder.write(what, priority, client, |buffer| records::moment(buffer, moment, &header))?;
        mirror(moment.context.as_ref(), event, text, outcome, unix_nano);
        Ok(receipt)
    }

    /// Writes the one record of a span that is a moment, before it ends; with the OTel context of that span.
    #[cfg(feature = "layer")]
    pub(crate) fn write_span_moment(&self, facts: FactsRef<'_>, moment: &SpanMoment<'_>, context: Option<&Context>) {
        let what = Append::MOMENT;
        let SpanMoment { event, outcome, inside, unix_nano, duration, caller, .. } = *moment;
        let mut text = [0; 36];
        let id = moment.id.encode(&mut text);
        let header = MomentHeader { event, outcome, id, inside, unix_nano, observed: unix_nano };
        let ids = context.and_then(|context| SpanIds::of(context.span().span_context())).or(caller);
        let encode =
            |buffer: &mut Vec<u8>| facts.with(|facts| records::span_moment(buffer, facts, &header, duration, ids));
        let taken = self.recorder.write(what, Priority::of(&what, false), || None, encode);
        if self.recorder.counted(taken).is_some() {
            mirror(context, event, id, outcome, unix_nano);
        }
    }
}

fn like(terms: Option<WriteTerms<'_>>) -> Append {
    let Some(WriteTerms { kept, patience, handed }) = terms else { return Append::MOMENT };
    Append { room: kept.map_or(Room::Free, Admission::room), patience, handed, ..Append::MOMENT }
}
