//! The rules of a policy, applied.

use std::sync::Arc;

use super::facts::CallFacts;
use super::index::Index;
use super::keys::Keys;
use super::level::Level;
use super::treatment::{Begin, Treatment};
use crate::policy::class::Class;
#[cfg(feature = "redaction")]
use crate::policy::redaction::Redactor;
use crate::record::{Outcome, Status};

/// What is kept of which call. Cheap to clone.
///
/// ```
/// use auditrail::Class;
/// use auditrail::policy::{CallFacts, Level, Policy, Rule};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = Policy::builder()
///     .class("critical", Class::CRITICAL)
///     .rule(Rule::named("deletes").tool("delete_*").level(Level::Arguments).class("critical"))
///     .build()?;
///
/// let mut facts = CallFacts::default();
/// facts.tool = Some("delete_file");
/// assert_eq!(policy.at_begin(&facts).most().level, Level::Arguments);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Policy {
    pub(super) compiled: Arc<Compiled>,
}

/// What all clones of a policy share.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) id: String,
    pub(super) digest: String,
    pub(super) rules: Vec<CompiledRule>,
    pub(super) index: Index,
    #[cfg(feature = "redaction")]
    pub(super) redactor: Redactor,
    /// What is kept of calls that no rule matches.
    pub(super) default: Treatment,
}

/// A rule of a compiled policy.
#[derive(Debug, Clone)]
pub(super) struct CompiledRule {
    pub(super) keys: Keys,
    pub(super) treatment: Treatment,
}

impl Policy {
    /// What is done to content before it is recorded.
    #[cfg(feature = "redaction")]
    #[must_use]
    pub fn redactor(&self) -> &Redactor {
        &self.compiled.redactor
    }

    /// What is decided when a call begins.
    #[must_use]
    pub fn at_begin(&self, facts: &CallFacts<'_>) -> Begin {
        let mut most: Option<Treatment> = None;
        for rule in self.compiled.matching(&facts.as_matched()) {
            if rule.keys.outcome.is_none() {
                return rule.begin(most, facts);
            }
            let kept = rule.kept();
            most = Some(most.map_or_else(|| kept.clone(), |most| most.at_least(&kept)));
        }
        match most {
            Some(most) => Begin::AfterOutcome { most: most.at_least(&self.compiled.default) },
            None => Begin::Decided(self.compiled.default.clone()),
        }
    }

    /// What is kept of a call that has ended.
    #[must_use]
    pub fn at_end(&self, facts: &CallFacts<'_>, outcome: &Outcome) -> Treatment {
        match self.compiled.deciding(&facts.as_matched(), outcome) {
            Some(rule) if facts.may_be_left_out() && outcome.status == Status::Success => rule.treatment.clone(),
            Some(rule) => rule.kept(),
            None => self.compiled.default.clone(),
        }
    }

    /// `sha256:` and a digest of all that the policy says. Comments and spacing do not change it, nor does its name.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.compiled.digest
    }

    /// The name of the policy.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.compiled.id
    }

    /// Whether a rule wants arguments or results on records.
    #[must_use]
    pub fn wants_content(&self) -> bool {
        self.compiled.rules.iter().any(|rule| rule.treatment.level >= Level::Arguments)
    }

    /// The classes that its rules give to calls.
    pub fn classes(&self) -> impl Iterator<Item = Class> {
        self.compiled.rules.iter().filter_map(|rule| rule.treatment.class.as_ref().map(|named| named.class))
    }

    /// How many rules it has.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.compiled.rules.len()
    }
}

impl Compiled {
    /// The rule that decides about facts that are [`CallFacts::as_matched`].
    pub(super) fn deciding(&self, matched: &CallFacts<'_>, outcome: &Outcome) -> Option<&CompiledRule> {
        self.matching(matched).find(|rule| rule.keys.outcome.is_none_or(|key| key.fits(outcome)))
    }

    /// The rules that match, whatever the outcome is.
    pub(super) fn matching(&self, matched: &CallFacts<'_>) -> impl Iterator<Item = &CompiledRule> {
        self.index.matching(matched).filter_map(|number| self.rules.get(number))
    }
}

impl CompiledRule {
    /// What is decided by a rule that does not ask for the outcome, after those that do.
    fn begin(&self, most: Option<Treatment>, facts: &CallFacts<'_>) -> Begin {
        let kept = self.kept();
        match most {
            Some(most) => Begin::AfterOutcome { most: most.at_least(&kept) },
            None if kept == self.treatment || !facts.may_be_left_out() => Begin::Decided(kept),
            // A success may be left out. Of those that are in the sample it is known now.
            None => Begin::AfterOutcome { most: Treatment { sample: self.treatment.sample, ..kept } },
        }
    }

    /// What it says of a call that no default and no sample may leave out.
    pub(super) fn kept(&self) -> Treatment {
        let level = match self.treatment.level {
            Level::None if self.keys.name_nothing() => Level::Metadata,
            level => level,
        };
        Treatment { level, sample: None, ..self.treatment.clone() }
    }
}
