//! Somebody was authenticated, or was not.

use std::borrow::Cow;

use crate::identity::Actor;
use crate::record::{Detail, EventName, Outcome, error_type, names};
use crate::trail::{Moment, Verdict};

/// An authentication, for `auditrail.authn`. It never contains the credential.
///
/// ```no_run
/// # use auditrail::{Actor, Trail, capture::direct::Authn};
/// # fn log_in(trail: &Trail) {
/// trail.record(Authn::success(Actor::verified("alice")));
/// trail.record(Authn::failure("expired").actor(Actor::asserted("alice")).challenge("Bearer error=invalid_token"));
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct Authn(Moment);

impl Authn {
    /// Somebody proved who they are.
    pub fn success(actor: Actor) -> Self {
        let moment = Moment::new(EventName::Authn).attribute(names::AUDITRAIL_DECISION, Verdict::Allow.as_str());
        Self(moment.actor(actor))
    }

    /// Somebody did not. The class of the reason, such as `expired` or `missing_credentials`, is `error.type`: at most 64
    /// characters of `A-Z a-z 0-9 _ . : -`. Any other text is recorded as `_OTHER`, because it may be an error text with a
    /// credential in it.
    pub fn failure(class: impl Into<Cow<'static, str>>) -> Self {
        let class = error_type::class(class.into());
        let moment = Moment::new(EventName::Authn)
            .attribute(names::AUDITRAIL_DECISION, Verdict::Deny.as_str())
            .attribute(names::AUDITRAIL_DECISION_REASON, class.clone());
        Self(moment.outcome(Outcome { error_type: Some(class), ..Outcome::of(Detail::Denied) }))
    }

    /// Who it is, or, after a failure, who it claims to be.
    pub fn actor(self, actor: Actor) -> Self {
        Self(self.0.actor(actor))
    }

    /// How the client was asked to authenticate: scheme, error and scope, without tokens.
    pub fn challenge(self, challenge: impl Into<String>) -> Self {
        self.attribute(names::AUDITRAIL_AUTHN_CHALLENGE, challenge.into())
    }

    /// The rule that decided.
    pub fn rule(self, name: impl Into<String>) -> Self {
        self.attribute(names::SECURITY_RULE_NAME, name.into())
    }

    fn attribute(self, name: &'static str, value: String) -> Self {
        Self(self.0.attribute(name, value))
    }
}

impl From<Authn> for Moment {
    fn from(authn: Authn) -> Self {
        authn.0
    }
}
