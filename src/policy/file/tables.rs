//! The tables of a policy, wherever they stand, and what they mean.

use std::collections::BTreeMap;

use toml::Spanned;

use super::class::ClassSettings;
use super::mistake::{Mistake, Source};
use super::redact::{self, RedactSettings};
use super::rule::RuleSettings;
use crate::policy::class::Class;
use crate::policy::rules::{Policy, PolicyError};

/// The tables of a policy: in a file of its own, or in the configuration file of the proxy.
#[derive(Debug, Clone, Copy)]
pub struct Tables<'a> {
    /// `[[rule]]`.
    pub rules: &'a [Spanned<RuleSettings>],
    /// `[class.NAME]`.
    pub classes: &'a BTreeMap<String, ClassSettings>,
    /// `[[redact]]`.
    pub redacts: &'a [Spanned<RedactSettings>],
}

impl Tables<'_> {
    /// Whether there is none.
    #[must_use]
    pub fn are_empty(&self) -> bool {
        self.rules.is_empty() && self.classes.is_empty() && self.redacts.is_empty()
    }

    /// The policy that they are.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn policy(&self, id: &str, source: &Source<'_>) -> Result<Policy, Mistake> {
        let mut builder = Policy::builder().id(id).redactor(redact::redactor(self.redacts, source)?);
        for (name, settings) in self.classes {
            builder = builder.class(name, Class::from(settings));
        }
        for rule in self.rules {
            builder = builder.rule(rule.get_ref().rule(source.line(rule.span().start)));
        }
        builder.build().map_err(|error| self.mistake(&error, source))
    }

    fn mistake(&self, error: &PolicyError, source: &Source<'_>) -> Mistake {
        let rule = self.rules.get(error.rule.saturating_sub(1));
        let place = rule.map(|rule| error.key.and_then(|key| rule.get_ref().place(key)).unwrap_or_else(|| rule.span()));
        source.mistake(place, &error.problem.to_string())
    }
}
