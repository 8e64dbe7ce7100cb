//! `[[redact]]`.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::mistake::{Mistake, Source};
use crate::policy::redaction::{RedactionError, RedactionRule, Redactor};

/// `[[redact]]`: as [`RedactionRule`]. One of `path`, `key`, `pattern` and `detector` says what it matches.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RedactSettings {
    /// The value at a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Spanned<String>>,
    /// Members of a name, or of a beginning or end of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Spanned<String>>,
    /// What a regular expression matches in text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Spanned<String>>,
    /// What a detector finds in text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<Spanned<String>>,
    /// What is done to it.
    pub action: Spanned<String>,
    /// Only in that field.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub field: Option<Spanned<String>>,
    /// Only in calls of that tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<Spanned<String>>,
    /// The class of hashes and pseudonyms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Spanned<String>>,
}

/// The redactor that those tables are.
pub(super) fn redactor(tables: &[Spanned<RedactSettings>], source: &Source<'_>) -> Result<Redactor, Mistake> {
    let mut builder = Redactor::builder();
    for table in tables {
        let mistake = |error: RedactionError| table.get_ref().mistake(table.span(), &error, source);
        builder = builder.rule(table.get_ref().rule().map_err(mistake)?);
    }
    builder.build().map_err(|error| {
        let table = error.rule.and_then(|rule| tables.get(rule));
        table.map_or_else(
            || source.mistake(None, &error.problem),
            |table| table.get_ref().mistake(table.span(), &error, source),
        )
    })
}

impl RedactSettings {
    fn rule(&self) -> Result<RedactionRule, RedactionError> {
        let action = self.action.get_ref().parse()?;
        let rules = [
            self.path.as_ref().map(|path| Ok(RedactionRule::path(path.get_ref(), action))),
            self.key.as_ref().map(|key| Ok(RedactionRule::key(key.get_ref(), action))),
            self.pattern.as_ref().map(|pattern| Ok(RedactionRule::pattern(pattern.get_ref(), action))),
            self.detector.as_ref().map(|name| Ok(RedactionRule::detector(name.get_ref().parse()?, action))),
        ];
        let mut rules = rules.into_iter().flatten();
        let (Some(rule), None) = (rules.next(), rules.next()) else { return Err(RedactionError::ambiguous()) };
        let mut rule = rule?;
        if let Some(field) = &self.field {
            rule = rule.only_in(field.get_ref());
        }
        if let Some(tool) = &self.tool {
            rule = rule.only_of_tool(tool.get_ref());
        }
        if let Some(class) = &self.class {
            rule = rule.class(class.get_ref());
        }
        Ok(rule)
    }

    /// The error at the character that is wrong, or at the value, or at the table.
    fn mistake(&self, table: Range<usize>, error: &RedactionError, source: &Source<'_>) -> Mistake {
        let value = match error.what {
            "action" => Some(&self.action),
            "path" => self.path.as_ref(),
            "key" => self.key.as_ref(),
            "pattern" => self.pattern.as_ref(),
            "detector" => self.detector.as_ref(),
            "in" => self.field.as_ref(),
            "tool" => self.tool.as_ref(),
            "class" => self.class.as_ref(),
            _ => None,
        };
        let place = value.map(Spanned::span).map(|span| match error.at {
            // Behind the quote.
            Some(at) => span.start + 1 + at..span.end,
            None => span,
        });
        source.mistake(Some(place.unwrap_or(table)), &error.problem)
    }
}
