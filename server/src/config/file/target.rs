//! `[[target]]`: what tools, prompts, resources and routes act on.

use std::ops::Range;

use auditrail::policy::{TargetMap, TargetRule};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// `[[target]]`, as [`TargetRule`]: one of `tool`, `prompt`, `resource` and `route`, and what calls of it act on.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TargetSettings {
    /// A tool: exact, or a prefix and `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// A prompt: exact, or a prefix and `*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The URI of a resource, with `{name}` for segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The path of HTTP requests that are not MCP, with `{name}` for segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The HTTP methods of the route; all if it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// `audit.target.type`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `audit.target.id`, with `{name}` for the value of a segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `auditrail.target.actions`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
}

/// The map, or the place of the first mistake and what it is.
pub(super) fn map(targets: &[Spanned<TargetSettings>]) -> Result<TargetMap, (Range<usize>, &'static str)> {
    let rules = targets.iter().map(|target| target.get_ref().rule().map_err(|problem| (target.span(), problem)));
    TargetMap::new(rules.collect::<Result<Vec<_>, _>>()?).map_err(|error| {
        let wrong = error.rule.checked_sub(1).and_then(|index| targets.get(index));
        (wrong.map_or(0..0, Spanned::span), error.problem)
    })
}

impl TargetSettings {
    fn rule(&self) -> Result<TargetRule, &'static str> {
        let mut rule = match (&self.tool, &self.prompt, &self.resource, &self.route) {
            (Some(tool), None, None, None) => TargetRule::tool(tool),
            (None, Some(prompt), None, None) => TargetRule::prompt(prompt),
            (None, None, Some(resource), None) => TargetRule::resource(resource),
            (None, None, None, Some(route)) => TargetRule::route(route),
            _ => return Err("a [[target]] has exactly one of `tool`, `prompt`, `resource` and `route`"),
        };
        rule = rule.methods(&self.methods).actions(&self.actions);
        if let Some(kind) = &self.kind {
            rule = rule.target_type(kind);
        }
        if let Some(id) = &self.id {
            rule = rule.id(id);
        }
        Ok(rule)
    }
}
