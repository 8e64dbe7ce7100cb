//! One rule, as it is written.

use super::level::{Halves, Level};
use super::sample::Sample;
use crate::record::Direction;

/// A rule: what a call must have, and what is kept of it. A key that is not set matches anything.
///
/// Patterns of names are exact, or a beginning and a `*`.
///
/// ```
/// use auditrail::policy::{Level, Rule};
///
/// let deletes = Rule::named("deletes").tool("delete_*").level(Level::Arguments).class("critical");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a rule counts once it is in a policy"]
pub struct Rule {
    pub(in crate::policy) name: Option<String>,
    pub(in crate::policy) line: Option<usize>,
    pub(in crate::policy) method: Option<String>,
    pub(in crate::policy) tool: Option<String>,
    pub(in crate::policy) read_only: Option<bool>,
    pub(in crate::policy) destructive: Option<bool>,
    pub(in crate::policy) idempotent: Option<bool>,
    pub(in crate::policy) open_world: Option<bool>,
    pub(in crate::policy) prompt: Option<String>,
    pub(in crate::policy) resource: Option<String>,
    pub(in crate::policy) actor: Option<String>,
    pub(in crate::policy) tenant: Option<String>,
    pub(in crate::policy) direction: Option<Direction>,
    pub(in crate::policy) outcome: Option<String>,
    pub(in crate::policy) level: Level,
    pub(in crate::policy) halves: Halves,
    pub(in crate::policy) class: Option<String>,
    pub(in crate::policy) sample: Option<Sample>,
}

impl Rule {
    /// A rule with that name, which explanations and records show.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::default() }
    }

    /// Matches calls of that method.
    pub fn method(self, pattern: impl Into<String>) -> Self {
        Self { method: Some(pattern.into()), ..self }
    }

    /// Matches calls of that tool.
    pub fn tool(self, pattern: impl Into<String>) -> Self {
        Self { tool: Some(pattern.into()), ..self }
    }

    /// Matches calls of tools that are read-only, or are not. A tool without `readOnlyHint` is not.
    pub fn read_only(self, is: bool) -> Self {
        Self { read_only: Some(is), ..self }
    }

    /// Matches calls of tools that are destructive, or are not. A tool without `destructiveHint` is, unless it is read-only.
    pub fn destructive(self, is: bool) -> Self {
        Self { destructive: Some(is), ..self }
    }

    /// Matches calls of tools that are idempotent, or are not. A tool without `idempotentHint` is not.
    pub fn idempotent(self, is: bool) -> Self {
        Self { idempotent: Some(is), ..self }
    }

    /// Matches calls of tools that reach an open world, or do not. A tool without `openWorldHint` does.
    pub fn open_world(self, is: bool) -> Self {
        Self { open_world: Some(is), ..self }
    }

    /// Matches requests for that prompt.
    pub fn prompt(self, pattern: impl Into<String>) -> Self {
        Self { prompt: Some(pattern.into()), ..self }
    }

    /// Matches calls with that URI of a resource.
    pub fn resource(self, pattern: impl Into<String>) -> Self {
        Self { resource: Some(pattern.into()), ..self }
    }

    /// Matches calls of that actor.
    pub fn actor(self, pattern: impl Into<String>) -> Self {
        Self { actor: Some(pattern.into()), ..self }
    }

    /// Matches calls for that tenant.
    pub fn tenant(self, pattern: impl Into<String>) -> Self {
        Self { tenant: Some(pattern.into()), ..self }
    }

    /// Matches what that side asks.
    pub fn direction(self, direction: Direction) -> Self {
        Self { direction: Some(direction), ..self }
    }

    /// Matches calls that end so: `success`, `failure` or `unknown`, or a detail such as `denied`
    /// ([`Detail`](crate::record::Detail)).
    pub fn outcome(self, outcome: impl Into<String>) -> Self {
        Self { outcome: Some(outcome.into()), ..self }
    }

    /// How much is kept. Default: [`Level::Metadata`].
    pub fn level(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// Which records are kept. Default: [`Halves::Both`].
    pub fn halves(self, halves: Halves) -> Self {
        Self { halves, ..self }
    }

    /// The name of the class of its calls. Default: the default class of the trail.
    pub fn class(self, name: impl Into<String>) -> Self {
        Self { class: Some(name.into()), ..self }
    }

    /// Keeps one of so many successful reads. All other calls are kept.
    pub fn sample(self, sample: Sample) -> Self {
        Self { sample: Some(sample), ..self }
    }

    /// The line in the file where it begins.
    pub fn at_line(self, line: usize) -> Self {
        Self { line: Some(line), ..self }
    }
}
