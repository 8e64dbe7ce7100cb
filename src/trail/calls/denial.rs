//! A denial that somebody else decided, as it is known from an answer.

use std::borrow::Cow;

use crate::policy::{DenialRule, Verdict};
use crate::record::{Attributes, Detail, EventName, Outcome, Value, error_type, names};

/// What is known of a denial. Nothing of it is a text of the server.
#[derive(Debug, Clone)]
pub(crate) struct Denial {
    event: EventName,
    error_type: &'static str,
    source: &'static str,
    rule: Cow<'static, str>,
    reason: Cow<'static, str>,
    /// Further facts for the record of the decision.
    facts: Attributes,
}

impl Denial {
    /// By a rule of the operator, which recognized an error as a denial.
    pub(crate) fn recognized(rule: &DenialRule) -> Self {
        Self::in_an_answer(rule.name().to_owned().into(), rule.why())
    }

    /// By the hook `denied_when`.
    pub(crate) fn by_hook() -> Self {
        Self::in_an_answer(Cow::Borrowed(HOOK), None)
    }

    /// By the status of an HTTP response.
    #[cfg(feature = "tower")]
    pub(crate) fn by_status(event: EventName, class: &'static str, rule: &'static str) -> Self {
        Self {
            event,
            error_type: class,
            source: "http_status",
            rule: rule.into(),
            reason: class.into(),
            facts: Attributes::default(),
        }
    }

    /// A fact for the record of the decision.
    #[cfg(feature = "tower")]
    pub(crate) fn with(mut self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        self.facts.set_some(name, value);
        self
    }

    pub(in crate::trail) fn event(&self) -> EventName {
        self.event
    }

    /// The outcome of the decision's record.
    pub(in crate::trail) fn outcome(&self) -> Outcome {
        Outcome::with_type(Detail::Denied, self.error_type)
    }

    /// What the response half of the call says, too.
    pub(in crate::trail) fn said(&self) -> [(&'static str, Value); 4] {
        [
            (names::AUDITRAIL_DECISION, Verdict::Deny.as_str().into()),
            (names::AUDITRAIL_DECISION_REASON, self.reason.clone().into()),
            (names::AUDITRAIL_DECISION_SOURCE, self.source.into()),
            (names::SECURITY_RULE_NAME, self.rule.clone().into()),
        ]
    }

    /// What only the decision's record says.
    pub(in crate::trail) fn facts(&self) -> &Attributes {
        &self.facts
    }

    fn in_an_answer(rule: Cow<'static, str>, reason: Option<Cow<'static, str>>) -> Self {
        Self {
            event: EventName::Authz,
            error_type: error_type::DENIED,
            source: "answer",
            rule,
            reason: reason.unwrap_or(Cow::Borrowed(SAYS_SO)),
            facts: Attributes::default(),
        }
    }
}

/// `security_rule.name` where a function of the user recognized the denial.
const HOOK: &str = "denied_when";
const SAYS_SO: &str = "the answer says that it was denied";
