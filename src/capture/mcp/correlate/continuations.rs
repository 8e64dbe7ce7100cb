//! Which call a later one goes on with: by the task that it returned, or by the state that it asked input with.

use std::collections::{HashMap, VecDeque};

use super::super::message::StateDigest;
use crate::record::RecordId;

/// The calls that can be gone on with.
#[derive(Debug, Default)]
pub(super) struct Continuations {
    calls: HashMap<Continuation, RecordId>,
    order: VecDeque<Continuation>,
}

/// By what a call is gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Continuation {
    Task(String),
    State(StateDigest),
}

impl Continuations {
    /// Notes the first call of a task or of rounds. The last counts: a server may give the same state in several calls.
    pub(super) fn note(&mut self, origin: Continuation, call: RecordId) {
        if let Some(known) = self.calls.get_mut(&origin) {
            *known = call;
            return;
        }
        if self.order.len() >= MAX_ORIGINS
            && let Some(oldest) = self.order.pop_front()
        {
            self.calls.remove(&oldest);
        }
        self.order.push_back(origin.clone());
        self.calls.insert(origin, call);
    }

    pub(super) fn of(&self, origin: &Continuation) -> Option<RecordId> {
        self.calls.get(origin).copied()
    }
}

/// Tasks and rounds that go on at once; of older ones, the digests and ids on the records still tell.
const MAX_ORIGINS: usize = 10_000;
