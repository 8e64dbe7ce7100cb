//! What a rule compares, once it is compiled.

use super::facts::CallFacts;
use super::pattern::Pattern;
use super::treatment::Treatment;
use crate::record::{Detail, Direction, Outcome, Status};

/// A rule of a compiled policy.
#[derive(Debug, Clone)]
pub(super) struct CompiledRule {
    pub(super) keys: Keys,
    pub(super) treatment: Treatment,
}

/// What a call must have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) method: Option<Pattern>,
    pub(super) tool: Option<Pattern>,
    pub(super) read_only: Option<bool>,
    pub(super) destructive: Option<bool>,
    pub(super) idempotent: Option<bool>,
    pub(super) open_world: Option<bool>,
    pub(super) prompt: Option<Pattern>,
    pub(super) resource: Option<Pattern>,
    pub(super) actor: Option<Pattern>,
    pub(super) tenant: Option<Pattern>,
    pub(super) direction: Option<Direction>,
    pub(super) outcome: Option<OutcomeKey>,
}

/// How a call must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutcomeKey {
    Status(Status),
    Detail(Detail),
}

impl Keys {
    /// Whether all keys but the outcome match facts that are [`CallFacts::as_matched`].
    pub(super) fn fit(&self, facts: &CallFacts<'_>) -> bool {
        let is = |pattern: &Option<Pattern>, name: Option<&str>| match pattern {
            Some(pattern) => name.is_some_and(|name| pattern.fits(name)),
            None => true,
        };
        let holds = |wanted: Option<bool>, fact: Option<bool>| wanted.is_none_or(|wanted| fact == Some(wanted));
        is(&self.method, facts.method)
            && is(&self.tool, facts.tool)
            && holds(self.read_only, facts.read_only)
            && holds(self.destructive, facts.destructive)
            && holds(self.idempotent, facts.idempotent)
            && holds(self.open_world, facts.open_world)
            && is(&self.prompt, facts.prompt)
            && is(&self.resource, facts.resource)
            && is(&self.actor, facts.actor)
            && is(&self.tenant, facts.tenant)
            && self.direction.is_none_or(|wanted| facts.direction == Some(wanted))
    }

    /// Whether it names nothing, so that it is a default: one that suppresses no failure, denial, write or authentication.
    pub(super) fn name_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl OutcomeKey {
    pub(super) fn fits(self, outcome: &Outcome) -> bool {
        match self {
            Self::Status(status) => outcome.status == status,
            Self::Detail(detail) => outcome.detail == Some(detail),
        }
    }
}
