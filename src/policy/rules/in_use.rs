//! What a trail asks of a policy before it takes it.

use super::policy::Policy;
use super::treatment::NamedClass;

impl Policy {
    /// Whether it has no rules, so that it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.compiled.rules.is_empty()
    }

    /// The classes that its rules name, once for each of them.
    pub fn classes(&self) -> impl Iterator<Item = &NamedClass> {
        self.compiled.rules.iter().filter_map(|rule| rule.treatment.class.as_ref())
    }
}
