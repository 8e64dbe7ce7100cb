//! What a policy says of a call.

use std::sync::Arc;

use super::level::{Halves, Level};
use super::sample::Sample;
use crate::policy::class::Class;

/// What is kept of a call, and how. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Treatment {
    /// How much of it.
    pub level: Level,
    /// Which of its records.
    pub halves: Halves,
    /// What its records are worth; `None` for the default class of the trail.
    pub class: Option<NamedClass>,
    /// It is kept only if this sample keeps its id. Set only for calls that read and may still succeed, or have.
    pub sample: Option<Sample>,
    /// The rule that decided.
    pub rule: RuleRef,
}

/// A class and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedClass {
    /// The name in the policy.
    pub name: Arc<str>,
    /// What it promises.
    pub class: Class,
}

/// The rule that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleRef {
    /// Its name; `rule-3` if the third rule has none, and `default` if none matched.
    pub name: Arc<str>,
    /// The line in the file where it begins, from 1, if it comes from a file.
    pub line: Option<usize>,
}

/// What is decided when a call begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// [`Policy::at_end`](super::policy::Policy::at_end) says so, too, whatever the outcome is.
    Decided(Treatment),
    /// The outcome decides. Until it is known, the request has to be kept so that it survives a crash.
    AfterOutcome {
        /// The most that any outcome asks for: the highest level, both halves if any outcome wants both, and a class that is
        /// at least as strict as each that a rule names; the trail adds its default class. With a `sample`, a call whose id the sample keeps is kept in any case.
        most: Treatment,
    },
}

impl Treatment {
    /// Whether the call with that id leaves records: see [`Sample::keeps`].
    #[must_use]
    pub fn keeps(&self, id: [u8; 16]) -> bool {
        self.level != Level::None && self.sample.is_none_or(|sample| sample.keeps(id))
    }
}

impl Begin {
    /// What is decided, or the most that may be.
    #[must_use]
    pub const fn most(&self) -> &Treatment {
        match self {
            Self::Decided(treatment) | Self::AfterOutcome { most: treatment } => treatment,
        }
    }
}

impl Treatment {
    /// The most of both: what is enough, whichever of them is decided. The rule is that of the higher level.
    pub(super) fn at_least(self, other: &Self) -> Self {
        let rule = if other.level > self.level { other.rule.clone() } else { self.rule };
        Self {
            level: self.level.max(other.level),
            halves: self.halves.max(other.halves),
            class: stricter(self.class, other.class.as_ref()),
            sample: None,
            rule,
        }
    }
}

/// A class that promises what both do. Rules of one call that differ in class are rare, so it may have a name of its own.
fn stricter(one: Option<NamedClass>, other: Option<&NamedClass>) -> Option<NamedClass> {
    match (one, other) {
        (Some(one), Some(other)) if one.class != other.class => {
            let class = one.class.at_least(other.class);
            let name = match class {
                class if class == one.class => one.name,
                class if class == other.class => Arc::clone(&other.name),
                _ => format!("{}+{}", one.name, other.name).into(),
            };
            Some(NamedClass { name, class })
        }
        (Some(one), _) => Some(one),
        (None, other) => other.cloned(),
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

/// The id of a policy that was given none, and the name of the rule where none matched.
pub(super) const DEFAULT: &str = "default";
