//! The calls of a connection or session that wait for an answer.
//!
//! Invariants:
//! 1. An answer ends one call only if it can be the answer of no other: neither of one that is open, nor of one that ended
//!    without its answer, which may still come. Over HTTP it is no help that each call has a response of its own: the
//!    TypeScript and Python SDKs and rmcp know the streams of a session by the ids of what was asked, so the answer of one
//!    call goes out with the stream of another if their ids are equal. An HTTP error is of its own request.
//! 2. Of the ids of calls that ended without an answer, the last [`MAX_OWED`] are known.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use super::super::message::{Id, IdClass};
use super::answer;
use super::waiting::{Cancelled, Waiting};
use crate::record::{Outcome, Status};
use crate::trail::{Call, Direction, Ongoing};

/// Whose an answer is.
#[derive(Debug)]
pub(super) enum Meant {
    Nobody,
    /// Of this one for certain, or of all these where one answer is for a whole batch, or for a message that is read in
    /// several ways.
    These(Vec<Waiting>),
    /// One of these, or one that has ended before.
    OneOf(Vec<Waiting>),
}

impl Meant {
    fn one(waiting: Waiting) -> Self {
        Self::These(vec![waiting])
    }
}

/// In the order in which they were asked.
#[derive(Debug, Default)]
pub(super) struct Pending {
    calls: BTreeMap<u64, Waiting>,
    by_class: HashMap<(Direction, IdClass), Sharing>,
    /// The classes of what is owed, oldest first.
    owed: VecDeque<(Direction, IdClass)>,
    next: u64,
    /// How many of them could not be read.
    unreadable: usize,
    /// Those of them that were cancelled, by when: it is asked for the oldest with each message.
    cancelled: BTreeSet<(u64, u64)>,
}

/// Those whose answers may be taken for each other's.
#[derive(Debug, Default)]
struct Sharing {
    open: Vec<u64>,
    /// How many have ended without an answer that may still come.
    owed: usize,
}

impl Pending {
    /// Adds a call, and gives the oldest if that is one too many.
    pub(super) fn add(&mut self, mut waiting: Waiting) -> Option<Waiting> {
        let oldest = if self.calls.len() < MAX_PENDING { None } else { self.calls.keys().next().copied() };
        let evicted = oldest.and_then(|serial| self.abandon(serial));
        self.by_class.entry(key(&waiting)).or_default().open.push(self.next);
        waiting.serial = self.next;
        self.unreadable += usize::from(waiting.is_unreadable);
        self.calls.insert(self.next, waiting);
        self.next += 1;
        evicted
    }

    /// The oldest, if there are more than that many.
    pub(super) fn take_oldest(&mut self, more_than: usize) -> Option<Waiting> {
        let oldest = self.calls.keys().next().copied().filter(|_| self.calls.len() > more_than)?;
        self.remove(oldest)
    }

    /// Whose an answer with that id is, which came with that exchange, and can be for nothing else if it came with an HTTP
    /// error.
    pub(super) fn answered(&mut self, exchange: u64, is_error: bool, asked: Direction, id: &Id) -> Meant {
        let key = (asked, id.class());
        let Some(sharing) = self.by_class.get(&key) else { return Meant::Nobody };
        let owed = sharing.owed;
        let may_be = |serial: &u64| {
            self.calls.get(serial).is_some_and(|waiting| waiting.may_be_answered() && id.may_answer(&waiting.id))
        };
        if let ([serial], 0) = (sharing.open.as_slice(), owed) {
            // Of nearly all answers that is all there is to it.
            let serial = Some(*serial).filter(may_be);
            return serial.and_then(|serial| self.remove(serial)).map_or(Meant::Nobody, Meant::one);
        }
        let serials: Vec<u64> = sharing.open.iter().copied().filter(may_be).collect();
        // And what somebody has ended who answers in the place of the server, with the one answer of that exchange.
        let is_own = |serial: &u64| {
            let is_own = |waiting: &Waiting| waiting.exchange == exchange && (is_error || waiting.call.is_over());
            self.calls.get(serial).is_some_and(is_own)
        };
        let own: Vec<u64> = serials.iter().copied().filter(is_own).collect();
        if self.is_one_message(&own) {
            return Meant::These(own.into_iter().filter_map(|serial| self.remove(serial)).collect());
        }
        match serials.as_slice() {
            [] => {
                self.settle(&key);
                Meant::Nobody
            }
            _ if owed == 0 && self.is_one_message(&serials) => {
                Meant::These(serials.into_iter().filter_map(|serial| self.remove(serial)).collect())
            }
            _ => {
                let calls = serials.into_iter().filter_map(|serial| self.abandon(serial)).collect();
                self.settle(&key);
                Meant::OneOf(calls)
            }
        }
    }

    /// The call that who answered it in the place of the server says.
    #[cfg(feature = "proxy")]
    pub(super) fn take_call(&mut self, call: &Arc<Ongoing>) -> Option<Waiting> {
        // The newest first: it was asked just now.
        let is_this = |(serial, waiting): (&u64, &Waiting)| Arc::ptr_eq(&waiting.call, call).then_some(*serial);
        let serial = self.calls.iter().rev().find_map(is_this)?;
        self.remove(serial)
    }

