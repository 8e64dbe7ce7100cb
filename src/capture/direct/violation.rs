//! Violations of policies.

use std::borrow::Cow;

use super::builder::event;
use crate::record::{Detail, EventName, Outcome, names};
use crate::trail::{Digest, Moment};

/// A rule was violated: `auditrail.policy_violation`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct PolicyViolation {
    moment: Moment,
}

event!(PolicyViolation);

impl PolicyViolation {
    /// The rule of that name was violated, and what violated it was stopped: decision `deny`, outcome `failure`, `denied`.
    pub fn blocked(rule: impl Into<Cow<'static, str>>) -> Self {
        let blocked = Self::of(rule).fact(names::AUDITRAIL_DECISION, "deny");
        blocked.outcome(Outcome::of(Detail::Denied))
    }

    /// The rule of that name was violated, and what violated it went on: decision `allow`, outcome `success`.
    pub fn observed(rule: impl Into<Cow<'static, str>>) -> Self {
        Self::of(rule).fact(names::AUDITRAIL_DECISION, "allow")
    }

    /// The policy that has the rule.
    pub fn policy(self, id: impl Into<Cow<'static, str>>) -> Self {
        self.fact(names::AUDITRAIL_POLICY_ID, id.into())
    }

    /// The digest of that policy.
    pub fn policy_digest(self, digest: Digest) -> Self {
        self.fact(names::AUDITRAIL_POLICY_DIGEST, digest)
    }

    fn of(rule: impl Into<Cow<'static, str>>) -> Self {
        let moment = Moment::new(EventName::PolicyViolation);
        Self { moment }.fact(names::SECURITY_RULE_NAME, rule.into()).fact(names::AUDIT_ACTION, "ENFORCE")
    }
}
