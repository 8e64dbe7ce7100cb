//! Which records are printed.

use auditrail::record::names;

use super::found::Found;
use crate::cli::args::{Outcome, TailArguments};

/// What a record must have.
#[derive(Debug)]
pub(super) struct Filter<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Filter<'a> {
    pub(super) fn of(arguments: &'a TailArguments) -> Self {
        let outcome = arguments.outcome.map(|outcome| match outcome {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Unknown => "unknown",
        });
        let wanted = [
            (names::GEN_AI_TOOL_NAME, arguments.tool.as_deref()),
            (names::AUDIT_ACTOR_ID, arguments.actor.as_deref()),
            (names::AUDIT_OUTCOME, outcome),
        ];
        Self(wanted.into_iter().filter_map(|(name, value)| Some((name, value?))).collect())
    }

    pub(super) fn takes(&self, found: &Found) -> bool {
        self.0.iter().all(|(name, value)| found.text(name) == *value)
    }
}
