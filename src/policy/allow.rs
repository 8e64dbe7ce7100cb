//! The attribute names that may be exported.

use std::collections::BTreeSet;

use crate::record::names::{self, Role};

/// The attribute names that may be exported: the facts of the contract, and those that the user added.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    added: BTreeSet<String>,
}

impl AllowList {
    /// Adds a name.
    pub fn add(&mut self, name: impl Into<String>) {
        self.added.insert(name.into());
    }

    /// The role of a field of an annotated span; `None` if it must not be exported. Never `Content`.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<Role> {
        match names::attribute(name) {
            Some(attribute) if attribute.role == Role::Content => None,
            Some(attribute) => Some(attribute.role),
            None => self.added.contains(name).then_some(Role::Fact),
        }
    }

    /// Whether an attribute may be on an exported span: those of records, and those that the tracer adds.
    #[must_use]
    pub fn on_span(&self, name: &str) -> bool {
        self.role(name).is_some() || PLUMBING.contains(&name)
    }
}

/// Attributes that `tracing-opentelemetry` adds: the place of the span in the code, thread and timing.
const PLUMBING: [&str; 9] = [
    "busy_ns",
    "code.file.path",
    "code.line.number",
    "code.module.name",
    "idle_ns",
    "level",
    "target",
    "thread.id",
    "thread.name",
];
