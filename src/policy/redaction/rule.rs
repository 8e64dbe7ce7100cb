//! A rule, as it is configured.

use super::action::Action;
use super::detector::Detector;

/// What is done to the values that something matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactionRule {
    pub(super) what: What,
    pub(super) action: Action,
    pub(super) class: Option<String>,
    pub(super) field: Option<String>,
    pub(super) tool: Option<String>,
}

/// What a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Path(String),
    Key(String),
    Pattern(String),
    Detector(Detector),
}

impl RedactionRule {
    /// For the value at that path: `$.customer.email`, `$.items[*].note`, `$..password`.
    pub fn path(path: impl Into<String>, action: Action) -> Self {
        Self::of(What::Path(path.into()), action)
    }

    /// For the members of that name at any depth, in upper or lower case: `password`, `secret*`, `*_token`.
    pub fn key(key: impl Into<String>, action: Action) -> Self {
        Self::of(What::Key(key.into()), action)
    }

    /// For what a regular expression matches in any text. Its classes are those of ASCII.
    pub fn pattern(pattern: impl Into<String>, action: Action) -> Self {
        Self::of(What::Pattern(pattern.into()), action)
    }

    /// For what a detector finds in any text.
    pub fn detector(detector: Detector, action: Action) -> Self {
        Self::of(What::Detector(detector), action)
    }

    /// Only in that field: `arguments` or `result`.
    #[must_use]
    pub fn only_in(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Only in calls of that tool: a name, or the beginning of one and `*`.
    #[must_use]
    pub fn only_of_tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// The class of hashes and pseudonyms: equal values of one class can be told to be equal. By default, the name of the detector,
    /// the key, or the path.
    #[must_use]
    pub fn class(mut self, class: impl Into<String>) -> Self {
        self.class = Some(class.into());
        self
    }

    fn of(what: What, action: Action) -> Self {
        Self { what, action, class: None, field: None, tool: None }
    }
}
