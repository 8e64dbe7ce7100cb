//! A stdio connection or an HTTP session: what outlives one exchange.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::message::{Message, MessageKind, Params};
use super::super::recent::Recent;
use super::correlator::Correlator;
use super::garbage_counter::GarbageCounter;
use super::message_origin::MessageOrigin;
use super::outcomes;
use super::pending::Pending;
use super::pending_call::PendingCall;
use super::session_facts::SessionFacts;
use crate::locks::{Mutex, MutexGuard};
use crate::record::{Attributes, EventName, Outcome, Status, names};
use crate::trail::{Direction, Facts, MessageFacts, Moment, Transport};

/// The state of a session.
#[derive(Debug)]
pub struct Session {
    correlator: Correlator,
    /// The requests of either side in it.
    pending: Mutex<Pending>,
    /// The number of exchanges so far.
    exchanges: AtomicU64,
    /// The ids of received server-sent events: after a reconnection servers repeat some.
    events: Mutex<Recent<u64, ()>>,
    negotiated: Mutex<Negotiated>,
    noise: Mutex<GarbageCounter>,
    /// The client's.
    garbage: Mutex<GarbageCounter>,
}

#[derive(Debug, Default)]
struct Negotiated {
    /// Only an id that the server has issued.
    id: Option<String>,
    stays_open: bool,
    /// What the client says about itself, within the limits.
    client: Arc<Facts>,
    protocol_version: Option<String>,
    /// Counts the changes of the above.
    version: u64,
    begun: Option<SessionStart>,
    /// Nothing will come over another exchange.
    is_ended: bool,
    is_closed: bool,
    requests: i64,
    requests_to_client: i64,
    notifications: i64,
    failures: i64,
}

/// A session that began with the answer to `initialize`.
#[derive(Debug)]
struct SessionStart {
    monotonic_nano: u64,
    /// Its client and its transport.
    facts: Option<MessageFacts>,
}

impl Session {
    pub(super) fn new(correlator: &Correlator) -> Self {
        Self {
            correlator: correlator.clone(),
            pending: Mutex::default(),
            exchanges: AtomicU64::new(0),
            events: Mutex::new(Recent::of_at_most(MAX_EVENTS)),
            negotiated: Mutex::default(),
            noise: Mutex::default(),
            garbage: Mutex::default(),
        }
    }

    /// It is a session without a name: requests in it are answered in other exchanges of it.
    #[cfg(feature = "tower")]
    pub(crate) fn stay_open(&self) {
        self.negotiated().stays_open = true;
    }

    /// Whether an answer may come after the exchange of its request.
    pub(super) fn outlives_exchanges(&self) -> bool {
        let negotiated = self.negotiated();
        !negotiated.is_ended && (negotiated.id.is_some() || negotiated.stays_open)
    }

    /// Whether its session was ended.
    pub(super) fn is_ended(&self) -> bool {
        self.negotiated().is_ended
    }

    /// The server has named the session.
    #[cfg(feature = "tower")]
    pub(crate) fn name(&self, id: &str) {
        let mut negotiated = self.negotiated();
        negotiated.id = Some(id.to_owned());
        negotiated.version += 1;
    }

    /// Changes whenever more is known about it.
    pub(super) fn version(&self) -> u64 {
        self.negotiated().version
    }

    /// What is known of it and of its client.
    pub(super) fn known(&self) -> SessionFacts {
        let negotiated = self.negotiated();
        let Negotiated { id, client, protocol_version, .. } = &*negotiated;
        SessionFacts { session_id: id.clone(), client: client.clone(), protocol_version: protocol_version.clone() }
    }

    /// Whether an event with that id came before. Ids are unique in a session (MCP, Streamable HTTP, Resumability).
    pub(super) fn saw_before(&self, event: u64) -> bool {
        let mut events = self.events.lock();
        if events.contains(&event) {
            return true;
        }
        events.insert(event, ());
        false
    }