    /// Notes that a call of these was cancelled, and gives it if it is known which. It goes on to wait for its answer.
    pub(super) fn cancel(
        &mut self,
        asked: Direction,
        id: &Id,
        cancelled: Cancelled,
        which: impl Fn(&Waiting) -> bool,
    ) -> Option<Arc<Ongoing>> {
        let open = self.by_class.get(&(asked, id.class()))?.open.iter();
        let may_be = |waiting: &Waiting| id.may_answer(&waiting.id) && which(waiting);
        let serials: Vec<u64> = open.copied().filter(|serial| self.calls.get(serial).is_some_and(may_be)).collect();
        let is_one = self.is_one_message(&serials);
        for serial in &serials {
            let Some(waiting) = self.calls.get_mut(serial) else { continue };
            if !is_one {
                waiting.is_blurred = true;
            } else if waiting.cancelled.is_none() {
                waiting.cancelled = Some(cancelled.clone());
                self.cancelled.insert((cancelled.at, *serial));
            }
        }
        let first = serials.first().filter(|_| is_one)?;
        Some(self.calls.get(first)?.call.clone())
    }

    /// Whether these calls are all that one message may be: exactly one call, or what readers differ in.
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

    /// Whether no other reading of its message that has its id was asked before.
    #[cfg(feature = "proxy")]
    pub(super) fn is_first_reading(&self, waiting: &Waiting) -> bool {
        !self.twins(waiting).any(|other| other.serial < waiting.serial)
    }

    /// The other readings of its message that have its id.
    fn twins<'a>(&'a self, waiting: &'a Waiting) -> impl Iterator<Item = &'a Waiting> {
        let sharing = waiting.alternative.and_then(|_| self.by_class.get(&key(waiting)));
        let open = sharing.into_iter().flat_map(|sharing| &sharing.open).filter_map(|serial| self.calls.get(serial));
        open.filter(|other| other.exchange == waiting.exchange && other.alternative == waiting.alternative)
            .filter(|other| other.serial != waiting.serial)
    }

    /// The calls of an exchange that an error without an id is for: those whose ids no answer can carry, a whole batch
    /// together.
    pub(super) fn nameless(&mut self, exchange: u64, asked: Direction) -> Meant {
        let is_meant =
            |waiting: &&Waiting| waiting.exchange == exchange && waiting.direction == asked && waiting.is_nameless();
        let meant: Vec<_> =
            self.calls.values().filter(is_meant).map(|waiting| (waiting.serial, waiting.batch)).collect();
        let Some((_, first)) = meant.first().copied() else { return Meant::Nobody };
        let is_one = meant.len() == 1 || first.is_some() && meant.iter().all(|(_, batch)| *batch == first);
        let serials = meant.into_iter().map(|(serial, _)| serial);
        if is_one {
            Meant::These(serials.filter_map(|serial| self.remove(serial)).collect())
        } else {
            Meant::OneOf(serials.filter_map(|serial| self.abandon(serial)).collect())
        }
    }

    /// The call of an exchange with that id whose handler begins: the oldest that has none. Where several have that id, it is
    /// one that asks for the same.
    pub(super) fn claim(&mut self, exchange: u64, id: &Id, asks: impl FnOnce() -> Call) -> Option<(u64, Arc<Ongoing>)> {
        let Self { calls, by_class, .. } = self;
        let sharing = by_class.get(&(Direction::ClientToServer, id.class()))?;
        let is_of_it = |serial: &u64| {
            calls.get(serial).is_some_and(|call| call.exchange == exchange && call.id == *id && call.parked.is_none())
        };
        let serials: Vec<u64> = sharing.open.iter().copied().filter(is_of_it).collect();
        let asks = (serials.len() > 1).then(asks);
        let serial = serials.into_iter().find(|serial| {
            let is_asked = |waiting: &Waiting| asks.as_ref().is_none_or(|asks| waiting.asks_for(asks));
            calls.get(serial).is_some_and(|waiting| !waiting.claimed && is_asked(waiting))
        })?;
        let waiting = calls.get_mut(&serial)?;
        waiting.claimed = true;
        Some((serial, waiting.call.clone()))
    }

    /// Whether another open call may get its answer, or it that of another.
    pub(super) fn is_shared(&self, serial: u64) -> bool {
        let sharing = self.calls.get(&serial).and_then(|waiting| self.by_class.get(&key(waiting)));
        sharing.is_some_and(|sharing| sharing.open.len() > 1)
    }

    /// All of an exchange, oldest first.
    #[cfg(feature = "proxy")]
    pub(super) fn of(&self, exchange: u64) -> impl Iterator<Item = &Waiting> {
        self.calls.values().filter(move |waiting| waiting.exchange == exchange)
    }

