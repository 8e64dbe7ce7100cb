//! A stdio connection, or an HTTP request with its response.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};

#[cfg(feature = "tower")]
use super::super::message::is_notification;
use super::super::message::{Flaw, Id, IdKind, Message, MessageKind};
use super::call::SeenMessage;
use super::common_facts::CommonFacts;
use super::continuations::Continuation;
use super::correlator::Correlator;
use super::doubts::{is_doubtful, is_piece, is_unreadable};
use super::garbage_counter::no_message;
use super::garbage_limit::GarbageLimit;
use super::message_origin::MessageOrigin;
use super::pending::{AnswerMatch, Pending, Reply};
use super::pending_call::{Cancelled, PendingCall, RequestKind};
use super::session::Session;
use super::tools::NewTool;
use super::{answer, outcomes};
use crate::hex::hex;
use crate::locks::{Mutex, MutexGuard};
use crate::record::{ClockReading, Detail, EventName, Outcome, RecordId, Value, names};
use crate::trail::{Call, Denial, Direction, Facts, MessageFacts, Moment, OpenCall, Opener, Transport, WireCounter};
#[cfg(feature = "tower")]
use crate::trail::{Client, Core};

/// The open calls of one exchange.
#[derive(Debug)]
pub struct Exchange {
    correlator: Correlator,
    session: Arc<Session>,
    origin: MessageOrigin,
    common: CommonFacts,
    garbage: Mutex<GarbageLimit>,
    /// Identifies it among the exchanges of its session.
    pub(super) number: u64,
    /// Its calls do not reach the server before they may run.
    is_held: bool,
    /// The status of the HTTP response; 0 for none.
    status: AtomicU16,
    /// What the status denies, and by what.
    pub(super) refused: OnceLock<Denial>,
    has_message: AtomicBool,
    unread_facts: Mutex<Vec<(&'static str, Value)>>,
    /// The client has sent a request.
    has_call: AtomicBool,
    is_closed: AtomicBool,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExchangeEnd {
    /// The response ended normally.
    #[cfg_attr(not(feature = "tower"), expect(dead_code, reason = "over stdio no response ends on its own"))]
    Complete,
    /// The response ended normally, but it could not be read.
    Unread,
    /// One side disconnected before.
    Dropped,
}

/// An open call, for code that answers it instead of the server.
#[cfg(feature = "internals")]
#[derive(Debug)]
pub struct UnansweredRequest {
    /// Its id.
    pub id: Id,
    /// Whether its answer belongs to a list.
    pub is_in_batch: bool,
    /// The id of its record.
    pub call_id: RecordId,
}

impl Correlator {
    /// Starts a connection, or an HTTP request outside all sessions.
    pub fn exchange(&self, origin: MessageOrigin) -> Arc<Exchange> {
        self.exchange_in(Arc::new(Session::new(self)), origin)
    }

    /// Starts an HTTP request of a session.
    pub(crate) fn exchange_in(&self, session: Arc<Session>, origin: MessageOrigin) -> Arc<Exchange> {
        Arc::new(Exchange::new(self, session, origin))
    }
}

impl Exchange {
    pub(super) fn new(correlator: &Correlator, session: Arc<Session>, origin: MessageOrigin) -> Self {
        Self {
            correlator: correlator.clone(),
            number: session.next_exchange(),
            session,
            is_held: origin.is_held,
            origin,
            common: CommonFacts::default(),
            garbage: Mutex::default(),
            status: AtomicU16::new(0),
            refused: OnceLock::new(),
            has_message: AtomicBool::new(false),
            unread_facts: Mutex::default(),
            has_call: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Whose it is.
    pub fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// The client, as far as it is known.
    #[cfg(feature = "tower")]
    pub(crate) fn client(&self) -> Option<&Arc<Client>> {
        self.origin.client.as_ref()
    }

    /// Looks for the sender in the request as a layer further inside has it, unless the sender is verified.
    #[cfg(feature = "tower")]
    pub(crate) fn identify(&self, headers: &http::HeaderMap, extensions: &http::Extensions) {
        self.origin.sender.look_again(self.correlator.core().chain(), headers, extensions);
    }

    /// Whether the client sent anything that was read as a message, or as an attempt of one.
    #[cfg(feature = "tower")]
    pub(crate) fn has_message(&self) -> bool {
        self.has_message.load(Ordering::Relaxed)
    }

    /// Whether the client has sent a request in it.
    #[cfg(any(feature = "tower", feature = "rmcp"))]
    pub(crate) fn has_call(&self) -> bool {
        self.has_call.load(Ordering::Relaxed)
    }

    /// The requests of the client in it that are not answered.
    #[cfg(feature = "internals")]
    pub fn unanswered(&self) -> Vec<UnansweredRequest> {
        let pending = self.pending();
        // If a message has several readings, one answer counts for all readings with its id.
        let wants_one = |waiting: &&PendingCall| !waiting.is_one_way && pending.is_first_reading(waiting);
        let open = pending.of(self.number).filter(wants_one).map(|waiting| UnansweredRequest {
            id: waiting.id.clone(),
            is_in_batch: waiting.batch.is_some(),
            call_id: waiting.call.call_id(),
        });
        open.collect()
    }

    /// Whether its calls are recorded on that trail.
    #[cfg(feature = "tower")]
    pub(crate) fn is_of(&self, core: &Arc<Core>) -> bool {
        Arc::ptr_eq(self.correlator.core(), core)
    }

    /// Adds what the transport says to the facts of something that is not a message.
    #[cfg(feature = "tower")]
    pub(crate) fn carry(&self, facts: MessageFacts) -> MessageFacts {
        let facts = self.origin.place_http(facts.shared(self.common(0)));
        self.origin.identify(self.correlator.core(), facts, "")
    }

    /// Accepts a message of that direction. Returns the call that it begins, if it is a request. A relay may wait
    /// until the call may run ([`OpenCall::may_run`]), and must not forward one that may not.
    pub(crate) fn see(&self, direction: Direction, message: Message) -> Option<Arc<OpenCall>> {
        self.see_begun(direction, message, None)
    }

    /// Like [`see`](Self::see), for a request that may have begun earlier.
    pub(crate) fn see_begun(
        &self,
        direction: Direction,
        message: Message,
        begun: Option<ClockReading>,
    ) -> Option<Arc<OpenCall>> {
        self.correlator.count(WireCounter::Message);
        if direction == Direction::ClientToServer {
            self.has_message.store(true, Ordering::Relaxed);
        }
        // Only a resumed stream repeats events, and the ids of some servers are not as unique as they should be.
        if message.event.is_some_and(|event| self.session.saw_before(event)) && self.origin.is_resumed {
            self.correlator.count(WireCounter::Replayed);
            return None;
        }
        self.end_cancelled();
        let kind = message.kind(direction);
        if let Some(kind) = kind {
            self.session.count(direction, kind);
        }
        let (is_doubtful, is_piece) = (is_doubtful(&message), is_piece(&message));
        let call = self.see_kind(kind, direction, message, begun);
        let waits = call.is_some() && (kind != Some(MessageKind::OneWay) || self.is_http());
        if direction == Direction::ClientToServer && (is_piece || (is_doubtful && !waits)) {
            self.note_other();
        }
        call
    }

    fn see_kind(
        &self,
        kind: Option<MessageKind>,
        direction: Direction,
        message: Message,
        begun: Option<ClockReading>,
    ) -> Option<Arc<OpenCall>> {
        match kind {
            None if direction == Direction::ClientToServer && is_unreadable(&message) => {
                return self.unreadable(&message);
            }
            None => self.garbage(direction, &message),
            // No official client ends lines anywhere but at newlines, so it answers nothing.
            Some(MessageKind::Result | MessageKind::Error)
                if message.reader.is_some() && direction == Direction::ServerToClient =>
            {
                self.garbage(direction, &message);
            }
            Some(MessageKind::Request | MessageKind::OneWay) => return Some(self.request(direction, &message, begun)),
            Some(MessageKind::Notification) => self.notification(direction, &message),
            Some(MessageKind::Result | MessageKind::Error) => self.answer(direction, message),
        }
        None
    }

    /// The client sends something that is not a message, which the server may answer with an error without an id.
    pub(crate) fn note_other(&self) {
        if !self.is_closed() {
            self.pending().note_other(self.number);
        }
    }

    /// A request of the client ended in the middle: this much arrived, and its id may be missing.
    #[cfg(feature = "tower")]
    pub(crate) fn see_cut(&self, message: &Message, begun: ClockReading) {
        let is_request = message.method.as_deref().is_some_and(|method| !is_notification(method));
        if is_request {
            self.correlator.count(WireCounter::Message);
            self.has_message.store(true, Ordering::Relaxed);
            drop(self.request(Direction::ClientToServer, message, Some(begun)));
        }
    }

    /// That answer does not reach the requester.
    #[cfg(feature = "rmcp")]
    pub(crate) fn lose(&self, direction: Direction, answer: &Message) {
        let is_answer = matches!(answer.kind(direction), Some(MessageKind::Result | MessageKind::Error));
        let Some(id) = answer.id.as_ref().filter(|_| is_answer) else { return };
        let meant = self.pending().answered(self.number, false, direction.opposite(), id);
        self.end_meant(&meant, |_| outcomes::disconnected());
    }

    /// Blocks while much is not on disk yet.
    #[cfg(feature = "internals")]
    pub(crate) fn wait_for_disk(&self) {
        let core = self.correlator.core();
        if let Some(pause) = core.pause(true) {
            core.runtime().block_on(pause);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Facts for the records of calls whose answers could not be read.
    #[cfg(feature = "tower")]
    pub(crate) fn note_unread(&self, facts: Vec<(&'static str, Value)>) {
        *self.unread_facts.lock() = facts;
    }

    /// The head of the HTTP response arrived.
    #[cfg(feature = "tower")]
    pub(crate) fn status(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// Nothing more will come over this exchange.
    pub fn close(&self, end: ExchangeEnd) {
        if self.is_closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let stays = self.session.outlives_exchanges();
        let now = self.correlator.core().clock().monotonic_nano();
        let ended = self.pending().leave(self.number, now, |waiting| self.fate(waiting, end, stays));
        for (waiting, outcome) in &ended {
            if end == ExchangeEnd::Unread {
                let facts = self.unread_facts.lock();
                facts.iter().for_each(|(name, value)| waiting.call.note(&(*name).into(), value.clone()));
            }
            self.end(waiting, outcome);
        }
    }

    /// The outcome of a call that is open when the exchange ends; `None` if its answer may come over another
    /// exchange.
    fn fate(&self, waiting: &PendingCall, end: ExchangeEnd, stays: bool) -> Option<Outcome> {
        let status = self.status.load(Ordering::Relaxed);
        let outcome = match end {
            _ if status >= 400 => return Some(outcomes::http_error(status)),
            ExchangeEnd::Dropped if waiting.close_cancels => Outcome::of(Detail::Cancelled),
            ExchangeEnd::Unread => outcomes::unread(),
            _ if waiting.is_unreadable => outcomes::unread(),
            _ if stays && !waiting.is_settled() => return None,
            ExchangeEnd::Dropped => outcomes::disconnected(),
            // For a call that was left to wait, the end of its session was the end.
            ExchangeEnd::Complete if self.session.is_ended() => outcomes::disconnected(),
            ExchangeEnd::Complete => Outcome::of(Detail::NoResponse),
        };
        Some(waiting.unanswered(outcome))
    }

    fn request(&self, direction: Direction, message: &Message, begun: Option<ClockReading>) -> Arc<OpenCall> {
        self.has_call.fetch_or(direction == Direction::ClientToServer, Ordering::Relaxed);
        let seen = self.seen(direction, message);
        let asked = seen.asked();
        // With `initialize`; in revisions without sessions, with each request.
        if direction == Direction::ClientToServer && message.params.client_name.is_some() {
            self.session.introduce(&message.params);
        }
        let call = Call::of_message(seen.facts()).hints(seen.hints());
        let call = match begun {
            Some(begun) => call.begun(begun),
            None => call,
        };
        let is_one_way = message.kind(direction) == Some(MessageKind::OneWay);
        let is_held = self.is_held && direction == Direction::ClientToServer;
        let opener = if is_held { Opener::Holder } else { Opener::Observer };
        let call = OpenCall::open(self.correlator.core(), call, opener);
        if is_one_way && !(direction == Direction::ClientToServer && self.is_http()) {
            // Nothing ends it, so it is over when it has passed, or was refused.
            return Arc::new(call.left_as(outcomes::one_way()));
        }
        let call = Arc::new(call);
        let waiting = PendingCall {
            call: call.clone(),
            // A request of the server may be answered with any exchange of the session.
            exchange: if direction == Direction::ClientToServer { self.number } else { 0 },
            asked,
            direction,
            id: message.id.clone().unwrap_or(NULL),
            batch: message.batch,
            alternative: message.alternative,
            is_held,
            claimed: false,
            is_unreadable: is_unreadable(message),
            is_doubtful: is_doubtful(message),
            is_piece: is_piece(message),
            is_one_way,
            serial: 0,
            close_cancels: seen.close_cancels(),
            cancelled: None,
            is_blurred: false,
            parked: None,
        };
        let evicted = self.pending().add(waiting);
        self.correlator.evict(evicted);
        if let Some(client) = self.origin.client.as_ref().filter(|client| self.correlator.is_over(client)) {
            let oldest = self.pending().take_oldest(1);
            self.correlator.evict_of(client, oldest);
        }
        call
    }

    fn notification(&self, direction: Direction, message: &Message) {
        let mut facts = self.seen(direction, message).facts();
        let mut inside = None;
        if message.method.as_deref() == Some("notifications/cancelled")
            && let Some(id) = &message.params.request_id
        {
            facts = facts.some(names::JSONRPC_REQUEST_ID, Some(id.text.clone()));
            inside = self.cancel(direction, id, message.params.reason.as_deref());
        }
        self.record(Moment::of_message(EventName::McpNotification, facts).inside_call(inside));
    }

    /// Notes that the call was cancelled, and returns its id. An answer may still be on its way.
    fn cancel(&self, direction: Direction, id: &Id, reason: Option<&str>) -> Option<RecordId> {
        let at = self.correlator.core().clock().monotonic_nano();
        let cancelled = Cancelled { at, outcome: outcomes::cancelled(reason) };
        let mut pending = self.pending();
        // Servers end subscriptions of their clients in this way (2026-07-28).
        let is_subscription = |waiting: &PendingCall| waiting.asked == RequestKind::Subscription;
        let call = pending.cancel(direction, id, cancelled.clone(), |_| true).or_else(|| {
            let is_servers = direction == Direction::ServerToClient;
            is_servers.then(|| pending.cancel(Direction::ClientToServer, id, cancelled, is_subscription)).flatten()
        })?;
        Some(call.call_id())
    }

    /// Ends calls that were cancelled so long ago that no answer will come.
    fn end_cancelled(&self) {
        let has_cancelled = self.pending().has_cancelled();
        if has_cancelled {
            self.session.end_cancelled(|waiting, outcome| self.end(waiting, outcome));
        }
    }

    fn answer(&self, direction: Direction, message: Message) {
        let asked = direction.opposite();
        let named = message.id.as_ref().filter(|id| !matches!(id.kind, IdKind::Null | IdKind::Other));
        let is_http_error = self.status.load(Ordering::Relaxed) >= 400;
        let answered = |id| self.pending().answered(self.number, is_http_error, asked, id);
        let meant = named.map_or(AnswerMatch::NoCall, answered);
        match meant {
            AnswerMatch::Certain(calls) => {
                if let Some((waiting, others)) = calls.split_first() {
                    for other in others {
                        answer::note_result(other, &message);
                        self.end(other, &self.outcome(other, &message));
                    }
                    self.answered(waiting, message);
                }
                return;
            }
            AnswerMatch::OneOf(_) => return self.end_meant(&meant, |_| outcomes::ambiguous()),
            AnswerMatch::NoCall => {}
        }
        if !message.is_error() || message.id.as_ref().is_some_and(|id| id.kind != IdKind::Null) {
            return self.correlator.count(WireCounter::Unasked);
        }
        // An error that belongs to no request by its id, because the request that it answers has none that can be
        // returned. A request of the server has one.
        let reply = match self.status.load(Ordering::Relaxed) {
            0 => Reply::Line,
            400.. if message.batch.is_none() => Reply::HttpError,
            _ => Reply::Body,
        };
        let is_servers = direction == Direction::ServerToClient;
        let ended = if is_servers { self.pending().nameless(self.number, reply) } else { None };
        match ended {
            Some(ended) => ended.iter().for_each(|waiting| self.end(waiting, &self.outcome(waiting, &message))),
            None => self.correlator.count(WireCounter::Unasked),
        }
    }

    /// Ends the calls in question, with that outcome if it is known to be theirs.
    fn end_meant(&self, meant: &AnswerMatch, outcome: impl Fn(&PendingCall) -> Outcome) {
        match meant {
            AnswerMatch::NoCall => {}
            AnswerMatch::Certain(calls) => calls.iter().for_each(|waiting| self.end(waiting, &outcome(waiting))),
            AnswerMatch::OneOf(calls) => {
                if calls.is_empty() {
                    self.correlator.count(WireCounter::Unasked);
                }
                calls.iter().for_each(|waiting| self.end(waiting, &outcomes::ambiguous()));
            }
        }
    }

    pub(super) fn answered(&self, waiting: &PendingCall, message: Message) {
        if waiting.direction == Direction::ClientToServer {
            let passed_over = self.pending().take_passed_over(self.number, waiting.serial);
            passed_over.iter().for_each(|waiting| self.end(waiting, &waiting.unanswered(outcomes::unread())));
        }
        let outcome = self.outcome(waiting, &message);
        self.note_continuation(waiting, &message, outcome.detail);
        answer::note_result(waiting, &message);
        self.end(waiting, &outcome);
        if outcome.detail != Some(Detail::Ok) {
            return;
        }
        match waiting.asked {
            RequestKind::Initialize => self.session.begin(&message, &self.origin, || self.common(0)),
            RequestKind::ToolsList => {
                let new = self.correlator.tools().learn(message.result.tools);
                if !new.is_empty() {
                    self.tell_new(new, waiting);
                }
            }
            _ => {}
        }
    }

    /// Records the definitions that a list contains for the first time, with the client and the call of that list.
    fn tell_new(&self, new: Vec<NewTool>, listed: &PendingCall) {
        let nothing = Message::default();
        let facts = self.seen(listed.direction, &nothing).of_its_sender("tools/list");
        for tool in new {
            self.record(tool.moment(facts.clone()).inside_call(Some(listed.call.call_id())));
        }
    }

    /// Notes what may identify later calls that continue this one.
    fn note_continuation(&self, waiting: &PendingCall, message: &Message, detail: Option<Detail>) {
        let call = &waiting.call;
        let first = call.text(names::AUDITRAIL_CALL_ORIGIN_ID).and_then(|id| RecordId::parse(&id));
        let first = first.unwrap_or_else(|| call.call_id());
        if let Some((task, status)) = answer::task(call.text(names::MCP_METHOD_NAME).as_deref(), message) {
            call.note(&names::AUDITRAIL_MCP_TASK_ID.into(), task.to_owned().into());
            if let Some(status) = status {
                call.note(&names::AUDITRAIL_MCP_TASK_STATUS.into(), status.to_owned().into());
            }
            if detail == Some(Detail::Task) {
                self.correlator.continuations().note(Continuation::Task(task.to_owned()), first);
            }
        }
        if let Some(state) = message.result.request_state {
            call.note(&names::AUDITRAIL_MCP_REQUEST_STATE_ISSUED.into(), hex(&state.0).into());
            call.note(&names::AUDITRAIL_DIGEST_KEY_ID.into(), self.correlator.key_id().to_owned().into());
            self.correlator.continuations().note(Continuation::State(state), first);
        }
    }

    /// Unreadable input of the client may still be a call to the server. So it is one here, too, with as much as was
    /// read of it. An answer with its id, or an error without one, ends it, or the answer to a later request, after
    /// which none is expected.
    fn unreadable(&self, message: &Message) -> Option<Arc<OpenCall>> {
        self.correlator.count(WireCounter::Flawed);
        // Input that names a method is a call to any reader that continues.
        if message.method.is_some() || self.has_own(message) {
            return Some(self.request(Direction::ClientToServer, message, None));
        }
        self.count_garbage(false);
        None
    }

    /// Input that is not a message has one record, because nothing pairs with it. If it continues, the first few have
    /// one record each ([`garbage_counter`](super::garbage_counter)).
    fn garbage(&self, direction: Direction, message: &Message) {
        self.correlator.count(WireCounter::Flawed);
        let is_json = message.flaw.is_none_or(|flaw| flaw == Flaw::NotAMessage);
        let facts = || self.of_nothing(direction);
        match direction {
            Direction::ClientToServer if self.has_own(message) => self.record(no_message(is_json, facts())),
            Direction::ClientToServer => self.count_garbage(is_json),
            Direction::ServerToClient => self.session.note_noise(is_json, facts, &self.origin),
        }
    }

    /// Counts one more on the session or the connection.
    fn count_garbage(&self, is_json: bool) {
        let facts = || self.of_nothing(Direction::ClientToServer);
        if self.is_http() && !self.session.outlives_exchanges() {
            let MessageOrigin { garbage_rate, client, .. } = &self.origin;
            garbage_rate.count(self.correlator.core(), client.as_deref(), is_json, facts);
        } else {
            self.session.count_garbage(is_json, facts);
        }
    }

    /// Whether input that is not a message still has its own record.
    fn has_own(&self, message: &Message) -> bool {
        let core = self.correlator.core();
        let mut garbage = self.garbage.lock();
        garbage.has_own(message.batch, &self.origin.garbage_rate, core.clock().monotonic_nano(), core.bounds())
    }

    /// The facts of input that is not a message.
    fn of_nothing(&self, direction: Direction) -> MessageFacts {
        self.seen(direction, &Message::default()).facts()
    }

    fn end(&self, waiting: &PendingCall, outcome: &Outcome) {
        let status = self.status.load(Ordering::Relaxed);
        if status != 0 && waiting.direction == Direction::ClientToServer {
            waiting.call.note(&names::HTTP_RESPONSE_STATUS_CODE.into(), i64::from(status).into());
        }
        // An answer with a code has said by what it is denied.
        if let Some(refused) = self.refusal_of(waiting).filter(|_| outcome.code.is_none()) {
            waiting.call.deny(refused);
        }
        self.session.count_failure(outcome);
        waiting.call.close(outcome);
    }

    fn outcome(&self, waiting: &PendingCall, message: &Message) -> Outcome {
        answer::outcome(self.correlator.core(), waiting, message, self.refusal_of(waiting))
    }

    fn is_http(&self) -> bool {
        self.origin.transport == Some(Transport::StreamableHttp)
    }

    fn record(&self, moment: Moment) {
        self.correlator.core().write_moment(moment);
    }

    fn seen<'a>(&'a self, direction: Direction, message: &'a Message) -> SeenMessage<'a> {
        let Self { correlator, origin, .. } = self;
        SeenMessage { correlator, common: self.common(message.bytes), origin, direction, message }
    }

    /// The shared facts, for a message of that many bytes.
    fn common(&self, bytes: u64) -> Arc<Facts> {
        self.common.facts(self.correlator.core(), &self.session, &self.origin, bytes)
    }

    pub(super) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.session.pending()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.close(ExchangeEnd::Dropped);
    }
}

/// The id of a message without one.
const NULL: Id = Id { kind: IdKind::Null, text: String::new(), rest: 0 };
