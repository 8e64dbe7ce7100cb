//! What an authorization hook answers.

use std::borrow::Cow;

/// The answer of the builder's `authorize` hook to a call that is about to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

impl Decision {
    /// A denial without a named rule.
    pub fn deny(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Deny { reason: reason.into(), rule: None }
    }
}