    pub(super) fn remove(&mut self, serial: u64) -> Option<Waiting> {
        let waiting = self.calls.remove(&serial)?;
        self.unreadable -= usize::from(waiting.is_unreadable);
        if let Some(cancelled) = &waiting.cancelled {
            self.cancelled.remove(&(cancelled.at, serial));
        }
        let key = key(&waiting);
        if let Some(sharing) = self.by_class.get_mut(&key) {
            // They are in order; thousands may have one id.
            if let Ok(at) = sharing.open.binary_search(&serial) {
                sharing.open.remove(at);
            }
            if sharing.is_empty() {
                self.by_class.remove(&key);
            }
        }
        Some(waiting)
    }

    /// Takes a call of which no answer is expected any more, although one may come.
    pub(super) fn abandon(&mut self, serial: u64) -> Option<Waiting> {
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

    /// Those of an exchange that could not be read and were asked before that one.
    pub(super) fn take_unreadable_before(&mut self, exchange: u64, serial: u64) -> Vec<Waiting> {
        if self.unreadable == 0 {
            return Vec::new();
        }
        let before = self.calls.range(..serial);
        let before = before.filter(|(_, call)| call.is_unreadable && call.exchange == exchange);
        let serials: Vec<u64> = before.map(|(serial, _)| *serial).collect();
        serials.into_iter().filter_map(|serial| self.remove(serial)).collect()
    }

    /// Those that wait for another exchange since before that moment.
    pub(super) fn take_parked_before(&mut self, moment: u64) -> Vec<Waiting> {
        self.abandon_those(|waiting| waiting.parked.is_some_and(|since| since < moment))
    }

    /// Those that wait for another exchange, and what the server has asked.
    #[cfg(feature = "tower")]
    pub(super) fn take_left(&mut self) -> Vec<Waiting> {
        self.abandon_those(|waiting| waiting.parked.is_some() || waiting.exchange == 0)
    }

    /// Those that were cancelled before that moment.
    pub(super) fn take_cancelled_before(&mut self, moment: u64) -> Vec<Waiting> {
        let serials: Vec<u64> = self.cancelled.range(..(moment, 0)).map(|(_, serial)| *serial).collect();
        serials.into_iter().filter_map(|serial| self.abandon(serial)).collect()
    }

    pub(super) fn has_cancelled(&self) -> bool {
        !self.cancelled.is_empty()
    }

    /// The exchange is over: those that end with it, each as is said here. The others stay, parked at that moment.
    pub(super) fn leave(
        &mut self,
        exchange: u64,
        now: u64,
        fate: impl Fn(&Waiting) -> Option<Outcome>,
    ) -> Vec<(Waiting, Outcome)> {
        let is_of_it = |waiting: &&mut Waiting| waiting.exchange == exchange;
        let mut ended = Vec::new();
        for waiting in self.calls.values_mut().filter(is_of_it) {
            match fate(waiting) {
                Some(outcome) => ended.push((waiting.serial, outcome)),
                None => waiting.parked = Some(now),
            }
        }
        let end = |(serial, outcome): (u64, Outcome)| {
            // What was refused, or answered so that nobody could read it, is answered.
            let is_answered = outcome.status != Status::Unknown || outcome.error_type == answer::unread().error_type;
            let waiting = if is_answered { self.remove(serial) } else { self.abandon(serial) };
            Some((waiting?, outcome))
        };
        ended.into_iter().filter_map(end).collect()
    }

    /// All of an exchange, oldest first.
    pub(super) fn take_of(&mut self, exchange: u64) -> Vec<Waiting> {
        let of_it = self.calls.values().filter(|waiting| waiting.exchange == exchange);
        let serials: Vec<u64> = of_it.map(|waiting| waiting.serial).collect();
        serials.into_iter().filter_map(|serial| self.remove(serial)).collect()
    }

    /// All, oldest first.
    pub(super) fn take(&mut self) -> Vec<Waiting> {
        std::mem::take(self).calls.into_values().collect()
    }

    fn abandon_those(&mut self, which: impl Fn(&Waiting) -> bool) -> Vec<Waiting> {
        let those: Vec<u64> = self.calls.iter().filter(|(_, call)| which(call)).map(|(serial, _)| *serial).collect();
        those.into_iter().filter_map(|serial| self.abandon(serial)).collect()
    }

    /// One of the answers has come that were owed.
    fn settle(&mut self, key: &(Direction, IdClass)) {
        if self.forgive(key)
            && let Some(place) = self.owed.iter().position(|owed| owed == key)
        {
            self.owed.remove(place);
        }
    }

    fn forgive(&mut self, key: &(Direction, IdClass)) -> bool {
        let Some(sharing) = self.by_class.get_mut(key) else { return false };
        let was_owed = sharing.owed > 0;
        sharing.owed = sharing.owed.saturating_sub(1);
        if sharing.is_empty() {
            self.by_class.remove(key);
        }
        was_owed
    }
}

impl Sharing {
    fn is_empty(&self) -> bool {
        self.open.is_empty() && self.owed == 0
    }
}

fn key(waiting: &Waiting) -> (Direction, IdClass) {
    (waiting.direction, waiting.id.class())
}

/// More than any client keeps open at once; the oldest is ended then.
pub(super) const MAX_PENDING: usize = 4096;
/// As many again. Clients never use an id twice (MCP, section Requests), so only those who mean to are told apart by these.
pub(super) const MAX_OWED: usize = 4096;
