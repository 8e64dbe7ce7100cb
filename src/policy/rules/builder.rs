//! Builds policies.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::{PolicyError, PolicyProblem};
use super::matching::{CompiledRule, Keys, OutcomeKey};
use super::pattern::Pattern;
use super::policy::{Compiled, Policy};
use super::rule::Rule;
use super::treatment::{NamedClass, RuleRef, Treatment};
use crate::policy::class::Class;

/// Collects the rules and classes of a policy.
#[derive(Debug, Clone, Default)]
#[must_use = "a builder does nothing until it builds"]
pub struct PolicyBuilder {
    id: Option<String>,
    classes: BTreeMap<String, Class>,
    rules: Vec<Rule>,
}

impl Policy {
    /// Creates a policy without rules: everything is kept at the level `metadata`.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
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
        let rules = self.rules.iter().enumerate().map(|(at, rule)| compiled(at + 1, rule, &self.classes));
        let rules = rules.collect::<Result<Vec<_>, _>>()?;
        let id = self.id.unwrap_or_else(|| super::policy::DEFAULT.into());
        let compiled = Compiled { id, digest: String::new(), rules, default: Treatment::default() };
        Ok(Policy { compiled: Arc::new(compiled) })
    }
}

fn compiled(number: usize, rule: &Rule, classes: &BTreeMap<String, Class>) -> Result<CompiledRule, PolicyError> {
    let error = |key, problem| PolicyError { rule: number, key: Some(key), problem };
    let pattern = |key, text: &Option<String>| {
        text.as_deref().map(|text| Pattern::parse(text).ok_or_else(|| error(key, PolicyProblem::Pattern))).transpose()
    };
    let outcome = rule.outcome.as_deref().map(|text| {
        let status = text.parse().map(OutcomeKey::Status);
        let key = status.or_else(|_| text.parse().map(OutcomeKey::Detail));
        key.map_err(|_| error("outcome", PolicyProblem::UnknownOutcome))
    });
    let keys = Keys {
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
        outcome: outcome.transpose()?,
    };
    let class = rule.class.as_ref().map(|name| match classes.get(name) {
        Some(class) => Ok(NamedClass { name: name.as_str().into(), class: *class }),
        None => Err(error("class", PolicyProblem::UnknownClass)),
    });
    let name = rule.name.clone().unwrap_or_else(|| format!("rule-{number}"));
    let treatment = Treatment {
        level: rule.level,
        halves: rule.halves,
        class: class.transpose()?,
        sample: rule.sample,
        rule: RuleRef { name: name.into(), line: rule.line },
    };
    Ok(CompiledRule { keys, treatment })
}
