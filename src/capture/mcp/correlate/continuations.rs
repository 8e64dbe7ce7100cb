//! Which call a later one goes on with: by the task that it returned, or by the state that it asked input with.

use super::super::message::StateDigest;
use super::super::recent::Recent;
use crate::record::RecordId;

/// The calls that can be gone on with.
#[derive(Debug)]
pub(super) struct Continuations(Recent<Continuation, RecordId>);

/// By what a call is gone on with.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Continuation {
    Task(String),
    State(StateDigest),
}

impl Default for Continuations {
    fn default() -> Self {
        Self(Recent::of_at_most(MAX_ORIGINS))
    }
}

impl Continuations {
    /// Notes the first call of a task or of rounds. The last counts: a server may give the same state in several calls.
    pub(super) fn note(&mut self, origin: Continuation, call: RecordId) {
        self.0.insert(origin, call);
    }

    pub(super) fn of(&self, origin: &Continuation) -> Option<RecordId> {
        self.0.get(origin).copied()
    }
}

/// Tasks and rounds that go on at once; of older ones, the digests and ids on the records still tell.
const MAX_ORIGINS: usize = 10_000;
