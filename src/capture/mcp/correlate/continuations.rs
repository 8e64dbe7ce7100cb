//! Finds the call that a later one continues: by the task that it returned, or by the state with which it asked for
//! input.

use super::super::message::StateDigest;
use super::super::recent::Recent;
use crate::record::RecordId;

/// The calls that can be continued.
#[derive(Debug)]
pub(super) struct Continuations(Recent<Continuation, RecordId>);

/// What identifies the call that is continued.
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
    /// Notes the first call of a task or of rounds. The last one counts: a server may give one state in several
    /// calls.
    pub(super) fn note(&mut self, origin: Continuation, call: RecordId) {
        self.0.insert(origin, call);
    }

    pub(super) fn of(&self, origin: &Continuation) -> Option<RecordId> {
        self.0.get(origin).copied()
    }
}

/// Tasks and rounds in progress. For older ones, the digests and ids on the records still show the connection.
const MAX_ORIGINS: usize = 10_000;
