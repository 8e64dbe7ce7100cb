//! The calls of a connection or session that wait for an answer.
//!
//! Invariants:
//! 1. An answer ends one call only if it cannot be the answer to another: neither to an open one, nor to one that
//!    ended without its answer, which may still come. Over HTTP it does not help that each call has its own response:
//!    the TypeScript and Python SDKs and rmcp find the streams of a session by the ids of requests, so the answer to
//!    one call goes out on the stream of another if their ids are equal. An HTTP error belongs to its own request.
//! 2. The ids of the last [`MAX_OWED`] calls that ended without an answer are remembered.
//! 3. An error without an id ends a call only if nothing else can have caused it ([`nameless`](Pending::nameless)).
//! 4. The calls of an exchange are found without searching those of others.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::super::message::{Id, IdClass};
use super::outcomes;
use super::pending_call::{Cancelled, PendingCall};
use crate::record::{Outcome, Status};
#[cfg(feature = "rmcp")]
use crate::trail::Call;
use crate::trail::{Direction, OpenCall};

/// The calls that an answer may belong to.
#[derive(Debug)]
pub(super) enum AnswerMatch {
    NoCall,
    /// Certainly to this call, or to all of these if one answer is for a whole batch, or for a message with several
    /// readings.
    Certain(Vec<PendingCall>),
    /// To one of these, or to one that has ended before.
    OneOf(Vec<PendingCall>),
}

impl AnswerMatch {
    fn one(waiting: PendingCall) -> Self {
        Self::Certain(vec![waiting])
    }
}

/// The pending calls, in the order of their requests.
#[derive(Debug, Default)]
pub(super) struct Pending {
    calls: BTreeMap<u64, PendingCall>,
    by_class: HashMap<(Direction, IdClass), SameIdCalls>,
    /// The classes of the outstanding answers, oldest first.
    owed: VecDeque<(Direction, IdClass)>,
    next: u64,
    by_exchange: ExchangeIndex,
    /// The calls that end when a later request is answered.
    passing: ExchangeIndex,
    /// Input of exchanges in addition to their open calls.
    other_traffic: HashMap<u64, OtherTraffic>,
    /// The cancelled calls, by time: each message asks for the oldest.
    cancelled: BTreeSet<(u64, u64)>,
}

/// The other possible causes of an error without an id, in one exchange.
#[derive(Debug, Default, Clone, Copy)]
struct OtherTraffic {
    /// Input before that call that is not a call and may be answered without an id.
    others: Option<u64>,
    /// The last of its calls that was answered while older ones waited.
    answered: Option<u64>,
}

/// Exchanges and their calls.
#[derive(Debug, Default)]
struct ExchangeIndex(BTreeSet<(u64, u64)>);

impl ExchangeIndex {
    fn add(&mut self, waiting: &PendingCall) {
        self.0.insert((waiting.exchange, waiting.serial));
    }

    fn remove(&mut self, waiting: &PendingCall) {
        self.0.remove(&(waiting.exchange, waiting.serial));
    }

    /// The calls of an exchange that were sent before that one, in order.
    fn before(&self, exchange: u64, serial: u64) -> impl Iterator<Item = u64> {
        self.0.range((exchange, 0)..(exchange, serial)).map(|(_, serial)| *serial)
    }

    /// The calls of an exchange, in order.
    fn of(&self, exchange: u64) -> impl Iterator<Item = u64> {
        self.before(exchange, u64::MAX)
    }
}

/// Calls whose answers may be confused.
#[derive(Debug, Default)]
struct SameIdCalls {
    open: Vec<u64>,
    /// How many have ended without an answer that may still come.
    owed: usize,
}

impl Pending {
    /// Adds a call, and returns the oldest if that exceeds the limit.
    pub(super) fn add(&mut self, mut waiting: PendingCall) -> Option<PendingCall> {
        let oldest = if self.calls.len() < MAX_PENDING { None } else { self.calls.keys().next().copied() };
        let evicted = oldest.and_then(|serial| self.abandon(serial));
        self.by_class.entry(key(&waiting)).or_default().open.push(self.next);
        waiting.serial = self.next;
        self.by_exchange.add(&waiting);
        if waiting.is_unreadable {
            self.passing.add(&waiting);
        }
        self.calls.insert(self.next, waiting);
        self.next += 1;
        evicted
    }

