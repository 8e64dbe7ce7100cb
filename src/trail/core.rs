//! What all handles, layers and wrappers share.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;

use super::adoption::Done;
use super::clients::{Client, Clients};
use super::gap::{Cause, Gaps};
use super::halves::About;
use super::hooks::Hooks;
use super::idless::{Idless, IdlessWatch};
use super::reach::Reach;
use super::scribe::Scribe;
use super::seen::SeenCounters;
use super::shedding::Worth;
use super::span::{self, Marks};
use super::standing::{END, LOOK_AGAIN, MOMENT, NotTaken};
use super::state::{KnownFacts, SpanMoment};
use super::timer::{Late, within};
use super::told::Told;
#[cfg(feature = "layer")]
use super::unanswered::KeepsCalls;
use super::unanswered::Unanswered;
use super::watch::SpanWatch;
use super::{Acknowledge, Call, CallState, Class, Counts, Moment, WhenFull, halves, mirror, shared};
use crate::config::{Notices, Settings};
use crate::journal::{
    Admission, Append, HEADER, Journal, JournalError, Keeper, Pressure, Receipt, Secret, Sequence, planted,
};
use crate::policy::{AllowList, Bounds, Cuts, Scissors};
use crate::record::{Attributes, Clock, Detail, Entropy, Outcome, RecordId, SpanIds};
use crate::ship::Shipper;

/// The stages of one trail.
pub(crate) struct Core {
    pub(super) settings: Settings,
    pub(super) digest_key: Secret,
    /// Before the journal: it reads from it.
    pub(super) shipper: Shipper,
    pub(super) _keeper: Option<Keeper>,
    pub(super) journal: Journal,
    pub(super) scribe: Arc<Scribe>,
    pub(super) adopted: Arc<Done>,
    pub(super) class: Class,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) allow: AllowList,
    pub(super) bounds: Bounds,
    pub(super) clients: Arc<Clients>,
    pub(super) scissors: Scissors,
    pub(super) hooks: Hooks,
    pub(super) notices: Notices,
    pub(super) gaps: Gaps,
    pub(super) watch: SpanWatch,
    pub(super) reach: Reach,
    pub(super) idless: IdlessWatch,
    pub(super) seen: SeenCounters,
    pub(super) keeps_unsampled_callers: bool,
    pub(super) audited_names: RwLock<BTreeSet<&'static str>>,
    pub(super) closing: Mutex<Closing>,
    /// Somebody was told that response records are not as safe as their classes want.
    pub(super) unsafe_told: AtomicBool,
    pub(super) unanswered: Unanswered,
    /// Somebody was told that this process has no trail.
    pub(super) inherited_told: AtomicBool,
}

impl fmt::Debug for Core {
    /// The stages hold each other, so they are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = self.settings.resource.service_name();
        f.debug_struct("Core").field("service", &service).field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.scribe.release();
    }
}

/// How far the end of the process has come.
#[derive(Debug, Default)]
pub(super) struct Closing {
    spent: Duration,
    /// It was tried to ship everything up to here.
    tried: Sequence,
}

impl Core {
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn allow(&self) -> &AllowList {
        &self.allow
    }

    /// Who acts by an HTTP request, whatever it asks.
    #[cfg(feature = "tower")]
    pub(crate) fn actor_of(&self, headers: &http::HeaderMap, extensions: &http::Extensions) -> Option<super::Actor> {
        let facts = super::RequestFacts { method: "", headers: Some(headers), extensions: Some(extensions) };
        self.hooks.actor(&self.notices, &facts)
    }

    #[cfg(feature = "tower")]
    pub(crate) fn clients(&self) -> &Arc<Clients> {
        &self.clients
    }

    #[cfg(feature = "mcp")]
    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// How calls of the trail find their OTel spans.
    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// A record has no ids: says why, if nobody has.
    pub(crate) fn tell_idless(&self, why: Idless, span: &str) {
        self.idless.tell(&self.notices, why, span);
    }

    /// Nobody is to be told that records have no ids: there are no traces on purpose.
    pub(crate) fn expect_no_ids(&self) {
        self.idless.expect_none();
    }

    #[cfg(feature = "mcp")]
    pub(crate) fn seen(&self) -> &SeenCounters {
        &self.seen
    }

    /// The secret of keyed digests.
    #[cfg(feature = "mcp")]
    pub(crate) fn digest_key(&self) -> &Secret {
        &self.digest_key
    }

