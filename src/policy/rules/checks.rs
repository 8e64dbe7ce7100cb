//! Rules that say something that cannot be meant.

use super::error::{PolicyError, PolicyProblem};
use super::facts::{CallFacts, PROMPTS_GET, TOOLS_CALL, reads};
use super::keys::{Keys, NAMES, OutcomeKey};
use super::level::Level;
use super::pattern::Pattern;
use super::policy::{Compiled, CompiledRule};
use crate::record::{Outcome, Status};

/// What is wrong with a rule by itself, and its key.
pub(super) fn alone(rule: &CompiledRule) -> Result<(), (Option<&'static str>, PolicyProblem)> {
    let keys = &rule.keys;
    let treatment = &rule.treatment;
    contradiction(keys).map_err(|problem| (None, problem))?;
    if keys.resource.as_ref().is_some_and(|pattern| pattern.name().contains(['?', '#'])) {
        return Err((Some("resource"), PolicyProblem::NotOnRecords));
    }
    if treatment.sample.is_some()
        && let Some(why) = never_left_out(keys, treatment.level)
    {
        return Err((Some("sample"), PolicyProblem::Sample { why }));
    }
    let suppresses_failures = keys.outcome.is_some_and(|outcome| !outcome.is_success());
    if treatment.level == Level::None && keys.name_nothing() && suppresses_failures {
        return Err((Some("level"), PolicyProblem::SuppressesNothing));
    }
    let is_late = treatment.class.as_ref().is_some_and(|class| class.class.requires_verified_actor);
    if is_late && keys.outcome.is_some() {
        return Err((Some("class"), PolicyProblem::ClassTooLate));
    }
    Ok(())
}

/// The first rule that can never match, because earlier ones match everything that it does.
///
/// A rule is tried with the calls that earlier rules are least likely to match: a name that it leaves open is one that no rule
/// has, or is missing; and what has few values has each of them. If earlier rules decide about all of these, then they decide
/// about everything that the rule matches: a pattern of an earlier rule that matches the name that nobody has written
/// matches every name that the later pattern does.
pub(super) fn all(compiled: &Compiled) -> Result<(), PolicyError> {
    for (number, rule) in compiled.rules.iter().enumerate() {
        let mut by = Vec::new();
        let names = Names::of(rule, &compiled.rules);
        let is_reached = names.tried(&rule.keys).any(|(facts, outcome)| {
            let Some(decides) = compiled.deciding(&facts.as_matched(), &outcome) else { return false };
            let decides = &decides.treatment.rule;
            if *decides == rule.treatment.rule {
                return true;
            }
            if !by.contains(&decides) {
                by.push(decides);
            }
            false
        });
        if !is_reached {
            let rules = compiled.rules.iter().map(|rule| &rule.treatment.rule).filter(|rule| by.contains(rule));
            let by = rules.map(|rule| (rule.name.to_string(), rule.line)).collect();
            return Err(PolicyError { rule: number + 1, key: None, problem: PolicyProblem::Shadowed { by } });
        }
    }
    Ok(())
}

/// Names that a rule matches, and as few others as possible.
struct Names([Option<String>; NAMES.len()]);

impl Names {
    fn of(rule: &CompiledRule, rules: &[CompiledRule]) -> Self {
        let keys = &rule.keys;
        Self(NAMES.map(|key| match (key.wanted)(keys) {
            None if key.name == METHOD && keys.are_of_tools() => Some(TOOLS_CALL.into()),
            None if key.name == METHOD && keys.prompt.is_some() => Some(PROMPTS_GET.into()),
            Some(_) if key.name == METHOD && keys.are_of_tools() => Some(TOOLS_CALL.into()),
            Some(_) if key.name == METHOD && keys.prompt.is_some() => Some(PROMPTS_GET.into()),
            None => None,
            Some(Pattern::Exact(name)) => Some(name.clone()),
            Some(Pattern::Prefix(beginning)) => {
                Some(unwritten(beginning, rules.iter().filter_map(|rule| (key.wanted)(&rule.keys))))
            }
        }))
    }