    /// Takes the oldest, if there are more than that many.
    pub(super) fn take_oldest(&mut self, more_than: usize) -> Option<PendingCall> {
        let oldest = self.calls.keys().next().copied().filter(|_| self.calls.len() > more_than)?;
        self.abandon(oldest)
    }

    /// Finds the calls for an answer with that id that came with that exchange; an answer with an HTTP error belongs
    /// to nothing else.
    pub(super) fn answered(&mut self, exchange: u64, is_error: bool, asked: Direction, id: &Id) -> AnswerMatch {
        let key = (asked, id.class());
        let Some(same_id) = self.by_class.get(&key) else { return AnswerMatch::NoCall };
        let owed = same_id.owed;
        let may_be = |serial: &u64| {
            self.calls.get(serial).is_some_and(|waiting| waiting.may_be_answered() && id.may_answer(&waiting.id))
        };
        if let ([serial], 0) = (same_id.open.as_slice(), owed) {
            // This is enough for nearly all answers.
            let serial = Some(*serial).filter(may_be);
            return serial.and_then(|serial| self.remove(serial)).map_or(AnswerMatch::NoCall, AnswerMatch::one);
        }
        let serials: Vec<u64> = same_id.open.iter().copied().filter(may_be).collect();
        // This includes a call that was answered instead of by the server, in the one answer of that exchange.
        let is_own = |serial: &u64| {
            let is_own = |waiting: &PendingCall| waiting.exchange == exchange && (is_error || waiting.call.is_over());
            self.calls.get(serial).is_some_and(is_own)
        };
        let own: Vec<u64> = serials.iter().copied().filter(is_own).collect();
        if self.is_one_message(&own) {
            return AnswerMatch::Certain(own.into_iter().filter_map(|serial| self.remove(serial)).collect());
        }
        match serials.as_slice() {
            [] => {
                self.settle(&key);
                AnswerMatch::NoCall
            }
            _ if owed == 0 && self.is_one_message(&serials) => {
                AnswerMatch::Certain(serials.into_iter().filter_map(|serial| self.remove(serial)).collect())
            }
            _ => {
                let calls = serials.into_iter().filter_map(|serial| self.abandon(serial)).collect();
                self.settle(&key);
                AnswerMatch::OneOf(calls)
            }
        }
    }

    /// Takes that call, for code that answered it instead of the server.
    #[cfg(feature = "internals")]
    pub(super) fn take_call(&mut self, call: &Arc<OpenCall>) -> Option<PendingCall> {
        // Newest first: it was sent just now.
        let is_this = |(serial, waiting): (&u64, &PendingCall)| Arc::ptr_eq(&waiting.call, call).then_some(*serial);
        let serial = self.calls.iter().rev().find_map(is_this)?;
        self.remove(serial)
    }

    /// Notes that one of these calls was cancelled, and returns it if it is known which. It still waits for its
    /// answer.
    pub(super) fn cancel(
        &mut self,
        asked: Direction,
        id: &Id,
        cancelled: Cancelled,
        which: impl Fn(&PendingCall) -> bool,
    ) -> Option<Arc<OpenCall>> {
        let open = self.by_class.get(&(asked, id.class()))?.open.iter();
        let may_be = |waiting: &PendingCall| id.may_answer(&waiting.id) && which(waiting);
        let serials: Vec<u64> = open.copied().filter(|serial| self.calls.get(serial).is_some_and(may_be)).collect();
        let is_one = self.is_one_message(&serials);
        for serial in &serials {
            if !is_one {
                self.blur(*serial);
                continue;
            }
            let Some(waiting) = self.calls.get_mut(serial) else { continue };
            if waiting.cancelled.is_none() {
                waiting.cancelled = Some(cancelled.clone());
                self.cancelled.insert((cancelled.at, *serial));
            }
        }
        let first = serials.first().filter(|_| is_one)?;
        Some(self.calls.get(first)?.call.clone())
    }

