//! Builds policies.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use super::canonical::canonical;
use super::checks;
use super::error::{MAX_NAME, MAX_RULES, PolicyError, PolicyProblem};
use super::index::Index;
use super::keys::{Keys, OutcomeKey};
use super::pattern::Pattern;
use super::policy::{Compiled, CompiledRule, Policy};
use super::rule::Rule;
use super::treatment::{DEFAULT, NamedClass, RuleRef, Treatment};
use crate::policy::class::Class;
use crate::policy::nearest::nearest;
#[cfg(feature = "redaction")]
use crate::policy::redaction::Redactor;
use crate::record::{Detail, Status};

/// Collects the rules and classes of a policy.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it builds"]
pub struct PolicyBuilder {
    id: Option<String>,
    classes: BTreeMap<String, Class>,
    rules: Vec<Rule>,
    #[cfg(feature = "redaction")]
    redactor: Redactor,
}

impl Policy {
    /// Creates a policy without rules: everything is kept at the level `metadata`.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }
}

impl Default for Policy {
    /// Everything is kept at the level `metadata`.
    fn default() -> Self {
        static DEFAULT: LazyLock<Policy> = LazyLock::new(|| PolicyBuilder::default().compiled(Vec::new()));
        DEFAULT.clone()
    }
}

impl PolicyBuilder {
    /// The name of the policy, for records. Default: `default`.
    pub fn id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// A class that rules can name.
    pub fn class(mut self, name: impl Into<String>, class: Class) -> Self {
        self.classes.insert(name.into(), class);
        self
    }

    /// What is done to content before it is recorded. By default, all detectors mask what they find.
    #[cfg(feature = "redaction")]
    pub fn redactor(self, redactor: Redactor) -> Self {
        Self { redactor, ..self }
    }

    /// Adds a rule after the others; the first that matches decides.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Checks and compiles the policy.
    ///
    /// # Errors
    /// The first rule that cannot be used.
    pub fn build(self) -> Result<Policy, PolicyError> {
        let mut rules = Vec::with_capacity(self.rules.len());
        for (at, rule) in self.rules.iter().enumerate() {
            let number = at + 1;
            let error = |(key, problem)| PolicyError { rule: number, key, problem };
            if number > MAX_RULES {
                return Err(error((None, PolicyProblem::TooMany)));
            }
            let rule = compiled(number, rule, &self.classes).map_err(|(key, problem)| error((Some(key), problem)))?;
            checks::alone(&rule).map_err(error)?;
            rules.push(rule);
        }
        unique_names(&rules)?;
        let policy = self.compiled(rules);
        checks::all(&policy.compiled)?;
        Ok(policy)
    }

    fn compiled(self, rules: Vec<CompiledRule>) -> Policy {
        #[cfg_attr(not(feature = "redaction"), expect(unused_mut, reason = "nothing else is added then"))]
        let mut canonical = canonical(&rules, &self.classes);
        #[cfg(feature = "redaction")]
        for table in self.redactor.tables() {
            canonical.table("redact");
            table.iter().for_each(|(key, value)| canonical.value(key, value));
        }
        let digest = canonical.digest();
        let index = Index::new(rules.iter().map(|rule| &rule.keys));
        let id = self.id.unwrap_or_else(|| DEFAULT.into());
        Policy {
            compiled: Arc::new(Compiled {
                id,
                digest,
                rules,
                index,
                #[cfg(feature = "redaction")]
                redactor: self.redactor,
                default: Treatment::default(),
            }),
        }
    }
}

fn compiled(
    number: usize,
    rule: &Rule,
    classes: &BTreeMap<String, Class>,
) -> Result<CompiledRule, (&'static str, PolicyProblem)> {
    let name = rule.name.clone().unwrap_or_else(|| format!("rule-{number}"));
    if !(1..=MAX_NAME).contains(&name.chars().count()) {
        return Err(("name", PolicyProblem::Name));
    }
    let class = rule.class.as_ref().map(|name| class(name, classes)).transpose()?;
    let treatment = Treatment {
        level: rule.level,
        halves: rule.halves,
        class,
        sample: rule.sample,
        rule: RuleRef { name: name.into(), line: rule.line },
    };
    Ok(CompiledRule { keys: keys(rule)?, treatment })
}

fn keys(rule: &Rule) -> Result<Keys, (&'static str, PolicyProblem)> {
    let pattern = |key, text: &Option<String>| match text.as_deref() {
        None => Ok(None),
        Some("") => Err((key, PolicyProblem::Empty)),
        Some(text) => Pattern::parse(text).map(Some).ok_or((key, PolicyProblem::Pattern)),
    };
    let outcome = |text: &String| OutcomeKey::parse(text).ok_or_else(|| ("outcome", unknown_outcome(text)));
    Ok(Keys {
        // Any method, and none.
        method: pattern("method", &rule.method)?.filter(|method| *method != Pattern::Prefix(String::new())),
        tool: pattern("tool", &rule.tool)?,
        read_only: rule.read_only,
        destructive: rule.destructive,
        idempotent: rule.idempotent,
        open_world: rule.open_world,
        prompt: pattern("prompt", &rule.prompt)?,
        resource: pattern("resource", &rule.resource)?,
        actor: pattern("actor", &rule.actor)?,
        tenant: pattern("tenant", &rule.tenant)?,
        direction: rule.direction,
        outcome: rule.outcome.as_ref().map(outcome).transpose()?,
    })
}

fn class(name: &str, classes: &BTreeMap<String, Class>) -> Result<NamedClass, (&'static str, PolicyProblem)> {
    match classes.get(name) {
        Some(class) => Ok(NamedClass { name: name.into(), class: *class }),
        None => {
            let nearest = nearest(name, classes.keys().map(String::as_str)).map(str::to_owned);
            Err(("class", PolicyProblem::UnknownClass { known: classes.keys().cloned().collect(), nearest }))
        }
    }
}

fn unknown_outcome(text: &str) -> PolicyProblem {
    let statuses = [Status::Success, Status::Failure, Status::Unknown].map(Status::as_str);
    let details = Detail::all().map(Detail::as_str);
    let nearest = nearest(text, statuses.into_iter().chain(details)).map(str::to_owned);
    PolicyProblem::UnknownOutcome {
        details: Detail::all().map(|detail| format!("`{}`", detail.as_str())).collect(),
        nearest,
    }
}

/// Records name rules.
fn unique_names(rules: &[CompiledRule]) -> Result<(), PolicyError> {
    let mut names = std::collections::HashSet::from([DEFAULT]);
    let taken = rules.iter().position(|rule| !names.insert(&rule.treatment.rule.name));
    let error = |at| PolicyError { rule: at + 1, key: Some("name"), problem: PolicyProblem::Twice };
    taken.map_or(Ok(()), |at| Err(error(at)))
}
