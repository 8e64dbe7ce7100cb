//! What a trail asks of a policy before it takes it.

use super::policy::Policy;

impl Policy {
    /// Whether it has no rules, so that it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.compiled.rules.is_empty()
    }
}
