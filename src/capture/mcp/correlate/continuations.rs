//! Finds the call that a later one continues: by the task that it returned, or by the state with which it asked for
//! input.

use std::collections::{HashMap, VecDeque};

use super::super::message::StateDigest;
use crate::record::RecordId;

/// The calls that can be continued.
#[derive(Debug, Default)]
pub(super) struct Continuations {
    calls: HashMap<Continuation, RecordId>,
    order: VecDeque<Continuation>,
}

/// What identifies the call that is continued.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Continuation {
    Task(String),
    State(StateDigest),
}

impl Continuations {
    /// Notes the first call of a task or of rounds. The last one counts: a server may give one state in several
    /// calls.
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

/// Tasks and rounds in progress. For older ones, the digests and ids on the records still show the connection.
const MAX_ORIGINS: usize = 10_000;