    /// Whether these calls are all readings of one message: exactly one call, or what readers differ in.
    fn is_one_message(&self, serials: &[u64]) -> bool {
        let message = |serial: &u64| {
            let waiting = self.calls.get(serial)?;
            Some((waiting.exchange, waiting.alternative?))
        };
        match serials {
            [] => false,
            [_] => true,
            [first, others @ ..] => {
                let first = message(first);
                first.is_some() && others.iter().all(|other| message(other) == first)
            }
        }
    }

    /// Whether no other reading of its message with its id was added before.
    #[cfg(feature = "internals")]
    pub(super) fn is_first_reading(&self, waiting: &PendingCall) -> bool {
        !self.twins(waiting).any(|other| other.serial < waiting.serial)
    }

    /// The other readings of its message with its id.
    fn twins<'a>(&'a self, waiting: &'a PendingCall) -> impl Iterator<Item = &'a PendingCall> {
        let same_id = waiting.alternative.and_then(|_| self.by_class.get(&key(waiting)));
        let open = same_id.into_iter().flat_map(|same_id| &same_id.open).filter_map(|serial| self.calls.get(serial));
        open.filter(|other| other.exchange == waiting.exchange && other.alternative == waiting.alternative)
            .filter(|other| other.serial != waiting.serial)
    }

    /// Something came with that exchange that is not a call and may be answered without an id.
    pub(super) fn note_other(&mut self, exchange: u64) {
        self.other_traffic.entry(exchange).or_default().others = Some(self.next);
    }

    /// The calls that an error without an id ends, which came with that exchange; `None` if it belongs to none of its
    /// calls. Calls for which this is unknown still wait for their own answers.
    ///
    /// Servers answer so for messages that they cannot read or return no id for, and for batches that they refuse as
    /// a whole. Over HTTP it may be for other input of the exchange, and an error by status is for all of it.
    pub(super) fn nameless(&mut self, exchange: u64, reply: Reply) -> Option<Vec<PendingCall>> {
        let of_it = || self.by_exchange.of(exchange).filter_map(|serial| self.calls.get(&serial));
        let mut meant: Vec<&PendingCall> = of_it().filter(|waiting| waiting.is_nameless()).collect();
        if reply == Reply::HttpError || (meant.is_empty() && reply == Reply::Body) {
            meant = of_it().collect();
        }
        if meant.is_empty() {
            return None;
        }
        let OtherTraffic { others, answered } = self.other_traffic.get(&exchange).copied().unwrap_or_default();
        // Servers refuse what they cannot accept in the order of arrival.
        let is_passed = |waiting: &PendingCall| answered.is_some_and(|answered| waiting.serial < answered);
        let is_doubted = |waiting: &PendingCall| waiting.is_piece || waiting.is_blurred || is_passed(waiting);
        let is_alone = others.is_none() && !meant.iter().any(|waiting| is_doubted(waiting));
        let serials = |those: &[&PendingCall]| those.iter().map(|waiting| waiting.serial).collect::<Vec<_>>();
        let (all, own) = (serials(&meant), serials(&of_itself(&meant)));
        let sure = match reply {
            Reply::HttpError => all.clone(),
            _ if !is_alone => Vec::new(),
            _ if self.is_one_message(&all) => all.clone(),
            // A batch is refused as a whole, or because of the one element that no server can answer otherwise.
            _ if !is_one_batch(&meant) => Vec::new(),
            _ if own.is_empty() => all.clone(),
            _ if self.is_one_message(&own) => own,
            _ => Vec::new(),
        };
        let ended = sure.into_iter().filter_map(|serial| self.remove(serial)).collect();
        all.into_iter().for_each(|serial| self.blur(serial));
        Some(ended)
    }

    /// It is no longer known what became of it. If no answer can name it, it ends when a later one is answered.
    fn blur(&mut self, serial: u64) {
        let Some(waiting) = self.calls.get_mut(&serial) else { return };
        waiting.is_blurred = true;
        if !waiting.has_name() {
            self.passing.add(waiting);
        }
    }