    /// Calls that the rule matches.
    fn tried(&self, keys: &Keys) -> impl Iterator<Item = (CallFacts<'_>, Outcome)> {
        let Self([method, tool, prompt, resource, actor, tenant]) = self;
        let named = CallFacts {
            method: method.as_deref(),
            tool: tool.as_deref(),
            prompt: prompt.as_deref(),
            resource: resource.as_deref(),
            actor: actor.as_deref(),
            tenant: tenant.as_deref(),
            direction: keys.direction,
            ..CallFacts::default()
        };
        let hints = [keys.read_only, keys.destructive, keys.idempotent, keys.open_world];
        let outcomes = match keys.outcome {
            Some(OutcomeKey::Status(status)) => vec![Outcome::status(status)],
            Some(OutcomeKey::Detail(detail)) => vec![Outcome::of(detail)],
            None => [Status::Success, Status::Failure, Status::Unknown].map(Outcome::status).to_vec(),
        };
        let all = (0..1_u8 << hints.len()).map(|bits| [0, 1, 2, 3].map(|hint| bits & (1 << hint) != 0));
        all.filter(move |values| hints.iter().zip(values).all(|(hint, value)| hint.is_none_or(|hint| hint == *value)))
            .flat_map(move |[read_only, destructive, idempotent, open_world]| {
                let facts = CallFacts {
                    read_only: Some(read_only),
                    destructive: Some(destructive),
                    idempotent: Some(idempotent),
                    open_world: Some(open_world),
                    ..named
                };
                outcomes.clone().into_iter().map(move |outcome| (facts, outcome))
            })
    }
}

/// A name that begins so and that no other pattern matches, unless it matches all that begin so.
fn unwritten<'a>(beginning: &str, patterns: impl Iterator<Item = &'a Pattern>) -> String {
    let next: Vec<char> =
        patterns.filter_map(|pattern| pattern.name().strip_prefix(beginning)?.chars().next()).collect();
    // There are fewer rules than characters.
    let free = ('a'..=char::MAX).find(|character| !next.contains(character)).unwrap_or_default();
    format!("{beginning}{free}")
}

/// Calls of tools have one method, and those for prompts another.
fn contradiction(keys: &Keys) -> Result<(), PolicyProblem> {
    let of_tools = [
        ("tool", keys.tool.is_some()),
        ("read_only", keys.read_only.is_some()),
        ("destructive", keys.destructive.is_some()),
        ("idempotent", keys.idempotent.is_some()),
        ("open_world", keys.open_world.is_some()),
    ];
    let tool = of_tools.into_iter().find(|(_, is_there)| *is_there).map(|(one, _)| (one, TOOLS_CALL));
    let prompt = keys.prompt.is_some().then_some(("prompt", PROMPTS_GET));
    if let (Some((one, method)), Some((other, _))) = (tool, prompt) {
        return Err(PolicyProblem::Contradiction { one, method, other });
    }
    match (tool.or(prompt), &keys.method) {
        (Some((one, method)), Some(pattern)) if !pattern.fits(method) => {
            Err(PolicyProblem::Contradiction { one, method, other: METHOD })
        }
        _ => Ok(()),
    }
}

/// Why no call that a rule matches can be left out by a sample.
fn never_left_out(keys: &Keys, level: Level) -> Option<&'static str> {
    let reads_something = match &keys.method {
        Some(Pattern::Exact(method)) if method != TOOLS_CALL => reads(method),
        _ => true,
    };
    if level == Level::None {
        Some("`level = \"none\"` keeps none of them")
    } else if keys.outcome.is_some_and(|outcome| !outcome.is_success()) {
        Some("`outcome` asks for others")
    } else if keys.read_only == Some(false) {
        Some("`read_only = false` asks for others")
    } else if !reads_something {
        Some("its method does not only read")
    } else {
        None
    }
}

const METHOD: &str = "method";
