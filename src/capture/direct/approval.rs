//! Somebody approved an action, or declined to.

use std::time::SystemTime;

use super::rfc3339::utc;
use crate::identity::Actor;
use crate::record::{Detail, EventName, Outcome, RecordId, Value, error_type, names};
use crate::trail::{Moment, Verdict};

/// What a person decided about an action that needed approval, for `auditrail.approval`. The action itself has its own
/// records: an approval does not say that it ran.
///
/// ```no_run
/// # use std::time::{Duration, SystemTime};
/// # use auditrail::{Actor, Refused, Trail, capture::direct::Approval};
/// # fn approve(trail: &Trail, escalated: &Refused) {
/// let now = SystemTime::now();
/// let approval = Approval::approved(Actor::verified("bob")).call(escalated.call_id).tool("transfer").at(now);
/// trail.record(approval.shown("sha256:4c1e").until(now + Duration::from_secs(600)));
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct Approval(Moment);

impl Approval {
    /// That person approved it.
    pub fn approved(by: Actor) -> Self {
        Self::of(Verdict::Allow, Outcome::ok(), by)
    }

    /// That person declined it.
    pub fn declined(by: Actor) -> Self {
        Self::of(Verdict::Deny, Outcome::with_type(Detail::Denied, error_type::DECLINED), by)
    }

    /// The digest of what the person was shown, with the algorithm in front, such as `sha256:…`: not the text, which may
    /// contain arguments. It proves later what they agreed to.
    pub fn shown(self, digest: impl Into<String>) -> Self {
        self.attribute(names::AUDITRAIL_APPROVAL_SHOWN_DIGEST, digest.into())
    }

    /// When they decided, if not now.
    pub fn at(self, time: SystemTime) -> Self {
        self.attribute(names::AUDITRAIL_APPROVAL_APPROVED_AT, utc(time))
    }

    /// Until when it counts.
    pub fn until(self, time: SystemTime) -> Self {
        self.attribute(names::AUDITRAIL_APPROVAL_EXPIRES_AT, utc(time))
    }

    /// The call that was escalated ([`Refused::call_id`](crate::Refused::call_id)).
    pub fn call(self, id: RecordId) -> Self {
        Self(self.0.inside_call(Some(id)))
    }

    /// The tool that may run.
    pub fn tool(self, name: impl Into<String>) -> Self {
        self.attribute(names::GEN_AI_TOOL_NAME, name.into())
    }

    /// What is approved, if it is not a tool.
    pub fn target(self, kind: impl Into<String>, id: impl Into<String>) -> Self {
        self.attribute(names::AUDIT_TARGET_TYPE, kind.into()).attribute(names::AUDIT_TARGET_ID, id.into())
    }

    /// Why: a sentence of the person or the operator.
    pub fn reason(self, reason: impl Into<String>) -> Self {
        self.attribute(names::AUDITRAIL_DECISION_REASON, reason.into())
    }

    /// The rule that asked for it.
    pub fn rule(self, name: impl Into<String>) -> Self {
        self.attribute(names::SECURITY_RULE_NAME, name.into())
    }

    /// The actions that were approved.
    pub fn actions<S: Into<String>>(self, actions: impl IntoIterator<Item = S>) -> Self {
        let actions: Vec<String> = actions.into_iter().map(Into::into).collect();
        self.attribute(names::AUDITRAIL_TARGET_ACTIONS, Value::strings(actions))
    }

    fn of(verdict: Verdict, outcome: Outcome, by: Actor) -> Self {
        let moment = Moment::new(EventName::Approval).outcome(outcome);
        let moment = moment.attribute(names::AUDITRAIL_APPROVAL_BY, by.id.clone());
        Self(moment.attribute(names::AUDITRAIL_DECISION, verdict.as_str()).actor(by))
    }

    fn attribute(self, name: &'static str, value: impl Into<Value>) -> Self {
        Self(self.0.attribute(name, value))
    }
}

impl From<Approval> for Moment {
    fn from(approval: Approval) -> Self {
        approval.0
    }
}
