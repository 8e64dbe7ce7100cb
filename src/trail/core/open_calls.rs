//! The open calls, which shutdown has to answer.
//!
//! Invariants:
//! 1. A call is here from the moment that its request is written until nobody holds it; answering it needs no look in here.
//! 2. Calls that begin at once on several threads meet at one of several locks, and allocate only while the tables grow.

use std::cell::RefCell;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use tracing::span::Id;
use tracing_subscriber::Registry;

use crate::locks::{Mutex, MutexGuard};
use crate::record::SpanIds;
use crate::trail::calls::CallState;

/// A component that keeps open calls of its own, such as the layer.
pub(crate) trait HoldsCalls: Debug + Send + Sync {
    /// Shows all that are open, one after the other.
    fn visit_open(&self, visit: &dyn Fn(&CallState));

    /// Shows the call of that span, if the span is of the registry that the component belongs to.
    fn visit_call_of(&self, registry: &Registry, span: &Id, visit: &mut dyn FnMut(&CallState));
}

/// The calls that were begun on the trail, and where the others are.
#[derive(Debug, Default)]
pub(in crate::trail) struct OpenCalls {
    shards: [Mutex<Shard>; SHARDS],
    holders: Mutex<Vec<Weak<dyn HoldsCalls>>>,
    is_over: AtomicBool,
}

/// A table whose entries are found by number.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    calls: Vec<Option<Arc<CallState>>>,
    free: Vec<usize>,
}

/// Where a call is kept.
#[derive(Debug, Clone, Copy)]
pub(in crate::trail) struct Registration {
    shard: usize,
    entry: usize,
}

impl OpenCalls {
    /// Keeps a call. `None` if the trail has come to its end, and whoever has begun the call must answer it.
    pub(in crate::trail) fn keep(&self, call: &Arc<CallState>) -> Option<Registration> {
        let shard = call.any_number() % SHARDS;
        let mut calls = locked(self.shards.get(shard)?);
        if self.is_over.load(Ordering::Acquire) {
            return None;
        }
        let entry = calls.free.pop().unwrap_or(calls.calls.len());
        match calls.calls.get_mut(entry) {
            Some(place) => *place = Some(call.clone()),
            None => calls.calls.push(Some(call.clone())),
        }
        Some(Registration { shard, entry })
    }

    /// Nobody holds the call any more.
    pub(in crate::trail) fn remove(&self, kept: Registration) {
        let Some(shard) = self.shards.get(kept.shard) else { return };
        let mut calls = locked(shard);
        let gone = calls.calls.get_mut(kept.entry).and_then(Option::take);
        calls.free.push(kept.entry);
        drop(calls);
        // It may hold an OTel span, whose end calls the user's own code: nothing is locked.
        drop(gone);
    }

    /// Somebody else keeps calls, too.
    #[cfg(feature = "layer")]
    pub(in crate::trail) fn add_holder(&self, holder: Weak<dyn HoldsCalls>) {
        let mut holders = self.holders.lock();
        holders.retain(|holder| holder.strong_count() > 0);
        holders.push(holder);
    }

    /// From now on no call is kept.
    pub(in crate::trail) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// Those that are open.
    pub(in crate::trail) fn calls(&self) -> Vec<Arc<CallState>> {
        let mut open: Vec<_> = self.shards.iter().flat_map(|shard| locked(shard).calls.clone()).flatten().collect();
        open.retain(|call| !call.is_answered());
        // In the order in which they were asked.
        open.sort_by_key(|call| call.begun_unix_nano());
        open
    }

    /// Shows the open call whose own OTel span has those ids, if there is one.
    pub(in crate::trail) fn visit_of_span(&self, ids: SpanIds, visit: &mut dyn FnMut(&CallState)) {
        let is_it = |call: &CallState| {
            call.is_open_call() && call.ids().is_some_and(|own| (own.trace, own.span) == (ids.trace, ids.span))
        };
        let begun = || {
            self.shards.iter().find_map(|shard| locked(shard).calls.iter().flatten().find(|call| is_it(call)).cloned())
        };
        if let Some(call) = begun() {
            return visit(&call);
        }
        let visit = RefCell::new(Some(visit));
        for holder in self.holders() {
            holder.visit_open(&|call| {
                if is_it(call)
                    && let Some(visit) = visit.take()
                {
                    visit(call);
                }
            });
        }
    }

    pub(in crate::trail) fn holders(&self) -> Vec<Arc<dyn HoldsCalls>> {
        let holders = self.holders.lock();
        holders.iter().filter_map(Weak::upgrade).collect()
    }
}

fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock()
}

/// More than threads that begin a call in the same ten nanoseconds.
const SHARDS: usize = 16;
