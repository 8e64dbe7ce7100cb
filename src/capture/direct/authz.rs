//! An authorization decision.

use crate::identity::Actor;
use crate::record::{Detail, EventName, Outcome, Status, Value, names};
use crate::trail::{Moment, Verdict};

/// An authorization decision that your own code made, for `auditrail.authz`. Decisions of the hook
/// [`authorize`](crate::TrailBuilder::authorize) are recorded without it.
///
/// ```no_run
/// # use auditrail::{Actor, Trail, capture::direct::Authz};
/// # fn decide(trail: &Trail) {
/// let decision = Authz::deny("payments are closed on Sundays").rule("sunday").policy("payments", "sha256:9f2c");
/// trail.record(decision.actor(Actor::verified("alice")).actions(["payments:write"]).target("account", "12"));
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct Authz(Moment);

impl Authz {
    /// It was allowed.
    pub fn allow() -> Self {
        Self::of(Verdict::Allow, Outcome::status(Status::Success))
    }

    /// It was denied, for that reason: a sentence of the operator, without data of the request.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::of(Verdict::Deny, Outcome::of(Detail::Denied)).reason(reason)
    }

    /// A person has to decide. What they decide is an [`Approval`](super::Approval).
    pub fn escalate(reason: impl Into<String>) -> Self {
        Self::of(Verdict::Escalate, Outcome::status(Status::Unknown)).reason(reason)
    }

    /// Who asked for it.
    pub fn actor(self, actor: Actor) -> Self {
        Self(self.0.actor(actor))
    }

    /// Why: a sentence of the operator.
    pub fn reason(self, reason: impl Into<String>) -> Self {
        self.attribute(names::AUDITRAIL_DECISION_REASON, reason.into())
    }

    /// The rule that decided.
    pub fn rule(self, name: impl Into<String>) -> Self {
        self.attribute(names::SECURITY_RULE_NAME, name.into())
    }

    /// The policy that decided, and its digest with the algorithm in front, such as `sha256:…`.
    pub fn policy(self, id: impl Into<String>, digest: impl Into<String>) -> Self {
        self.attribute(names::AUDITRAIL_POLICY_ID, id.into()).attribute(names::AUDITRAIL_POLICY_DIGEST, digest.into())
    }

    /// The actions that need permission.
    pub fn actions<S: Into<String>>(self, actions: impl IntoIterator<Item = S>) -> Self {
        let actions: Vec<String> = actions.into_iter().map(Into::into).collect();
        self.attribute(names::AUDITRAIL_TARGET_ACTIONS, Value::strings(actions))
    }

    /// The tool that was asked for.
    pub fn tool(self, name: impl Into<String>) -> Self {
        self.attribute(names::GEN_AI_TOOL_NAME, name.into())
    }

    /// What was asked for, if it is not the tool.
    pub fn target(self, kind: impl Into<String>, id: impl Into<String>) -> Self {
        self.attribute(names::AUDIT_TARGET_TYPE, kind.into()).attribute(names::AUDIT_TARGET_ID, id.into())
    }

    fn of(verdict: Verdict, outcome: Outcome) -> Self {
        let moment = Moment::new(EventName::Authz).outcome(outcome);
        Self(moment.attribute(names::AUDITRAIL_DECISION, verdict.as_str()))
    }

    fn attribute(self, name: &'static str, value: impl Into<Value>) -> Self {
        Self(self.0.attribute(name, value))
    }
}

impl From<Authz> for Moment {
    fn from(authz: Authz) -> Self {
        authz.0
    }
}
