//! The digest of a policy.
//!
//! It is that of a canonical text, in which each value stands with its length, so that no two policies have one text. What
//! does not change what the policy does is not in it: its name, comments, spacing, lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::keys::{FLAGS, Keys, NAMES};
use super::policy::CompiledRule;
use crate::hex::hex;
use crate::policy::class::Class;

/// The canonical text of a policy, as it grows.
#[derive(Debug)]
pub(super) struct Canonical(String);

impl Canonical {
    pub(super) fn new() -> Self {
        Self(VERSION.into())
    }

    /// A part of the policy begins.
    pub(super) fn table(&mut self, name: &str) {
        self.value("table", name);
    }

    /// A value in it. Those that have their default need not be there.
    pub(super) fn value(&mut self, key: &str, value: &str) {
        // A String takes everything.
        // Writing to a `String` does not fail.
        writeln!(self.0, "{key}={}:{value}", value.len()).unwrap_or_default();
    }

    pub(super) fn class(&mut self, name: &str, class: &Class) {
        self.table("class");
        self.value("name", name);
        self.value("acknowledge", &format!("{:?}", class.acknowledge).to_lowercase());
        self.value("when_full", &format!("{:?}", class.when_full).to_lowercase());
        self.value("deadline", &class.deadline.as_nanos().to_string());
        self.value("requires_verified_actor", &class.requires_verified_actor.to_string());
    }

    pub(super) fn rule(&mut self, rule: &CompiledRule) {
        self.table("rule");
        self.keys(&rule.keys);
        let treatment = &rule.treatment;
        self.value("name", &treatment.rule.name);
        self.value("level", treatment.level.as_str());
        self.value("halves", treatment.halves.as_str());
        if let Some(class) = &treatment.class {
            self.value("class", &class.name);
        }
        if let Some(sample) = treatment.sample {
            self.value("sample", &sample.to_string());
        }
    }

    pub(super) fn digest(&self) -> String {
        format!("sha256:{}", hex(&Sha256::digest(self.0.as_bytes())))
    }

    fn keys(&mut self, keys: &Keys) {
        for key in NAMES {
            if let Some(pattern) = (key.wanted)(keys) {
                self.value(key.name, &pattern.text());
            }
        }
        for key in FLAGS {
            if let Some(wanted) = (key.wanted)(keys) {
                let [no, yes] = key.values;
                self.value(key.name, if wanted { yes } else { no });
            }
        }
        if let Some(outcome) = keys.outcome {
            self.value("outcome", outcome.as_str());
        }
    }
}

/// The canonical text of the rules and classes of a policy.
pub(super) fn canonical(rules: &[CompiledRule], classes: &BTreeMap<String, Class>) -> Canonical {
    let mut canonical = Canonical::new();
    classes.iter().for_each(|(name, class)| canonical.class(name, class));
    rules.iter().for_each(|rule| canonical.rule(rule));
    canonical
}

/// A text that changes with the meaning of what is behind it.
const VERSION: &str = "auditrail policy 1\n";
