//! The rules of a configuration file that recognize denials.

use auditrail::policy::{DenialRule, DenialRuleError, DenialRules};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// `[[denied]]`: as [`DenialRule`].
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DeniedSettings {
    /// `security_rule.name` of the calls that it matches.
    pub name: Spanned<String>,
    /// The code of a JSON-RPC error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// What the text of the error contains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The tool or prompt: exact, or a prefix and `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The MCP method: exact, or a prefix and `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// `auditrail.decision.reason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The rules, in the order of the file, or the first that cannot be used.
pub(super) fn rules(denied: &[DeniedSettings]) -> Result<DenialRules, (&DeniedSettings, DenialRuleError)> {
    denied.iter().try_fold(DenialRules::default(), |rules, settings| {
        rules.rule(settings.rule()).map_err(|error| (settings, error))
    })
}

impl DeniedSettings {
    fn rule(&self) -> DenialRule {
        let mut rule = DenialRule::named(self.name.get_ref());
        if let Some(code) = self.code {
            rule = rule.code(code);
        }
        if let Some(text) = &self.text {
            rule = rule.text(text);
        }
        if let Some(tool) = &self.tool {
            rule = rule.tool(tool);
        }
        if let Some(method) = &self.method {
            rule = rule.method(method);
        }
        if let Some(reason) = &self.reason {
            rule = rule.reason(reason);
        }
        rule
    }
}
