//! What the policy says of one call, from its begin to its end.
//!
//! Invariants:
//! 1. A call is decided by one policy, the one that was in force when it began, and by the facts that capture had then and the
//!    outcome.
//! 2. What a policy can decide only by the outcome is kept as an intent until then. A call whose class waits for the collector
//!    has a request record instead, because an intent never gets there; such a call keeps both halves.
//! 3. Both halves of a call are sampled alike, and alike in all processes that share its trace and the policy.

use std::sync::Arc;

use super::hints::ToolHints;
use crate::policy::{Acknowledge, Begin, CallFacts, Class, Halves, Level, Policy, Treatment};
use crate::record::{Attributes, Direction, EventName, Outcome, SpanIds, names};

/// A policy, with what every call of it needs.
#[derive(Debug)]
pub(crate) struct PolicyInForce {
    pub(in crate::trail) policy: Policy,
    /// Its digest, as an attribute.
    pub(in crate::trail) stamp: Attributes,
    /// What sampling mixes into ids that clients may choose. They do not know it: it is made of the digest.
    salt: [u8; 16],
}

impl PolicyInForce {
    pub(in crate::trail) fn new(policy: Policy) -> Self {
        let mut stamp = Attributes::default();
        stamp.set(names::AUDITRAIL_POLICY_DIGEST, policy.digest().to_owned());
        let salt = salt(policy.digest());
        Self { policy, stamp, salt }
    }
}

/// What the policy says of a call.
#[derive(Debug, Clone)]
pub(crate) struct Treated {
    pub(in crate::trail) by: Arc<PolicyInForce>,
    begin: Begin,
    hints: ToolHints,
    /// Its request record is written when it begins, whatever the policy could still say.
    keeps_both: bool,
}

/// What becomes of the request half when the call begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::trail) enum RequestHalf {
    /// It is a record.
    Record,
    /// It is an intent until the outcome is known.
    Intent,
    /// It is left out.
    Suppressed,
}

/// What becomes of the halves of a call that has ended.
#[derive(Debug)]
pub(in crate::trail) struct Kept {
    /// Of a request half that is an intent.
    pub(in crate::trail) request: bool,
    pub(in crate::trail) response: bool,
    /// What says so.
    pub(in crate::trail) treatment: Treatment,
}

impl Treated {
    /// What that policy says of a call with those facts.
    pub(in crate::trail) fn at_begin(by: Arc<PolicyInForce>, facts: &CallFacts<'_>, hints: ToolHints) -> Self {
        let begin = by.policy.at_begin(facts);
        Self { by, begin, hints, keeps_both: false }
    }

    /// The class of the call: that of its rule, or else that one. Where the outcome decides which rule that is, both are kept.
    pub(in crate::trail) fn class(&mut self, otherwise: impl FnOnce() -> Class) -> Class {
        let class = match &self.begin {
            // The outcome decides about the sample alone.
            Begin::AfterOutcome { most: Treatment { class: Some(named), sample: None, .. } } => {
                named.class.at_least(otherwise())
            }
            begin => begin.most().class.as_ref().map_or_else(otherwise, |named| named.class),
        };
        self.keeps_both = class.acknowledge >= Acknowledge::Remote;
        class
    }

    /// Asks its policy again when more is known of the call; its class stays.
    pub(in crate::trail) fn again(&self, facts: &CallFacts<'_>) -> Self {
        let begin = self.by.policy.at_begin(facts);
        Self { begin, ..self.clone() }
    }

    /// The most that may have to be kept, if the outcome decides.
    pub(crate) fn most(&self) -> &Treatment {
        self.begin.most()
    }

    /// How much of the call its request record may have, or its intent.
    #[cfg(feature = "mcp")]
    pub(in crate::trail) fn level_of_request(&self) -> Level {
        match &self.begin {
            Begin::AfterOutcome { .. } if self.keeps_both => Level::Metadata,
            begin => begin.most().level,
        }
    }

    pub(in crate::trail) fn request_half(&self) -> RequestHalf {
        match &self.begin {
            Begin::Decided(Treatment { level: Level::None, .. }) => RequestHalf::Suppressed,
            _ if self.keeps_both => RequestHalf::Record,
            Begin::Decided(Treatment { halves: Halves::Both, .. }) => RequestHalf::Record,
            Begin::Decided(_) | Begin::AfterOutcome { .. } => RequestHalf::Intent,
        }
    }

    /// What is kept of a call that has ended so. `id` tells it from others, where it has no trace.
    pub(in crate::trail) fn at_end(
        &self,
        facts: &CallFacts<'_>,
        outcome: &Outcome,
        ids: Option<SpanIds>,
        id: [u8; 16],
    ) -> Kept {
        let treatment = match &self.begin {
            Begin::Decided(treatment) => treatment.clone(),
            Begin::AfterOutcome { .. } => self.by.policy.at_end(facts, outcome),
        };
        if self.keeps_both && treatment_of(&self.begin) != Some(Level::None) {
            return Kept { request: true, response: true, treatment };
        }
        let response = treatment.keeps(self.sampled_by(ids, id));
        Kept { request: response && treatment.halves == Halves::Both, response, treatment }
    }

    /// What the rules look at.
    pub(in crate::trail) fn hints(&self) -> ToolHints {
        self.hints
    }

    fn sampled_by(&self, ids: Option<SpanIds>, id: [u8; 16]) -> [u8; 16] {
        let mut id = ids.map_or(id, |ids| ids.trace.to_bytes());
        id.iter_mut().zip(self.by.salt).for_each(|(byte, salt)| *byte ^= salt);
        id
    }
}

/// The level of what is decided when a call begins.
fn treatment_of(begin: &Begin) -> Option<Level> {
    match begin {
        Begin::Decided(treatment) => Some(treatment.level),
        Begin::AfterOutcome { .. } => None,
    }
}

/// What the rules look at, of a call or a message whose texts that finds.
pub(in crate::trail) fn call_facts<'a>(
    event: EventName,
    hints: ToolHints,
    text: impl Fn(&'static str) -> Option<&'a str>,
) -> CallFacts<'a> {
    CallFacts {
        event: Some(event),
        method: text(names::MCP_METHOD_NAME),
        tool: text(names::GEN_AI_TOOL_NAME),
        read_only: hints.read_only,
        destructive: hints.destructive,
        idempotent: hints.idempotent,
        open_world: hints.open_world,
        prompt: text(names::GEN_AI_PROMPT_NAME),
        resource: text(names::MCP_RESOURCE_URI),
        actor: text(names::AUDIT_ACTOR_ID),
        tenant: text(names::AUDITRAIL_TENANT_ID),
        direction: text(names::AUDITRAIL_MCP_DIRECTION).and_then(direction),
    }
}

fn direction(text: &str) -> Option<Direction> {
    [Direction::ClientToServer, Direction::ServerToClient].into_iter().find(|direction| direction.as_str() == text)
}

/// Sixteen bytes of a digest `sha256:HEX`.
fn salt(digest: &str) -> [u8; 16] {
    let digits = digest.rsplit(':').next().unwrap_or_default().as_bytes();
    let mut salt = [0; 16];
    for (byte, pair) in salt.iter_mut().zip(digits.chunks(2)) {
        *byte = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()).unwrap_or_default();
    }
    salt
}
