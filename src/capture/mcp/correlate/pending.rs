//! The calls that wait for an answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::super::message::{Id, IdKind};
use crate::trail::{Direction, Ongoing};

/// A request that was begun and not answered.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) call: Arc<Ongoing>,
    pub(super) asked: Asked,
    pub(super) direction: Direction,
    pub(super) id: Id,
    /// Of all elements of a batch the same.
    pub(super) batch: Option<u64>,
    /// A handler runs it.
    pub(super) claimed: bool,
    /// It could not be read, or not to its end.
    pub(super) is_unreadable: bool,
    /// Its place in the order in which they were asked.
    pub(super) serial: u64,
    /// It came with a protocol revision in which closing the response is its cancellation.
    pub(super) close_cancels: bool,
    /// Since when (monotonic nanoseconds) it waits in the scope for an answer over another exchange.
    pub(super) parked: Option<u64>,
}

/// The requests whose answers tell more than an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Initialize,
    ToolsCall,
    ToolsList,
    Subscription,
    Other,
}

/// In the order in which they were asked.
#[derive(Debug, Default)]
pub(super) struct Pending {
    calls: BTreeMap<u64, Waiting>,
    by_id: HashMap<(Direction, Id), Vec<u64>>,
    next: u64,
    /// How many of them could not be read.
    unreadable: usize,
}

impl Pending {
    /// Adds a call, and gives the oldest if that is one too many.
    pub(super) fn add(&mut self, mut waiting: Waiting) -> Option<Waiting> {
        let oldest = if self.calls.len() < MAX_PENDING { None } else { self.calls.keys().next().copied() };
        let evicted = oldest.and_then(|serial| self.remove(serial));
        self.by_id.entry((waiting.direction, waiting.id.clone())).or_default().push(self.next);
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

    /// The call that an answer with that id is for. Where an id is used twice, it is that whose handler was done first, or,
    /// if nobody knows of handlers, that which was asked first.
    pub(super) fn answered(&mut self, asked: Direction, id: &Id) -> Option<Waiting> {
        let serials = self.by_id.get(&(asked, id.clone()))?;
        let handled_at = |serial: &u64| self.calls.get(serial).and_then(|waiting| waiting.call.handled_at());
        let serial = serials.iter().copied().min_by_key(|serial| handled_at(serial).unwrap_or(u64::MAX))?;
        self.remove(serial)
    }

    /// The call that a cancellation means.
    pub(super) fn cancelled(&mut self, asked: Direction, id: &Id, which: impl Fn(&Waiting) -> bool) -> Option<Waiting> {
        let serials = self.by_id.get(&(asked, id.clone()))?;
        let serial = serials.iter().copied().find(|serial| self.calls.get(serial).is_some_and(&which))?;
        self.remove(serial)
    }

    /// The calls that an error without an id is for: the oldest whose ids no answer can carry, with its whole batch.
    pub(super) fn nameless(&mut self, asked: Direction) -> Vec<Waiting> {
        let nameless = |waiting: &&Waiting| waiting.direction == asked && waiting.is_nameless();
        let Some(batch) = self.calls.values().find(nameless).map(|waiting| waiting.batch) else { return Vec::new() };
        let meant = |waiting: &Waiting| waiting.direction == asked && waiting.is_nameless() && waiting.batch == batch;
        let mut serials: Vec<u64> =
            self.calls.iter().filter(|(_, call)| meant(call)).map(|(serial, _)| *serial).collect();
        if batch.is_none() {
            serials.truncate(1);
        }
        serials.into_iter().filter_map(|serial| self.remove(serial)).collect()
    }

    /// The call with that id whose handler begins: the oldest that has none.
    pub(super) fn claim(&mut self, asked: Direction, id: &Id) -> Option<(u64, Arc<Ongoing>)> {
        let serials = self.by_id.get(&(asked, id.clone()))?;
        let unclaimed = |serial: &&u64| self.calls.get(serial).is_some_and(|waiting| !waiting.claimed);
        let serial = *serials.iter().find(unclaimed)?;
        let waiting = self.calls.get_mut(&serial)?;
        waiting.claimed = true;
        Some((serial, waiting.call.clone()))
    }

    /// All of that direction, oldest first.
    #[cfg(feature = "proxy")]
    pub(super) fn of(&self, asked: Direction) -> impl Iterator<Item = &Waiting> {
        self.calls.values().filter(move |waiting| waiting.direction == asked)
    }

    pub(super) fn remove(&mut self, serial: u64) -> Option<Waiting> {
        let waiting = self.calls.remove(&serial)?;
        self.unreadable -= usize::from(waiting.is_unreadable);
        let key = (waiting.direction, waiting.id.clone());
        if let Some(serials) = self.by_id.get_mut(&key) {
            // They are in order; thousands may have one id.
            if let Ok(at) = serials.binary_search(&serial) {
                serials.remove(at);
            }
            if serials.is_empty() {
                self.by_id.remove(&key);
            }
        }
        Some(waiting)
    }

    /// Those that could not be read and were asked before that one.
    pub(super) fn take_unreadable_before(&mut self, serial: u64) -> Vec<Waiting> {
        if self.unreadable == 0 {
            return Vec::new();
        }
        let before = self.calls.range(..serial).filter(|(_, call)| call.is_unreadable);
        let serials: Vec<u64> = before.map(|(serial, _)| *serial).collect();
        serials.into_iter().filter_map(|serial| self.remove(serial)).collect()
    }

    /// Those that wait for another exchange since before that moment.
    pub(super) fn take_parked_before(&mut self, moment: u64) -> Vec<Waiting> {
        let is_late = |waiting: &Waiting| waiting.parked.is_some_and(|since| since < moment);
        let late: Vec<u64> = self.calls.iter().filter(|(_, call)| is_late(call)).map(|(serial, _)| *serial).collect();
        late.into_iter().filter_map(|serial| self.remove(serial)).collect()
    }

    /// All, oldest first.
    pub(super) fn take(&mut self) -> Vec<Waiting> {
        self.by_id.clear();
        self.unreadable = 0;
        std::mem::take(&mut self.calls).into_values().collect()
    }
}

impl Waiting {
    /// Whether servers answer it without its id: it has none that MCP allows, or that they could read, or stands in a batch,
    /// which many refuse whole.
    fn is_nameless(&self) -> bool {
        self.is_unreadable || self.batch.is_some() || !matches!(self.id.kind, IdKind::String | IdKind::Integer)
    }
}

/// More than any client keeps open at once; the oldest is ended then.
pub(super) const MAX_PENDING: usize = 4096;
