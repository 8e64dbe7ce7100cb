//! The structure of a policy file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::class::ClassSettings;
use super::redact::RedactSettings;
use super::rule::RuleSettings;
use super::tables::Tables;

/// A policy file.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyFile {
    /// The name of the policy, for records; by default that of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Spanned<String>>,
    /// The rules; the first that matches decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rule: Vec<Spanned<RuleSettings>>,
    /// The classes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub class: BTreeMap<String, ClassSettings>,
    /// What is done to content before it is recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redact: Vec<Spanned<RedactSettings>>,
}

impl PolicyFile {
    /// Its tables.
    #[must_use]
    pub fn tables(&self) -> Tables<'_> {
        Tables { rules: &self.rule, classes: &self.class, redacts: &self.redact }
    }
}
