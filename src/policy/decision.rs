//! What an authorization hook answers.

use std::borrow::Cow;

/// The answer of the builder's `authorize` hook to a call that is about to begin.
///
/// ```
/// use auditrail::Decision;
///
/// # fn decide(tool: &str) -> Decision {
/// match tool {
///     "read_file" => Decision::Allow,
///     "delete_file" => Decision::deny("files are removed by operators only").by_rule("no-deletes"),
///     _ => Decision::escalate("a person has to approve it").by_rule("ask").under_policy("files", "sha256:9f2c").requiring(["write"]),
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// The call may run.
    Allow,
    /// The call must not run: it is answered with an error, and both halves of its record say so.
    Deny {
        /// Why, for the record and for the caller: a sentence of the operator, without data of the call in it.
        reason: Cow<'static, str>,
        /// The rule that decided, if it has a name.
        rule: Option<Cow<'static, str>>,
    },
    /// Any decision, with what is known of its grounds.
    Ruled(Box<Ruling>),
}

/// A decision with its grounds. Everything in it is written to records, so it must contain no data of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ruling {
    /// What was decided.
    pub verdict: Verdict,
    /// Why, for the record and for the caller: a sentence of the operator.
    pub reason: Option<Cow<'static, str>>,
    /// The rule that decided.
    pub rule: Option<Cow<'static, str>>,
    /// The policy that the rule belongs to.
    pub policy: Option<Cow<'static, str>>,
    /// The digest of that policy, with its algorithm: which version of the policy decided.
    pub policy_digest: Option<Cow<'static, str>>,
    /// The actions that the caller needs permission for.
    pub actions: Vec<String>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It may run.
    Allow,
    /// It must not run.
    Deny,
    /// A person has to decide. Until then it must not run.
    Escalate,
}

impl Decision {
    /// A denial without a named rule.
    pub fn deny(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Deny { reason: reason.into(), rule: None }
    }

    /// The call does not run: a person has to approve it first. It is answered with an error of its own
    /// ([`Refused::ESCALATED_CODE`](crate::Refused::ESCALATED_CODE)), so that a client can ask for approval and call again.
    pub fn escalate(reason: impl Into<Cow<'static, str>>) -> Self {
        Ruling { reason: Some(reason.into()), ..Ruling::new(Verdict::Escalate) }.into()
    }

    /// The rule that decided.
    #[must_use]
    pub fn by_rule(self, rule: impl Into<Cow<'static, str>>) -> Self {
        Ruling { rule: Some(rule.into()), ..self.into_ruling() }.into()
    }

    /// The policy that decided, and its digest with the algorithm in front, such as `sha256:…`.
    #[must_use]
    pub fn under_policy(self, id: impl Into<Cow<'static, str>>, digest: impl Into<Cow<'static, str>>) -> Self {
        Ruling { policy: Some(id.into()), policy_digest: Some(digest.into()), ..self.into_ruling() }.into()
    }

    /// The actions that the caller needs permission for, such as scopes.
    #[must_use]
    pub fn requiring<S: Into<String>>(self, actions: impl IntoIterator<Item = S>) -> Self {
        Ruling { actions: actions.into_iter().map(Into::into).collect(), ..self.into_ruling() }.into()
    }

    /// The decision with its grounds.
    #[must_use]
    pub fn into_ruling(self) -> Ruling {
        match self {
            Self::Allow => Ruling::new(Verdict::Allow),
            Self::Deny { reason, rule } => Ruling { reason: Some(reason), rule, ..Ruling::new(Verdict::Deny) },
            Self::Ruled(ruling) => *ruling,
        }
    }
}

impl Ruling {
    /// A decision without grounds.
    #[must_use]
    pub const fn new(verdict: Verdict) -> Self {
        Self { verdict, reason: None, rule: None, policy: None, policy_digest: None, actions: Vec::new() }
    }
}

impl From<Ruling> for Decision {
    fn from(ruling: Ruling) -> Self {
        Self::Ruled(Box::new(ruling))
    }
}

impl Verdict {
    /// `auditrail.decision`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Escalate => "escalate",
        }
    }
}
