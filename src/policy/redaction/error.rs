//! Why a rule of redaction cannot be used.

use std::fmt;

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
    let nearest = names.iter().map(|name| (distance(text, name), *name)).min().filter(|(distance, _)| *distance <= 3);
    let guess = nearest.map(|(_, name)| format!("did you mean `{name}`? ")).unwrap_or_default();
    Err(RedactionError::new(what, None, format!("there is no such {what}; {guess}Write one of {}", names.join(", "))))
}

/// The number of characters to change between two words.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, character) in one.chars().take(MOST).enumerate() {
        let (mut before, mut left) = (line, line + 1);
        let next = row.iter().skip(1).zip(&other).map(|(above, wanted)| {
            let changed = before + usize::from(character != *wanted);
            before = *above;
            left = changed.min(above + 1).min(left + 1);
            left
        });
        row = std::iter::once(line + 1).chain(next.collect::<Vec<_>>()).collect();
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// Longer words are no misspelled names.
const MOST: usize = 32;
