//! Why a rule of redaction cannot be used.

use std::fmt;

use crate::policy::nearest::nearest;

/// Why a rule of redaction cannot be used. It names what is wrong, where in the text, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactionError {
    /// The key of the table that is wrong: `path`, `key`, `pattern`, `detector`, `action`, `in`, `tool`,
    /// `class`.
    pub what: &'static str,
    /// Where in its text, in bytes from 0, if the text is wrong in one place.
    pub at: Option<usize>,
    /// The problem, and what to write.
    pub problem: String,
    /// The rule, counted from 0, if it is one of several.
    pub rule: Option<usize>,
}

impl RedactionError {
    pub(super) fn new(what: &'static str, at: Option<usize>, problem: impl Into<String>) -> Self {
        Self { what, at, problem: problem.into(), rule: None }
    }

    /// A table that matches by nothing, or by several things.
    #[cfg(feature = "policy-file")]
    pub(crate) fn ambiguous() -> Self {
        Self::new("redact", None, "write one of `path`, `key`, `pattern` and `detector`")
    }

    pub(super) fn of_rule(self, number: usize) -> Self {
        Self { rule: Some(number), ..self }
    }
}

impl fmt::Display for RedactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(rule) = self.rule {
            write!(f, "rule {} of redaction: ", rule + 1)?;
        }
        write!(f, "`{}`", self.what)?;
        if let Some(at) = self.at {
            write!(f, " at character {}", at + 1)?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for RedactionError {}

/// The item of that name, or an error that suggests the nearest.
pub(super) fn one_of<T: Copy>(
    what: &'static str,
    text: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, RedactionError> {
    if let Some(item) = all.iter().find(|item| name(**item) == text) {
        return Ok(*item);
    }
    let names: Vec<_> = all.iter().map(|item| name(*item)).collect();
    let advice =
        nearest(text, names.iter().copied()).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    Err(RedactionError::new(what, None, format!("unknown value, expected one of `{}`{advice}", names.join("`, `"))))
}
