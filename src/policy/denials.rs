//! Which errors of a server are denials.
//!
//! MCP has no error code for *denied*: a server says it in the text of a tool's error or in a JSON-RPC error with a code
//! of its own choice, and servers choose the same codes for different things ([ADR 038](../../docs/adr/038-decisions.md)).
//! So the operator says how each server says it.
//!
//! Invariants:
//! 1. The text of an error is compared and dropped: a match yields the name of a rule, and nothing of the text.
//! 2. A comparison takes time in proportion to the length of the text, whatever the pattern: patterns are pieces that
//!    follow each other, and each piece is searched for once.

#![cfg_attr(not(any(feature = "layer", feature = "mcp")), allow(dead_code, reason = "no route sees errors"))]

#[cfg(test)]
mod tests;

use std::borrow::Cow;

/// Rules that recognize denials among failures; the first that matches counts.
///
/// ```
/// use auditrail::policy::{DenialRule, DenialRules};
///
/// # fn rules() -> Result<DenialRules, auditrail::policy::DenialRuleError> {
/// let rules = DenialRules::default()
///     .rule(DenialRule::named("github").text("403 Resource not accessible by"))?
///     .rule(DenialRule::named("gateway").code(-32003).text("permission denied").tool("delete_*"))?;
/// # Ok(rules)
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DenialRules {
    rules: Vec<DenialRule>,
}

/// One rule. It matches a failure that fits everything that was set; a code or a text must be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a rule counts once it is in DenialRules"]
pub struct DenialRule {
    name: String,
    code: Option<i64>,
    text: Option<TextPattern>,
    tool: Option<String>,
    method: Option<String>,
    reason: Option<String>,
}

/// A rule that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the denial rule {rule:?} cannot be used: {problem}")]
#[non_exhaustive]
pub struct DenialRuleError {
    /// Its name.
    pub rule: String,
    /// Why.
    pub problem: DenialRuleProblem,
}

/// Why a rule cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DenialRuleProblem {
    /// Its name is empty or too long.
    #[error("a rule needs a name of 1 to {MAX_NAME} characters, which is on the records")]
    Name,
    /// It would match every failure.
    #[error("it has neither a code nor a text, so it would take every failure for a denial: set one of them")]
    Unconditional,
    /// Its text matches almost everything, or is too long.
    #[error(
        "its text needs a part of at least {MIN_PIECE} characters between its stars, and at most {MAX_TEXT} bytes in all: \
         write words of the error, such as \"permission denied\""
    )]
    Text,
    /// A star that is not at the end of a name would look like one that works.
    #[error("the pattern of its tool or method has a * that is not at its end: write the beginning of a name and *")]
    Pattern,
    /// There are too many rules.
    #[error("there are more than {MAX_RULES} rules, and each failure is compared with all of them: use fewer")]
    TooMany,
    /// Another rule has its name.
    #[error("another rule has that name: give each its own, because records name the rule")]
    Twice,
}

/// Pieces of lower-case text that must follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TextPattern {
    pieces: Vec<String>,
    length: usize,
}

impl DenialRules {
    /// Adds a rule after the others.
    ///
    /// # Errors
    /// If it matches everything or cannot match anything.
    pub fn rule(mut self, rule: DenialRule) -> Result<Self, DenialRuleError> {
        let problem = match rule.problem() {
            None if self.rules.len() >= MAX_RULES => Some(DenialRuleProblem::TooMany),
            None if self.rules.iter().any(|other| other.name == rule.name) => Some(DenialRuleProblem::Twice),
            problem => problem,
        };
        if let Some(problem) = problem {
            return Err(DenialRuleError { rule: rule.name, problem });
        }
        self.rules.push(rule);
        Ok(self)
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that matches.
    pub(crate) fn matching(
        &self,
        method: Option<&str>,
        name: Option<&str>,
        code: Option<i64>,
        text: &str,
    ) -> Option<&DenialRule> {
        // Unicode's lower case can be longer than the text, by a third at most.
        let lower = self.rules.iter().any(|rule| rule.text.is_some()).then(|| text.to_lowercase());
        let lower = lower.as_deref().unwrap_or_default();
        self.rules.iter().find(|rule| rule.matches(method, name, code, lower))
    }
}

impl DenialRule {
    /// A rule with that name, which is `security_rule.name` of the calls that it matches.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), code: None, text: None, tool: None, method: None, reason: None }
    }