    /// Counts a message of the session.
    pub(super) fn count(&self, direction: Direction, kind: MessageKind) {
        let mut negotiated = self.negotiated();
        match (kind, direction) {
            (MessageKind::Request | MessageKind::OneWay, Direction::ClientToServer) => negotiated.requests += 1,
            (MessageKind::Request | MessageKind::OneWay, Direction::ServerToClient) => {
                negotiated.requests_to_client += 1
            }
            (MessageKind::Notification, _) => negotiated.notifications += 1,
            (MessageKind::Result | MessageKind::Error, _) => {}
        }
    }

    /// The server has sent something that is not a message.
    pub(super) fn note_noise(&self, is_json: bool, facts: impl FnOnce() -> MessageFacts, origin: &MessageOrigin) {
        let (is_new, due) = {
            let mut noise = self.noise();
            let due = noise.note(is_json, facts);
            (noise.is_new(), due)
        };
        if is_new && origin.transport == Some(Transport::Stdio) {
            self.correlator.core().notices().warn(NOISE);
        }
        due.into_iter().for_each(|told| told.tell(self.correlator.core()));
    }

    /// The client has sent something that is not a message and has no record of its own.
    pub(super) fn count_garbage(&self, is_json: bool, facts: impl FnOnce() -> MessageFacts) {
        let due = self.garbage().count(is_json, facts);
        due.into_iter().for_each(|told| told.tell(self.correlator.core()));
    }

    pub(super) fn count_failure(&self, outcome: &Outcome) {
        if outcome.status == Status::Failure {
            self.negotiated().failures += 1;
        }
    }

    /// The client introduces itself.
    pub(super) fn introduce(&self, params: &Params) {
        let mut negotiated = self.negotiated();
        if negotiated.begun.is_none() {
            let mut said = Attributes::default();
            said.set_some(names::AUDITRAIL_CLIENT_NAME, params.client_name.clone());
            said.set_some(names::AUDITRAIL_CLIENT_VERSION, params.client_version.clone());
            negotiated.client = self.correlator.core().shared(&Facts::default(), &said, None);
            negotiated.protocol_version = params.protocol_version.as_deref().map(bounded);
            negotiated.version += 1;
        }
    }

    /// The server has accepted it: the session begins.
    pub(super) fn begin(&self, answer: &Message, origin: &MessageOrigin, common: impl FnOnce() -> Arc<Facts>) {
        let core = self.correlator.core();
        {
            let mut negotiated = self.negotiated();
            // Over HTTP it is a session only if the server named it, or if it has its own stream.
            let is_known = negotiated.id.is_some() || negotiated.stays_open;
            let is_none = origin.transport == Some(Transport::StreamableHttp) && !is_known;
            if negotiated.begun.is_some() || is_none {
                return;
            }
            if let Some(version) = &answer.result.protocol_version {
                negotiated.protocol_version = Some(bounded(version));
                negotiated.version += 1;
            }
            negotiated.begun = Some(SessionStart { monotonic_nano: core.clock().monotonic_nano(), facts: None });
        }
        let facts = MessageFacts::default().shared(common()).observed_by(origin.observer);
        let facts = origin.identify(core, facts, "initialize");
        let moment = Moment::of_message(EventName::McpSession, facts.clone());
        if let Some(begun) = &mut self.negotiated().begun {
            begun.facts = Some(facts);
        }
        core.write_moment(
            moment.attribute(names::AUDIT_ACTION, "CONNECT").own(names::AUDITRAIL_MCP_SESSION_STATE, "start"),
        );
    }

    /// The session was ended: calls that wait for an answer over another exchange will get none. Calls of an open
    /// exchange end with that exchange, since a server may continue what runs and answer it there. `by` has the facts of the
    /// request that ended it, if one did: its sender may be another than the one that began it.
    #[cfg(feature = "tower")]
    pub(crate) fn end(&self, by: Option<MessageFacts>) {
        self.negotiated().is_ended = true;
        let left = self.pending().take_left();
        end_unanswered(&left);
        self.tell_end(by);
    }

    /// Its transport is closed: open calls will get no answer.
    pub fn close(&self) {
        let open = self.pending().take();
        end_unanswered(&open);
        self.tell_end(None);
    }