    /// The call of an exchange with that id whose handler begins: the oldest without a handler. If several have that
    /// id, one with the handler's method and target.
    #[cfg(feature = "rmcp")]
    pub(super) fn claim(
        &mut self,
        exchange: u64,
        id: &Id,
        asks: impl FnOnce() -> Call,
    ) -> Option<(u64, Arc<OpenCall>)> {
        let Self { calls, by_class, .. } = self;
        let same_id = by_class.get(&(Direction::ClientToServer, id.class()))?;
        let is_of_it = |serial: &u64| {
            calls.get(serial).is_some_and(|call| call.exchange == exchange && call.id == *id && call.parked.is_none())
        };
        let serials: Vec<u64> = same_id.open.iter().copied().filter(is_of_it).collect();
        let asks = (serials.len() > 1).then(asks);
        let serial = serials.into_iter().find(|serial| {
            let is_asked = |waiting: &PendingCall| asks.as_ref().is_none_or(|asks| waiting.asks_for(asks));
            calls.get(serial).is_some_and(|waiting| !waiting.claimed && is_asked(waiting))
        })?;
        let waiting = calls.get_mut(&serial)?;
        waiting.claimed = true;
        Some((serial, waiting.call.clone()))
    }

    /// Whether it and another open call may get each other's answers.
    #[cfg(feature = "rmcp")]
    pub(super) fn is_shared(&self, serial: u64) -> bool {
        let same_id = self.calls.get(&serial).and_then(|waiting| self.by_class.get(&key(waiting)));
        same_id.is_some_and(|same_id| same_id.open.len() > 1)
    }

    /// All calls of an exchange, oldest first.
    #[cfg(feature = "internals")]
    pub(super) fn of(&self, exchange: u64) -> impl Iterator<Item = &PendingCall> {
        self.by_exchange.of(exchange).filter_map(|serial| self.calls.get(&serial))
    }

    pub(super) fn remove(&mut self, serial: u64) -> Option<PendingCall> {
        let waiting = self.calls.remove(&serial)?;
        self.by_exchange.remove(&waiting);
        self.passing.remove(&waiting);
        if let Some(cancelled) = &waiting.cancelled {
            self.cancelled.remove(&(cancelled.at, serial));
        }
        let key = key(&waiting);
        if let Some(same_id) = self.by_class.get_mut(&key) {
            // They are ordered; thousands may share one id.
            if let Ok(at) = same_id.open.binary_search(&serial) {
                same_id.open.remove(at);
            }
            if same_id.is_empty() {
                self.by_class.remove(&key);
            }
        }
        Some(waiting)
    }

    /// Takes a call for which no answer is expected any more, although one may come.
    pub(super) fn abandon(&mut self, serial: u64) -> Option<PendingCall> {
        let waiting = self.remove(serial)?;
        // One answer is for all readings of a message.
        let is_last = self.twins(&waiting).next().is_none();
        if waiting.has_name() && is_last {
            let key = key(&waiting);
            self.by_class.entry(key.clone()).or_default().owed += 1;
            self.owed.push_back(key);
            if self.owed.len() > MAX_OWED
                && let Some(oldest) = self.owed.pop_front()
            {
                self.forgive(&oldest);
            }
        }
        Some(waiting)
    }

    /// A call of that exchange was answered: takes those that were sent before it and get no answer any more.
    pub(super) fn take_passed_over(&mut self, exchange: u64, serial: u64) -> Vec<PendingCall> {
        let passed_over: Vec<u64> = self.passing.before(exchange, serial).collect();
        let passed_over = passed_over.into_iter().filter_map(|serial| self.remove(serial)).collect();
        if self.by_exchange.before(exchange, serial).next().is_some() {
            let other = self.other_traffic.entry(exchange).or_default();
            other.answered = other.answered.max(Some(serial));
            other.others = other.others.filter(|behind| *behind > serial);
        } else if self
            .other_traffic
            .get(&exchange)
            .is_some_and(|other| other.others.is_none_or(|behind| behind <= serial))
        {
            self.other_traffic.remove(&exchange);
        }
        passed_over
    }

    /// Takes those that have waited for another exchange since before that moment.
    #[cfg(feature = "tower")]
    pub(super) fn take_parked_before(&mut self, moment: u64) -> Vec<PendingCall> {
        self.abandon_those(|waiting| waiting.parked.is_some_and(|since| since < moment))
    }

