//! `[[rule]]`.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::names::{DirectionName, HalvesName, LevelName, SampleText};
use crate::policy::rules::Rule;

/// `[[rule]]`: as [`Rule`].
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// Its name, for records and explanations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Spanned<String>>,
    /// The calls that it matches.
    #[serde(rename = "match")]
    pub matches: MatchSettings,
    /// How much of them is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Spanned<LevelName>>,
    /// Which of their records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halves: Option<HalvesName>,
    /// The name of their class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Spanned<String>>,
    /// How many of the successful reads among them are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Spanned<SampleText>>,
}

/// What a call must have; a key that is missing matches anything. Names are exact, or a beginning and `*`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MatchSettings {
    /// The MCP method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Spanned<String>>,
    /// The tool. Then only `tools/call` matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<Spanned<String>>,
    /// `readOnlyHint` of the tool; unknown is `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// `destructiveHint` of the tool; unknown is `true`, unless it is read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destructive: Option<bool>,
    /// `idempotentHint` of the tool; unknown is `false`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotent: Option<bool>,
    /// `openWorldHint` of the tool; unknown is `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_world: Option<bool>,
    /// The prompt. Then only `prompts/get` matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Spanned<String>>,
    /// The URI of the resource, as records have it: without user, query and fragment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<Spanned<String>>,
    /// `audit.actor.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Spanned<String>>,
    /// `auditrail.tenant.id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Spanned<String>>,
    /// Which side asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<DirectionName>,
    /// `audit.outcome` or `auditrail.outcome.detail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Spanned<String>>,
}

impl RuleSettings {
    /// The rule that begins in that line.
    pub(super) fn rule(&self, line: usize) -> Rule {
        let text = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.get_ref().clone());
        let matches = &self.matches;
        Rule {
            name: text(&self.name),
            line: Some(line),
            method: text(&matches.method),
            tool: text(&matches.tool),
            read_only: matches.read_only,
            destructive: matches.destructive,
            idempotent: matches.idempotent,
            open_world: matches.open_world,
            prompt: text(&matches.prompt),
            resource: text(&matches.resource),
            actor: text(&matches.actor),
            tenant: text(&matches.tenant),
            direction: matches.direction.map(Into::into),
            outcome: text(&matches.outcome),
            level: self.level.as_ref().map(|level| (*level.get_ref()).into()).unwrap_or_default(),
            halves: self.halves.map(Into::into).unwrap_or_default(),
            class: text(&self.class),
            sample: self.sample.as_ref().map(|sample| sample.get_ref().0),
        }
    }

    /// Where the value of a key stands.
    pub(super) fn place(&self, key: &str) -> Option<Range<usize>> {
        let matches = &self.matches;
        let text = match key {
            "name" => &self.name,
            "class" => &self.class,
            "level" => return self.level.as_ref().map(Spanned::span),
            "sample" => return self.sample.as_ref().map(Spanned::span),
            "method" => &matches.method,
            "tool" => &matches.tool,
            "prompt" => &matches.prompt,
            "resource" => &matches.resource,
            "actor" => &matches.actor,
            "tenant" => &matches.tenant,
            "outcome" => &matches.outcome,
            _ => return None,
        };
        text.as_ref().map(Spanned::span)
    }
}
