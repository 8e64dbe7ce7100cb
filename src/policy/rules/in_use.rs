//! What a trail asks of a policy before it takes it.

use super::level::Level;
use super::policy::Policy;
#[cfg(feature = "redaction")]
use crate::policy::redaction::Redactor;

impl Policy {
    /// Whether it has no rules, so that it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.compiled.rules.is_empty()
    }

    /// Whether a rule wants arguments or results on records.
    #[must_use]
    pub fn wants_content(&self) -> bool {
        self.compiled.rules.iter().any(|rule| rule.treatment.level >= Level::Arguments)
    }

    /// What content goes through before it is recorded.
    #[cfg(feature = "redaction")]
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.compiled.redactor
    }
}
