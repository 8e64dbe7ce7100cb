//! Why a policy decides what it decides.

use std::fmt;

use super::facts::CallFacts;
use super::keys::{FLAGS, NAMES};
use super::level::{Halves, Level};
use super::policy::{CompiledRule, Policy};
use super::treatment::{Begin, DEFAULT, RuleRef, Treatment};
use crate::record::Outcome;

/// What a policy says of a call, and why. It is written from the rules one by one, without the tables that decide about calls.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// What is decided when the call begins.
    pub begin: Begin,
    /// What is kept in the end; without an outcome, the most that may be.
    pub treatment: Treatment,
    /// The earlier rules, in order, and why they do not decide.
    pub earlier: Vec<Unmatched>,
    /// What else decides.
    pub notes: Vec<Note>,
}

/// A rule that does not decide.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unmatched {
    /// The rule.
    pub rule: RuleRef,
    /// The keys that do not match.
    pub keys: Vec<Mismatch>,
}

/// A key that does not match.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mismatch {
    /// Its name.
    pub key: &'static str,
    /// What the rule wants.
    pub wanted: String,
    /// What the call has; `None` if it has nothing there, or if that is not known yet.
    pub found: Option<String>,
}

/// What else decides about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The outcome is not known, and rules ask for it.
    OutcomeDecides,
    /// The rule has a sample, and the call is not in question for it.
    NotSampled,
    /// The rule says `none` and names nothing, and the call is one that only a rule that names it leaves out.
    KeptAnyway,
    /// Hints of the tool are unknown, and count as the worst.
    HintsUnknown,
}

impl Policy {
    /// Why the policy decides what it decides; without an outcome, what is decided when the call begins.
    #[must_use]
    pub fn explain(&self, facts: &CallFacts<'_>, outcome: Option<&Outcome>) -> Explanation {
        let matched = facts.as_matched();
        let mut earlier = Vec::new();
        let mut decides = None;
        for rule in &self.compiled.rules {
            let keys = mismatches(rule, &matched, outcome);
            if keys.is_empty() {
                decides = Some(rule);
                break;
            }
            earlier.push(Unmatched { rule: rule.treatment.rule.clone(), keys });
        }
        let begin = self.at_begin(facts);
        let treatment = match (outcome, &begin) {
            (Some(outcome), _) => self.at_end(facts, outcome),
            (None, begin) => begin.most().clone(),
        };
        let mut notes = Vec::new();
        if outcome.is_none() && matches!(begin, Begin::AfterOutcome { .. }) {
            notes.push(Note::OutcomeDecides);
        }
        if outcome.is_some() || matches!(begin, Begin::Decided(_)) {
            notes.extend(decides.and_then(|rule| kept_anyway(rule, &treatment)));
        }
        let asks = |rule: &CompiledRule| rule.keys.are_of_tools();
        let hints = [facts.read_only, facts.destructive, facts.idempotent, facts.open_world];
        if matched.read_only.is_some() && hints.contains(&None) && self.compiled.rules.iter().any(asks) {
            notes.push(Note::HintsUnknown);
        }
        Explanation { begin, treatment, earlier, notes }
    }
}

impl Note {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OutcomeDecides => {
                "the outcome decides: until it is known, the request is kept where it survives a crash, and this is the most that may be kept"
            }
            Self::NotSampled => "the rule has a sample, which leaves out only successful reads: this call is kept",
            Self::KeptAnyway => {
                "the rule says `none` and names no calls, so it leaves out only successful reads: this call is kept"
            }
            Self::HintsUnknown => {
                "hints that the tool does not give count as the worst: not read-only, destructive, not idempotent, open world"
            }
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Treatment { level, halves, class, sample, rule } = &self.treatment;
        writeln!(f, "{} decides", named(rule))?;
        writeln!(f, "  level   {}", level.as_str())?;
        if *level != Level::None {
            let halves = match halves {
                Halves::Both => "both: the request and the response have records",
                Halves::Response => "response: only the response has a record",
            };
            writeln!(f, "  halves  {halves}")?;
        }
        writeln!(f, "  class   {}", class.as_ref().map_or("the default of the trail", |class| &class.name))?;
        if let Some(sample) = sample {
            writeln!(f, "  sample  {sample} of the successful calls")?;
        }
        for note in &self.notes {
            writeln!(f, "  note    {}", note.as_str())?;
        }
        if !self.earlier.is_empty() {
            writeln!(f, "not decided by")?;
        }
        for Unmatched { rule, keys } in &self.earlier {
            let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
            writeln!(f, "  {}: {}", named(rule), keys.join("; "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.found {
            Some(found) => write!(f, "{} is {found}, not {}", self.key, self.wanted),
            None => write!(f, "{} is not known, and would have to be {}", self.key, self.wanted),
        }
    }
}

/// The keys of a rule that a call does not have.
fn mismatches(rule: &CompiledRule, facts: &CallFacts<'_>, outcome: Option<&Outcome>) -> Vec<Mismatch> {
    let keys = &rule.keys;
    let names = NAMES.iter().filter_map(|key| {
        let wanted = (key.wanted)(keys)?;
        let found = (key.fact)(facts);
        let fits = found.is_some_and(|name| wanted.fits(name));
        (!fits).then(|| Mismatch { key: key.name, wanted: wanted.text(), found: found.map(str::to_owned) })
    });
    let flags = FLAGS.iter().filter_map(|key| {
        let wanted = (key.wanted)(keys)?;
        let found = (key.fact)(facts);
        let [no, yes] = key.values;
        let text = |value| if value { yes } else { no }.to_owned();
        (found != Some(wanted)).then(|| Mismatch { key: key.name, wanted: text(wanted), found: found.map(text) })
    });
    let ended = keys.outcome.filter(|key| !outcome.is_some_and(|outcome| key.fits(outcome)));
    let ended = ended.map(|key| {
        let found = outcome.map(|outcome| outcome.detail.map_or(outcome.status.as_str(), |detail| detail.as_str()));
        Mismatch { key: "outcome", wanted: key.as_str().into(), found: found.map(str::to_owned) }
    });
    names.chain(flags).chain(ended).collect()
}

/// Why more is kept than the rule says.
fn kept_anyway(rule: &CompiledRule, treatment: &Treatment) -> Option<Note> {
    if rule.treatment.rule != treatment.rule {
        None
    } else if rule.treatment.level < treatment.level {
        Some(Note::KeptAnyway)
    } else if rule.treatment.sample.is_some() && treatment.sample.is_none() {
        Some(Note::NotSampled)
    } else {
        None
    }
}

fn named(rule: &RuleRef) -> String {
    match rule.line {
        Some(line) => format!("rule {} (line {line})", rule.name),
        None if *rule.name == *DEFAULT => "no rule matches: the default".into(),
        None => format!("rule {}", rule.name),
    }
}
