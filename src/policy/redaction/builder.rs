//! From rules as they are configured to a redactor.

use super::action::Action;
use super::compiled::{Compiled, Rules};
use super::detector::Detector;
use super::error::RedactionError;
use super::limits::RedactionLimits;
use super::redactor::Redactor;
use super::rule::RedactionRule;

/// Collects rules.
///
/// Rules by path and key come first, in their order: the first that matches a value decides. What none of them decides is looked
/// through by patterns and detectors, in their order. A detector without a rule masks; `Action::Keep` switches it off.
#[derive(Debug, Clone, Default)]
pub struct RedactorBuilder {
    rules: Vec<RedactionRule>,
    limits: RedactionLimits,
}

impl Redactor {
    /// Collects rules.
    pub fn builder() -> RedactorBuilder {
        RedactorBuilder::default()
    }
}

impl RedactorBuilder {
    /// Adds a rule, behind those that were added before.
    #[must_use]
    pub fn rule(mut self, rule: RedactionRule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Other limits.
    #[must_use]
    pub fn limits(mut self, limits: RedactionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The redactor.
    ///
    /// # Errors
    ///
    /// A rule that cannot be read, or that never decides because one before it does. The error has its number.
    pub fn build(self) -> Result<Redactor, RedactionError> {
        let mut rules = Rules::default();
        for (number, rule) in self.rules.into_iter().enumerate() {
            rules.add(rule).map_err(|error| error.of_rule(number))?;
        }
        for detector in Detector::ALL {
            rules.add_default(RedactionRule::detector(detector, Action::Mask));
        }
        Ok(Redactor::of(Compiled { rules, limits: self.limits }))
    }
}
