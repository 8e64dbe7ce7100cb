//! What a rule compares, once it is compiled.

use super::facts::CallFacts;
use super::pattern::Pattern;
use crate::record::{Detail, Direction, Outcome, Status};

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

/// A key whose values are names: what a rule wants, and the fact of a call.
pub(super) struct NameKey {
    pub(super) name: &'static str,
    pub(super) wanted: fn(&Keys) -> Option<&Pattern>,
    pub(super) fact: for<'a> fn(&CallFacts<'a>) -> Option<&'a str>,
}

/// A key with two values.
pub(super) struct FlagKey {
    pub(super) name: &'static str,
    pub(super) wanted: fn(&Keys) -> Option<bool>,
    pub(super) fact: fn(&CallFacts<'_>) -> Option<bool>,
    /// What the values are called.
    pub(super) values: [&'static str; 2],
}

impl Keys {
    /// Whether no calls are named, but at most a direction or an outcome, so that the rule is a default: one that suppresses no
    /// failure, denial, write or authentication.
    pub(super) fn name_nothing(&self) -> bool {
        Self { direction: None, outcome: None, ..self.clone() } == Self::default()
    }

    /// Whether it is about tools.
    pub(super) fn are_of_tools(&self) -> bool {
        let hints = [self.read_only, self.destructive, self.idempotent, self.open_world];
        self.tool.is_some() || hints.iter().any(Option::is_some)
    }
}

impl OutcomeKey {
    /// Reads an outcome or a detail.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::Status).or_else(|_| text.parse().map(Self::Detail)).ok()
    }

    pub(super) fn fits(self, outcome: &Outcome) -> bool {
        match self {
            Self::Status(status) => outcome.status == status,
            Self::Detail(detail) => outcome.detail == Some(detail),
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Status(status) => status.as_str(),
            Self::Detail(detail) => detail.as_str(),
        }
    }

    /// Whether a call that ends so is a success.
    pub(super) fn is_success(self) -> bool {
        match self {
            Self::Status(status) => status == Status::Success,
            Self::Detail(detail) => detail.status() == Status::Success,
        }
    }
}

/// All keys whose values are names.
pub(super) const NAMES: [NameKey; 6] = [
    NameKey { name: "method", wanted: |keys| keys.method.as_ref(), fact: |facts| facts.method },
    NameKey { name: "tool", wanted: |keys| keys.tool.as_ref(), fact: |facts| facts.tool },
    NameKey { name: "prompt", wanted: |keys| keys.prompt.as_ref(), fact: |facts| facts.prompt },
    NameKey { name: "resource", wanted: |keys| keys.resource.as_ref(), fact: |facts| facts.resource },
    NameKey { name: "actor", wanted: |keys| keys.actor.as_ref(), fact: |facts| facts.actor },
    NameKey { name: "tenant", wanted: |keys| keys.tenant.as_ref(), fact: |facts| facts.tenant },
];

/// All keys with two values.
pub(super) const FLAGS: [FlagKey; 5] = [
    FlagKey { name: "read_only", wanted: |keys| keys.read_only, fact: |facts| facts.read_only, values: BOOLEANS },
    FlagKey { name: "destructive", wanted: |keys| keys.destructive, fact: |facts| facts.destructive, values: BOOLEANS },
    FlagKey { name: "idempotent", wanted: |keys| keys.idempotent, fact: |facts| facts.idempotent, values: BOOLEANS },
    FlagKey { name: "open_world", wanted: |keys| keys.open_world, fact: |facts| facts.open_world, values: BOOLEANS },
    FlagKey {
        name: "direction",
        wanted: |keys| keys.direction.map(is_of_server),
        fact: |facts| facts.direction.map(is_of_server),
        values: [Direction::ClientToServer.as_str(), Direction::ServerToClient.as_str()],
    },
];

fn is_of_server(direction: Direction) -> bool {
    direction == Direction::ServerToClient
}

const BOOLEANS: [&str; 2] = ["false", "true"];