    /// Matches JSON-RPC errors with that code.
    pub fn code(mut self, code: i64) -> Self {
        self.code = Some(code);
        self
    }

    /// Matches failures whose text contains that text, in upper or lower case; a `*` stands for any text, also none. It
    /// is the message of a JSON-RPC error, or the text of a tool's result with `isError`; of either, the first 16 KiB.
    pub fn text(mut self, text: &str) -> Self {
        self.text = Some(TextPattern::new(text));
        self
    }

    /// Matches calls of that tool or prompt; a `*` at the end stands for any rest.
    pub fn tool(mut self, tool: impl Into<String>) -> Self {
        self.tool = Some(tool.into());
        self
    }

    /// Matches requests of that method; a `*` at the end stands for any rest.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// `auditrail.decision.reason` of the calls that it matches: a sentence of the operator.
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Its name, for records.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Why, for records.
    pub(crate) fn why(&self) -> Option<Cow<'static, str>> {
        self.reason.clone().map(Cow::Owned)
    }

    fn problem(&self) -> Option<DenialRuleProblem> {
        let has_lost_star = |pattern: &String| pattern.strip_suffix('*').unwrap_or(pattern).contains('*');
        match &self.text {
            _ if !(1..=MAX_NAME).contains(&self.name.chars().count()) => Some(DenialRuleProblem::Name),
            None if self.code.is_none() => Some(DenialRuleProblem::Unconditional),
            Some(text) if !text.is_specific() => Some(DenialRuleProblem::Text),
            _ if [&self.tool, &self.method].into_iter().flatten().any(has_lost_star) => {
                Some(DenialRuleProblem::Pattern)
            }
            _ => None,
        }
    }

    fn matches(&self, method: Option<&str>, name: Option<&str>, code: Option<i64>, lower: &str) -> bool {
        let is_named = |pattern: &Option<String>, name: Option<&str>| match pattern {
            Some(pattern) => name.is_some_and(|name| fits(pattern, name)),
            None => true,
        };
        self.code.is_none_or(|wanted| code == Some(wanted))
            && is_named(&self.method, method)
            && is_named(&self.tool, name)
            && self.text.as_ref().is_none_or(|pattern| pattern.is_in(lower))
    }
}

impl TextPattern {
    fn new(text: &str) -> Self {
        let pieces = text.to_lowercase().split('*').filter(|piece| !piece.is_empty()).map(str::to_owned).collect();
        Self { pieces, length: text.len() }
    }

    fn is_specific(&self) -> bool {
        let is_long = |piece: &String| piece.trim().chars().count() >= MIN_PIECE;
        self.length <= MAX_TEXT && self.pieces.iter().any(is_long)
    }

    /// The earliest place of each piece leaves the most room for the next ones, so none has to be searched for twice.
    /// `str::find` takes linear time (the two-way algorithm).
    fn is_in(&self, lower: &str) -> bool {
        let mut rest = Some(lower);
        for piece in &self.pieces {
            rest = rest.and_then(|rest| rest.get(rest.find(piece.as_str())? + piece.len()..));
        }
        rest.is_some()
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |beginning| name.starts_with(beginning))
}

/// What records show of a name; one that is longer would be cut.
const MAX_NAME: usize = 128;
/// Far more words than tell one error from others.
const MAX_TEXT: usize = 1024;
/// Shorter texts, such as `no`, are in many errors.
const MIN_PIECE: usize = 3;
/// One for each kind of denial of dozens of servers.
const MAX_RULES: usize = 256;