    fn new_id_at(&self, unix_nano: u64) -> RecordId {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        RecordId::new(unix_nano, &random)
    }

    /// The runtime on which the exporter of the traces may live, too.
    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        self.shipper.runtime()
    }

    /// The request half of a call whose span has begun.
    pub(crate) fn write_request(&self, state: &CallState) -> Option<Receipt> {
        self.write_request_as(state, Append::REQUEST)
    }

    pub(super) fn write_request_as(&self, state: &CallState, what: Append) -> Option<Receipt> {
        self.counted(self.try_request(state, what))
    }

    /// The request half, if the disk does not stand still.
    pub(super) fn try_request(&self, state: &CallState, what: Append) -> Result<Receipt, NotTaken> {
        let mut text = [0; 36];
        let id = state.request_id().encode(&mut text);
        let receipt = self.try_write((what, false), || state.client(), |buffer| halves::request(buffer, state, id))?;
        state.set_journalled(receipt.call);
        mirror(state.context(), state.event(), id, &halves::REQUEST_OUTCOME, state.begun_unix_nano());
        Ok(receipt)
    }

    /// The response half of a call, before its span ends.
    pub(crate) fn write_response(&self, state: &CallState, outcome: &Outcome) -> Option<Receipt> {
        self.write_response_in(state, KnownFacts::Shared(state), outcome, Append::MOMENT)
    }

    /// The response half of a call that nobody else can see any more: nothing has to be locked.
    #[cfg(feature = "layer")]
    pub(crate) fn write_response_alone(&self, state: &mut CallState, outcome: &Outcome) -> Option<Receipt> {
        let facts = std::mem::take(state.facts_mut());
        let receipt = self.write_response_in(state, KnownFacts::Alone(&facts), outcome, Append::MOMENT);
        // Its memory is used again.
        *state.facts_mut() = facts;
        receipt
    }

    pub(super) fn write_response_in(
        &self,
        state: &CallState,
        facts: KnownFacts<'_>,
        outcome: &Outcome,
        like: Append,
    ) -> Option<Receipt> {
        let now = state.ended_unix_nano();
        let mut text = [0; 36];
        let id = state.response_id().encode(&mut text);
        let Append { kind, call, .. } = Append::response(state.journalled());
        let what = Append { kind, call, ..like };
        let encode = |buffer: &mut Vec<u8>| facts.with(|facts| halves::response(buffer, state, facts, id, outcome));
        let Some(receipt) = self.write((what, false), || facts.client(), encode) else {
            // It is told by a gap record. The call is over all the same.
            state.journalled().into_iter().for_each(|call| self.journal.forget(call));
            return None;
        };
        mirror(state.context(), state.event(), id, outcome, now);
        Some(receipt)
    }

    /// What is open is over: answers it with `interrupted`, and ends the spans.
    pub(crate) fn interrupt_open(&self) {
        self.unanswered.calls().iter().for_each(|call| self.interrupt(call));
        self.unanswered.keepers().iter().for_each(|keeper| keeper.interrupt(self));
    }

    /// Open calls are also there.
    #[cfg(feature = "layer")]
    pub(crate) fn add_keeper<K: KeepsCalls + 'static>(&self, keeper: &Arc<K>) {
        let keeper: std::sync::Weak<K> = Arc::downgrade(keeper);
        self.unanswered.add_keeper(keeper);
    }

    /// Does so to one call, unless it was answered.
    pub(crate) fn interrupt(&self, call: &CallState) {
        if !call.answer() {
            return;
        }
        let outcome = Outcome::of(Detail::Interrupted);
        let duration = Some(call.stop(self));
        if let Some(context) = call.context() {
            span::mark(context, &outcome, Marks { duration, call: Some(call.call_id()), is_told: false });
        }
        // What was not taken is counted and told.
        let _receipt = self.write_response(call, &outcome);
        span::end(call.context(), call.ended_unix_nano());
    }

    /// The one record of a span that is a moment, before it ends; with the OTel context of that span.
    pub(crate) fn write_span_moment(&self, facts: KnownFacts<'_>, moment: &SpanMoment<'_>, context: Option<&Context>) {
        let SpanMoment { event, outcome, inside, unix_nano, duration, caller, .. } = *moment;
        let mut text = [0; 36];
        let id = moment.id.encode(&mut text);
        let about = About { event, outcome, id, inside, unix_nano };
        let ids = context.and_then(|context| SpanIds::of(context.span().span_context())).or(caller);
        let encode =
            |buffer: &mut Vec<u8>| facts.with(|facts| halves::span_moment(buffer, facts, &about, duration, ids));
        if self.write((Append::MOMENT, false), || None, encode).is_some() {
            mirror(context, event, id, outcome, unix_nano);
        }
    }

    /// The one record of a moment.
    pub(crate) fn write_moment(&self, mut moment: Moment) -> RecordId {
        let now = self.clock.unix_nano();
        let id = self.new_id_at(now);
        let mut cuts = self.limit(&mut moment.attributes);
        cuts.take_over(&moment.cuts, |_| true);
        cuts.write(&mut moment.attributes);
        let mut text = [0; 36];
        let (event, text, outcome) = (moment.event, id.encode(&mut text), &moment.outcome);
        let about = About { event, outcome, id: text, inside: moment.call_id, unix_nano: now };
        let (what, client) = ((Append::MOMENT, moment.is_garbage), || moment.client.clone());
        if self.write(what, client, |buffer| halves::moment(buffer, &moment, &about)).is_some() {
            mirror(moment.context.as_ref(), event, text, outcome, now);
        }
        id
    }

    /// Cuts what is too long, and names it.
    pub(crate) fn limit(&self, attributes: &mut Attributes) -> Cuts {
        shared::limit(&self.scissors, attributes)
    }

    pub(crate) fn scissors(&self) -> &Scissors {
        &self.scissors
    }

    /// The honest numbers.
    pub(super) fn counts(&self) -> Counts {
        let (usage, quarantined, lost) = self.scribe.usage_and_gone(&self.journal);
        let refused = self.gaps.refused();
        Counts {
            emitted: usage.appended + refused,
            acknowledged: usage.appended,
            refused,
            delivered: usage.settled.saturating_sub(quarantined + lost),
            quarantined,
            lost,
            pending: usage.pending(),
        }
    }

    /// Writes the numbers into the stream.
    pub(super) fn report(&self) {
        self.scribe.tell_now(&Told::Running(self.counts()));
    }

    /// Hurries the shipper and gives the number up to which it has to go.
    pub(super) fn hurry(&self) -> Sequence {
        self.tell_gaps();
        self.journal.commit_soon();
        self.shipper.hurry();
        self.journal.usage().appended
    }

    /// Something is wrong that the operator has to mend: says so, and records it.
    #[cfg(feature = "proxy")]
    pub(crate) fn alarm(&self, error_type: &'static str, text: String) {
        self.notices.warn(text);
        self.scribe.tell(Told::Degraded(error_type));
    }

    fn tell_gaps(&self) {
        self.gaps.untold().into_iter().for_each(|gap| self.scribe.tell(Told::Gap(gap)));
        self.scribe.tell_held_back();
        self.scribe.tell_waiting();
    }

    /// Whether a span of that name is audited because a hook said so.
    pub(crate) fn is_audited_name(&self, name: &str) -> bool {
        self.hooks.may_audit_any_span()
            && self.audited_names.read().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    pub(crate) fn add_audited_name(&self, name: &'static str) {
        self.audited_names.write().unwrap_or_else(PoisonError::into_inner).insert(name);
    }

    pub(crate) fn keeps_unsampled_callers(&self) -> bool {
        self.keeps_unsampled_callers
    }

    /// Counts a span that closed, for the warning that none was audited.
    pub(crate) fn span_closed(&self, audited: bool) {
        self.watch.closed(&self.notices, audited);
    }

    /// The end of the process is near: ships what it can. However often it is called, it takes no longer than the flush
    /// time-out altogether.
    pub(crate) fn close(&self) {
        if self.is_inherited() {
            return;
        }
        self.watch.end(&self.notices);
        let mut closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = self.journal.usage();
        let all_is_shipped = usage.pending() == 0 && self.adopted.wait_within(Duration::ZERO);
        if all_is_shipped || closing.tried == usage.appended {
            // All is shipped, or nothing came since it was tried.
            return;
        }
        let begun = Instant::now();
        let left = self.settings.flush_timeout.saturating_sub(closing.spent);
        // A backlog of a thousand streams is not for one process to end with: it goes on with what it has in hand.
        self.adopted.end_within(self.settings.flush_timeout / ENDING_SHARE);
        // What is not shipped waits in the journal.
        let _waits = self.flush_blocking(left);
        closing.tried = self.journal.usage().appended;
        closing.spent += begun.elapsed();
    }

    /// The end of the trail: its last record is written, and what could not be shipped is left to the next process.
    pub(super) fn end(&self) {
        if self.is_inherited() {
            // It ends in the parent.
            return;
        }
        // First of all, as the process may be killed while it waits for the collector.
        self.unanswered.end();
        self.interrupt_open();
        self.tell_gaps();
        let ended = !self.scribe.has_waiting() && self.write_end().is_ok();
        let synced = self.journal.commit_within(END);
        self.close();
        let written = if ended { synced } else { self.end_late() };
        if let Err(error) = written {
            self.notices.warn(format!("the end of the trail is not in the journal for certain: {error}"));
        }
        let (own, adopted) = (self.journal.usage().pending(), self.adopted.pending());
        if self.adopted.unlooked() > 0 {
            let streams = self.adopted.unlooked();
            self.notices.warn(format!(
                "up to {streams} stream(s) of earlier processes were not looked at; the next process of this service goes on, or \
                 `auditrail journal drain`"
            ));
        }
        let pending = own + adopted;
        if pending > 0 {
            let directory = self.settings.directory.display();
            self.notices.warn(format!(
                "{pending} audit record(s) were not delivered within {:?}; they wait in {directory} and are sent when a \
                 process of this service starts again, or by `auditrail journal drain`",
                self.settings.flush_timeout
            ));
        }
        if own == 0 {
            self.remove_stream();
        }
        self.notices.settle();
    }

    fn write_end(&self) -> Result<Receipt, JournalError> {
        self.scribe.end(&self.journal, &Told::Stopped(self.counts()))
    }

    /// There was no room for the end. What was shipped meanwhile may have made some; what the trail could not tell even now
    /// is in the numbers of its last record.
    fn end_late(&self) -> Result<(), JournalError> {
        self.tell_gaps();
        self.write_end()?;
        self.journal.commit_within(END)?;
        self.close();
        Ok(())
    }

    /// What closing has left of the flush time-out.
    pub(crate) fn time_left_to_close(&self) -> Duration {
        let spent = self.closing.lock().unwrap_or_else(PoisonError::into_inner).spent;
        self.settings.flush_timeout.saturating_sub(spent)
    }

    /// Whether there may be calls that wait before they run, or do not run at all.
    #[cfg(any(feature = "proxy", feature = "rmcp"))]
    pub(crate) fn may_hold_calls(&self) -> bool {
        self.class.may_hold() || self.hooks.class.is_some() || self.hooks.authorize.is_some()
    }

    /// The class of a call.
    pub(super) fn class(&self, call: &Call) -> Class {
        self.hooks.class(&self.notices, call, self.class)
    }

    /// Keeps room for both records of a call, as its class says. `None` for one that goes on without.
    pub(super) async fn admit(&self, class: Class, bytes: u64) -> Result<Option<Admission>, JournalError> {
        let begun = Instant::now();
        loop {
            let room = self.journal.room();
            let error = match self.admit_now(class, bytes) {
                Ok(admission) => return Ok(admission),
                Err(error) => error,
            };
            let left = self.left_to_wait(class, begun);
            let may_wait = class.when_full == WhenFull::Wait || matches!(error, JournalError::Stands { .. });
            if !may_wait || left.is_zero() || self.is_inherited() {
                return Err(error);
            }
            // Looked at again from time to time also if nobody says that there is room.
            let _late = within(left.min(LOOK_AGAIN), room).await;
        }
    }

    /// Admits a call, or not, without waiting.
    pub(super) fn admit_now(&self, class: Class, bytes: u64) -> Result<Option<Admission>, JournalError> {
        match class.when_full {
            WhenFull::Shed => Ok(None),
            _ => self.journal.admit_within(bytes, MOMENT).map(Some),
        }
    }

    /// Whether the journal has room for a call, for who asks whether this process shall get any.
    #[cfg(feature = "proxy")]
    pub(crate) fn takes_records(&self) -> Result<(), JournalError> {
        self.journal.admit_within(ADMITTED_BYTES, MOMENT).map(drop)
    }

    /// What both records of a call take, at most.
    pub(super) fn bytes_of(call: &Call) -> u64 {
        ADMITTED_BYTES + 2 * call.bytes().min(MOST_BYTES) as u64
    }

    /// Waits until a record is as safe as its class wants.
    pub(super) async fn acknowledged(&self, class: Class, receipt: Receipt) -> Result<(), NotAcknowledged> {
        let wait = async {
            if class.acknowledge >= Acknowledge::Synced {
                self.journal.synced(receipt).await.map_err(|error| NotAcknowledged(error.to_string()))?;
            }
            if class.acknowledge >= Acknowledge::Remote {
                self.shipper.hurry();
                self.journal.settled(receipt.sequence).await;
                // Settled is what the collector refused, too.
                let why = self.scribe.why_not_accepted(receipt.sequence).filter(|_| !planted("settled-is-accepted"));
                if let Some(why) = why {
                    return Err(NotAcknowledged(why.to_string()));
                }
            }
            Ok(())
        };
        if class.acknowledge <= Acknowledge::Written {
            return Ok(());
        }
        let late = || NotAcknowledged(format!("it took longer than {:?}", class.deadline));
        within(class.deadline, wait).await.unwrap_or_else(|Late| Err(late()))
    }

    /// Says, once until it is different, that response records are not as safe as their classes want.
    pub(super) fn finished(&self, call: RecordId, result: Result<(), NotAcknowledged>) {
        match result {
            Ok(()) => self.unsafe_told.store(false, Ordering::Relaxed),
            Err(error) if !self.unsafe_told.swap(true, Ordering::Relaxed) => self.notices.warn(format!(
                "response records are in the journal, but not as safe as the classes of their calls want, such as that of \
                 call {call}: {error}"
            )),
            Err(_) => {}
        }
    }

    /// Encodes into a buffer of the thread and appends. What the journal did not take is counted, told to the operator
    /// once, and told by a record.
    fn write(
        &self,
        what: (Append, bool),
        client: impl FnOnce() -> Option<Arc<Client>>,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Receipt> {
        self.counted(self.try_write(what, client, encode))
    }

    /// As `write`, but leaves it to the caller to count what a disk that stands still has not taken.
    fn try_write(
        &self,
        (what, is_garbage): (Append, bool),
        client: impl FnOnce() -> Option<Arc<Client>>,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Receipt, NotTaken> {
        thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        if self.is_inherited() {
            self.left_out(Cause::Refused, None);
            return Err(NotTaken::Counted);
        }
        self.scribe.tell_waiting();
        // That of its class, where it is known; else that of the trail's.
        let what = if what.patience == Duration::MAX { what.within(self.class.deadline) } else { what };
        let (worth, pressure) = (Worth::of(&what, is_garbage), self.journal.pressure());
        if worth.is_shed(pressure) {
            self.left_out(Cause::Shed, None);
            return Err(NotTaken::Counted);
        }
        let client = if pressure > Pressure::Low { client() } else { None };
        let append = |buffer: &mut Vec<u8>| {
            buffer.clear();
            buffer.resize(HEADER, 0);
            encode(buffer);
            let is_greedy = self.is_greedy(client.as_ref(), buffer.len());
            (!worth.goes_first(pressure, is_greedy)).then(|| self.journal.append(what, buffer))
        };
        // A notice sink that itself emits an audited event comes back in here; and when a thread ends, its buffer is gone
        // before its last spans have closed.
        let mut buffer = BUFFER.try_with(RefCell::take).unwrap_or_default();
        let taken = append(&mut buffer);
        drop(BUFFER.try_with(|kept| kept.replace(buffer)));
        match taken {
            Some(Ok(receipt)) => {
                let missing = self.gaps.taken(&self.notices, || !self.is_short_of_room());
                missing.into_iter().for_each(|gap| self.scribe.tell(Told::Gap(gap)));
                Ok(receipt)
            }
            None => {
                let client = client.as_ref().map(|client| client.key());
                self.gaps.shed_of(&self.notices, client, self.clock.unix_nano());
                Err(NotTaken::Counted)
            }
            Some(Err(error @ JournalError::Stands { .. })) => Err(NotTaken::Stands(error)),
            Some(Err(error)) => {
                self.left_out(Cause::Refused, Some(&error));
                Err(NotTaken::Counted)
            }
        }
    }
}

/// A record is not as safe as its class wants.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotAcknowledged(String);

/// The share of the flush time-out in which the end of a process still takes streams of earlier ones in hand.
const ENDING_SHARE: u32 = 4;
/// Both records of a call, without what is known of it before it begins.
const ADMITTED_BYTES: u64 = 4096;
/// More of what is known is cut by the policy, as a rule.
const MOST_BYTES: usize = 16 * 1024;
