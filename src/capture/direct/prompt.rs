//! Prompts that were filled in.

use std::borrow::Cow;

use super::builder::event;
use crate::record::{EventName, names};
use crate::trail::{Call, Digest, Moment};

/// A prompt was invoked: `auditrail.mcp.prompts.get`.
///
/// If that takes time, begin a call with it: `trail.begin(PromptInvocation::of(name))`. Its output is then known at the end:
/// `call.enrich("auditrail.result.digest", trail.result_digest(output))`.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct PromptInvocation {
    moment: Moment,
}

event!(PromptInvocation);

impl PromptInvocation {
    /// The prompt of that name was invoked.
    pub fn of(name: impl Into<Cow<'static, str>>) -> Self {
        let moment = Moment::new(EventName::McpPromptsGet);
        Self { moment }.fact(names::GEN_AI_PROMPT_NAME, name.into()).fact(names::AUDIT_ACTION, "EXECUTE")
    }

    /// What was generated, by its [digest](crate::Trail::result_digest), and how many bytes it has.
    pub fn output(self, digest: Digest, bytes: u32) -> Self {
        self.fact(names::AUDITRAIL_RESULT_DIGEST, digest).fact(names::AUDITRAIL_RESULT_SIZE, bytes)
    }
}

impl From<PromptInvocation> for Call {
    fn from(prompt: PromptInvocation) -> Self {
        Self::of_moment("prompts/get", prompt.moment)
    }
}