    /// Takes those that wait for another exchange, and the requests of the server.
    #[cfg(feature = "tower")]
    pub(super) fn take_left(&mut self) -> Vec<PendingCall> {
        self.abandon_those(|waiting| waiting.parked.is_some() || waiting.exchange == 0)
    }

    /// Takes those that were cancelled before that moment.
    pub(super) fn take_cancelled_before(&mut self, moment: u64) -> Vec<PendingCall> {
        let serials: Vec<u64> = self.cancelled.range(..(moment, 0)).map(|(_, serial)| *serial).collect();
        serials.into_iter().filter_map(|serial| self.abandon(serial)).collect()
    }

    pub(super) fn has_cancelled(&self) -> bool {
        !self.cancelled.is_empty()
    }

    /// The exchange is over: takes those that end with it, as `ends` decides. The others stay, parked at that moment.
    pub(super) fn leave(
        &mut self,
        exchange: u64,
        now: u64,
        fate: impl Fn(&PendingCall) -> Option<Outcome>,
    ) -> Vec<(PendingCall, Outcome)> {
        let Self { calls, by_exchange, other_traffic, .. } = self;
        other_traffic.remove(&exchange);
        let mut ended = Vec::new();
        for serial in by_exchange.of(exchange) {
            let Some(waiting) = calls.get_mut(&serial) else { continue };
            match fate(waiting) {
                Some(outcome) => ended.push((waiting.serial, outcome)),
                None => waiting.parked = Some(now),
            }
        }
        let end = |(serial, outcome): (u64, Outcome)| {
            // A call that was refused, or answered unreadably, is answered.
            let is_answered = outcome.status != Status::Unknown || outcome.error_type == outcomes::unread().error_type;
            let waiting = if is_answered { self.remove(serial) } else { self.abandon(serial) };
            Some((waiting?, outcome))
        };
        ended.into_iter().filter_map(end).collect()
    }

    /// Takes all, oldest first.
    pub(super) fn take(&mut self) -> Vec<PendingCall> {
        std::mem::take(self).calls.into_values().collect()
    }

    #[cfg(feature = "tower")]
    fn abandon_those(&mut self, which: impl Fn(&PendingCall) -> bool) -> Vec<PendingCall> {
        let those: Vec<u64> = self.calls.iter().filter(|(_, call)| which(call)).map(|(serial, _)| *serial).collect();
        those.into_iter().filter_map(|serial| self.abandon(serial)).collect()
    }

    /// One of the outstanding answers has come.
    fn settle(&mut self, key: &(Direction, IdClass)) {
        if self.forgive(key)
            && let Some(place) = self.owed.iter().position(|owed| owed == key)
        {
            self.owed.remove(place);
        }
    }

    fn forgive(&mut self, key: &(Direction, IdClass)) -> bool {
        let Some(same_id) = self.by_class.get_mut(key) else { return false };
        let was_owed = same_id.owed > 0;
        same_id.owed = same_id.owed.saturating_sub(1);
        if same_id.is_empty() {
            self.by_class.remove(key);
        }
        was_owed
    }
}

impl SameIdCalls {
    fn is_empty(&self) -> bool {
        self.open.is_empty() && self.owed == 0
    }
}

/// How an error without an id came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Line,
    /// In the response to the request.
    Body,
    /// As the whole response, with an error status.
    HttpError,
}

/// The calls that a server may answer so whatever accompanies them.
fn of_itself<'a>(calls: &[&'a PendingCall]) -> Vec<&'a PendingCall> {
    calls.iter().copied().filter(|waiting| waiting.is_odd()).collect()
}

fn is_one_batch(calls: &[&PendingCall]) -> bool {
    let batch = calls.first().and_then(|first| first.batch);
    batch.is_some() && calls.iter().all(|waiting| waiting.batch == batch)
}

fn key(waiting: &PendingCall) -> (Direction, IdClass) {
    (waiting.direction, waiting.id.class())
}

/// More open calls than any client has; beyond that, the oldest is ended.
pub(super) const MAX_PENDING: usize = 4096;
/// As many again. Clients never use an id twice (MCP, section Requests), so this only matters for clients that do it
/// on purpose.
pub(super) const MAX_OWED: usize = 4096;

#[cfg(test)]
mod tests;
