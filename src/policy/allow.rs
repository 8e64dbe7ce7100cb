//! The names that may leave.

use std::collections::BTreeSet;

use crate::record::names::{self, Role};

/// The attribute names that may leave the process: the contract's facts, and what the user added.
#[derive(Debug, Clone, Default)]
pub struct AllowList {
    added: BTreeSet<String>,
}

impl AllowList {
    /// Adds a name of the user's own.
    pub fn add(&mut self, name: impl Into<String>) {
        self.added.insert(name.into());
    }

    /// The role of a field of an annotated span: `None` if it must not leave, and never a content row.
    #[must_use]
    pub fn role(&self, name: &str) -> Option<Role> {
        match names::attribute(name) {
            Some(attribute) if attribute.role == Role::Content => None,
            Some(attribute) => Some(attribute.role),
            None => self.added.contains(name).then_some(Role::Fact),
        }
    }

    /// Whether an attribute may stand on an exported span: what a record may carry, and the plumbing of the tracer.
    #[must_use]
    pub fn on_span(&self, name: &str) -> bool {
        self.role(name).is_some() || PLUMBING.contains(&name)
    }
}

/// What `tracing-opentelemetry` adds by itself: where the span stands in the code. `thread.name` is the author's too.
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