    fn tell_end(&self, by: Option<MessageFacts>) {
        let noise: Vec<_> = self.noise().end().chain(self.garbage().end()).collect();
        noise.into_iter().for_each(|told| told.tell(self.correlator.core()));
        let ended = {
            let mut negotiated = self.negotiated();
            let closed = std::mem::replace(&mut negotiated.is_closed, true);
            if closed { None } else { negotiated.end(self.correlator.core().clock().monotonic_nano(), by) }
        };
        if let Some(moment) = ended {
            self.correlator.core().write_moment(moment);
        }
    }

    /// Ends the calls that were left by their exchanges and have waited since before that moment (monotonic
    /// nanoseconds).
    #[cfg(feature = "tower")]
    pub(crate) fn give_up(&self, parked_before: u64) {
        let late = self.pending().take_parked_before(parked_before);
        end_unanswered(&late);
        self.end_cancelled(|waiting, outcome| waiting.call.close(outcome));
    }

    /// Ends the calls that were cancelled so long ago that no answer will come.
    pub(super) fn end_cancelled(&self, end: impl Fn(&PendingCall, &Outcome)) {
        let before = self.correlator.core().clock().monotonic_nano().saturating_sub(ANSWERED_WITHIN);
        let late = self.pending().take_cancelled_before(before);
        late.iter().for_each(|waiting| end(waiting, &waiting.unanswered(outcomes::disconnected())));
    }

    /// The number of the next exchange in it, from 1.
    pub(super) fn next_exchange(&self) -> u64 {
        self.exchanges.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock()
    }

    fn noise(&self) -> MutexGuard<'_, GarbageCounter> {
        self.noise.lock()
    }

    fn garbage(&self) -> MutexGuard<'_, GarbageCounter> {
        self.garbage.lock()
    }

    fn negotiated(&self) -> MutexGuard<'_, Negotiated> {
        self.negotiated.lock()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

impl Negotiated {
    fn end(&mut self, now: u64, by: Option<MessageFacts>) -> Option<Moment> {
        let begun = self.begun.take()?;
        // Sessions shorter than 104 days are exact to the nanosecond.
        #[expect(clippy::cast_precision_loss, reason = "see above")]
        let seconds = now.saturating_sub(begun.monotonic_nano) as f64 / 1e9;
        let facts = by.or(begun.facts).unwrap_or_default();
        let facts = match facts.text(names::MCP_SESSION_ID) {
            None => facts.some(names::MCP_SESSION_ID, self.id.clone()),
            Some(_) => facts,
        };
        let moment = Moment::of_message(EventName::McpSession, facts)
            .attribute(names::AUDIT_ACTION, "DISCONNECT")
            .own(names::AUDITRAIL_MCP_SESSION_STATE, "end")
            .own(names::AUDITRAIL_MCP_SESSION_DURATION, seconds)
            .own(names::AUDITRAIL_MCP_SESSION_REQUESTS, self.requests)
            .own(names::AUDITRAIL_MCP_SESSION_REQUESTS_TO_CLIENT, self.requests_to_client)
            .own(names::AUDITRAIL_MCP_SESSION_NOTIFICATIONS, self.notifications)
            .own(names::AUDITRAIL_MCP_SESSION_FAILURES, self.failures);
        Some(moment)
    }
}

/// Revisions are dates, but a client can send any text.
fn bounded(version: &str) -> String {
    crate::record::cut(version, MAX_VERSION).to_owned()
}

const MAX_VERSION: usize = 64;
fn end_unanswered(open: &[PendingCall]) {
    open.iter().for_each(|waiting| waiting.call.close(&waiting.unanswered(outcomes::disconnected())));
}

/// Half a minute: an answer that was already sent arrives within a round trip, and servers that ignore cancellations
/// answer when they are done.
const ANSWERED_WITHIN: u64 = 30_000_000_000;
/// More than servers keep for a reconnection.
const MAX_EVENTS: usize = 4096;
const NOISE: &str = "the server writes lines to standard output that are not MCP messages, such as a log: clients drop them at \
                     best, so configure it to log to standard error; the first few lines have a record each, the rest is \
                     counted on records";
