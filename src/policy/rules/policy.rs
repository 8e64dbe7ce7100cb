//! The rules of a policy, applied.

use std::sync::{Arc, LazyLock};

use super::facts::CallFacts;
use super::level::{Halves, Level};
use super::matching::CompiledRule;
use super::treatment::{Begin, RuleRef, Treatment};
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
    pub(super) default: Treatment,
}

impl Policy {
    /// What is decided when a call begins.
    #[must_use]
    pub fn at_begin(&self, facts: &CallFacts<'_>) -> Begin {
        let matched = facts.as_matched();
        let mut most: Option<Treatment> = None;
        for rule in self.compiled.rules.iter().filter(|rule| rule.keys.fit(&matched)) {
            let treatment = &rule.treatment;
            if rule.keys.outcome.is_some() {
                most = Some(most.map_or_else(|| treatment.clone(), |most| most.at_least(treatment)));
                continue;
            }
            return begin(most, rule, treatment, facts);
        }
        match most {
            Some(most) => Begin::AfterOutcome { most: most.at_least(&self.compiled.default) },
            None => Begin::Decided(self.compiled.default.clone()),
        }
    }

    /// What is kept of a call that has ended.
    #[must_use]
    pub fn at_end(&self, facts: &CallFacts<'_>, outcome: &Outcome) -> Treatment {
        let matched = facts.as_matched();
        let decides =
            |rule: &&CompiledRule| rule.keys.fit(&matched) && rule.keys.outcome.is_none_or(|key| key.fits(outcome));
        let Some(rule) = self.compiled.rules.iter().find(decides) else { return self.compiled.default.clone() };
        if facts.may_be_left_out() && outcome.status == Status::Success { rule.treatment.clone() } else { kept(rule) }
    }

    /// `sha256:` and a digest of all that the policy says. Comments and spacing do not change it.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.compiled.digest
    }

    /// The name of the policy.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.compiled.id
    }
}

impl Default for Policy {
    /// Everything is kept at the level `metadata`.
    fn default() -> Self {
        static DEFAULT: LazyLock<Policy> = LazyLock::new(|| Policy { compiled: Arc::new(Compiled::empty()) });
        DEFAULT.clone()
    }
}

impl Compiled {
    fn empty() -> Self {
        Self { id: DEFAULT.into(), digest: String::new(), rules: Vec::new(), default: Treatment::default() }
    }
}

impl Default for Treatment {
    /// That of calls that no rule matches.
    fn default() -> Self {
        Self {
            level: Level::default(),
            halves: Halves::default(),
            class: None,
            sample: None,
            rule: RuleRef { name: DEFAULT.into(), line: None },
        }
    }
}

/// What is decided by a rule that does not ask for the outcome, after those that do.
fn begin(most: Option<Treatment>, rule: &CompiledRule, treatment: &Treatment, facts: &CallFacts<'_>) -> Begin {
    let kept = kept(rule);
    let depends = kept != *treatment && facts.may_be_left_out();
    match most {
        None if !depends => Begin::Decided(kept),
        // What is kept of failures is not less than what is kept of successes; the sample counts only for the latter.
        None => Begin::AfterOutcome { most: Treatment { sample: treatment.sample, ..kept } },
        Some(most) => Begin::AfterOutcome { most: most.at_least(&kept) },
    }
}

/// What a rule says of a call that no default and no sample may leave out.
fn kept(rule: &CompiledRule) -> Treatment {
    let level = match rule.treatment.level {
        Level::None if rule.keys.name_nothing() => Level::Metadata,
        level => level,
    };
    Treatment { level, sample: None, ..rule.treatment.clone() }
}

/// The id of a policy that was given none, and the name of the rule where none matched.
pub(super) const DEFAULT: &str = "default";
