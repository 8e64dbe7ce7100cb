//! What the records of a call say of its arguments and its result: digests and sizes, and the content itself where the policy
//! wants it, after redaction.
//!
//! Invariants:
//! 1. Content gets on a record only through the redactor of the policy that decides the call, and only at a level that has it.
//! 2. No record says more than the level that is decided in the end: what depends on the outcome is in the intent of the call, or
//!    waits for the response record.
//! 3. What is not recorded because it is too long is named in `auditrail.truncated`, with its length and its digest.

use std::sync::Arc;

#[cfg(feature = "redaction")]
use super::redacted::{Recorded, names_of};
use crate::policy::Level;
use crate::record::{Attributes, Outcome, Value, names};
use crate::trail::calls::{CallState, Content, ContentPart, Treated};
use crate::trail::core::Core;

/// The content of a call that its records may speak of.
#[derive(Debug, Default)]
pub(super) struct CallContents {
    arguments: Option<Arc<Content>>,
    result: Option<Content>,
    /// The paths that were redacted so far.
    redacted: Vec<String>,
}

impl CallContents {
    /// Of a call with those arguments.
    pub(super) fn of(arguments: Option<Arc<Content>>) -> Self {
        Self { arguments, ..Self::default() }
    }

    /// The call has that result.
    pub(super) fn answer(&mut self, result: Content) {
        self.result = Some(result);
    }
}

impl Core {
    /// Says on a call whose request record is about to be written what may be said of its arguments.
    pub(super) fn describe_request(&self, state: &CallState, contents: &mut CallContents) {
        let Some(arguments) = contents.arguments.take() else { return };
        let level = state.treated().map_or_else(Level::default, Treated::level_of_request);
        self.describe(state, &arguments, level, &mut contents.redacted);
        if state.level() > level {
            // The outcome decides whether the response record has them.
            contents.arguments = Some(arguments);
        }
    }

    /// Says on a call that has ended, and whose request record is written, what its response record has in addition.
    pub(super) fn describe_response(&self, state: &CallState, contents: &mut CallContents, outcome: &Outcome) {
        let CallContents { arguments, result, redacted } = contents;
        let (arguments, result) = (arguments.take(), result.take());
        if arguments.is_none() && result.is_none() {
            return;
        }
        let level = state.treated().map_or_else(Level::default, |treated| {
            let facts = state.facts();
            Self::kept(treated, state, &facts, outcome).treatment.level
        });
        if let Some(arguments) = arguments.filter(|_| level >= Level::Arguments) {
            self.describe(state, &arguments, level, redacted);
        }
        if let Some(result) = result {
            self.describe(state, &result, level, redacted);
        }
    }

    /// Takes back the content of a call of which less is kept than could have been.
    pub(super) fn limit_to(state: &CallState, level: Level) {
        if state.level() >= Level::Arguments && level < Level::Arguments {
            state.forget_content(names::CONTENT.into_iter().chain([names::AUDITRAIL_REDACTED]));
        }
    }

    fn describe(&self, state: &CallState, content: &Content, level: Level, redacted: &mut Vec<String>) {
        let wanted = match content.part {
            ContentPart::Arguments => level >= Level::Arguments,
            ContentPart::Result => level >= Level::Full,
        };
        if !wanted && !self.context.records_digests {
            return;
        }
        let mut said = Attributes::default();
        #[cfg(feature = "redaction")]
        let Recorded { digest, cut } = match names_of(state.event(), content.part) {
            Some(names) if wanted => self.recorded(state, content, names, (&mut said, redacted)),
            _ => Recorded::of(self.content_keys().digest(content)),
        };
        #[cfg(not(feature = "redaction"))]
        let (digest, cut) = (Some(self.content_keys().digest(content)), crate::policy::Truncations::default());
        say_digest(&mut said, content, digest);
        if !redacted.is_empty() {
            said.set(names::AUDITRAIL_REDACTED, Value::Array(redacted.iter().cloned().map(Value::from).collect()));
        }
        state.set_content(&said, &cut);
    }
}

/// Digest, form and size, and of a result how much is in it.
fn say_digest(said: &mut Attributes, content: &Content, keyed: Option<String>) {
    let [digest, form, size] = match content.part {
        ContentPart::Arguments => ARGUMENTS,
        ContentPart::Result => RESULT,
    };
    if let Some(keyed) = keyed {
        said.set(digest, keyed);
        said.set(form, content.form.as_str());
    }
    said.set(size, int(content.bytes()));
    if let Some(count) = content.count {
        said.set(names::AUDITRAIL_RESULT_COUNT, int(count));
    }
}

fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Digest, form and size.
const ARGUMENTS: [&str; 3] =
    [names::AUDITRAIL_ARGUMENTS_DIGEST, names::AUDITRAIL_ARGUMENTS_DIGEST_FORM, names::AUDITRAIL_ARGUMENTS_SIZE];
const RESULT: [&str; 3] =
    [names::AUDITRAIL_RESULT_DIGEST, names::AUDITRAIL_RESULT_DIGEST_FORM, names::AUDITRAIL_RESULT_SIZE];
