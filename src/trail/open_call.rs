//! A call between its request and its response.

use std::borrow::Cow;
use std::sync::Arc;

use tracing::Span;

use super::call::is_fact;
use super::{Call, CallState, Core, span};
use crate::policy::Decision;
use crate::record::{Detail, Key, Outcome, RecordId, Value, names};

/// An open call. Finish it with what became of it; dropped unfinished it says `panic` if the thread panics, and
/// `no_response` otherwise.
#[derive(Debug)]
#[must_use = "an open call that is dropped at once is recorded as one without a response"]
pub struct OpenCall {
    core: Arc<Core>,
    state: Arc<CallState>,
    span: Span,
    finished: bool,
}

impl OpenCall {
    pub(super) fn begin(core: &Arc<Core>, mut call: Call) -> Result<Self, Refused> {
        let decision = core.hooks().authorize(core.notices(), &call);
        if let Decision::Deny { reason, rule } = &decision {
            call.attributes.set(names::AUDITRAIL_DECISION, "deny");
            call.attributes.set(names::AUDITRAIL_DECISION_REASON, reason.clone());
            call.attributes.set_some(names::SECURITY_RULE_NAME, rule.clone());
        }
        let (span, state) = span::open(core, call);
        core.write_request(&state);
        let open = Self { core: core.clone(), state, span, finished: false };
        match decision {
            Decision::Allow => Ok(open),
            Decision::Deny { reason, .. } => {
                let call_id = open.call_id();
                open.end(&Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(Refused::CODE) });
                Err(Refused { reason, call_id })
            }
        }
    }

    /// The span of the call: run the handler inside it.
    #[must_use]
    pub fn span(&self) -> &Span {
        &self.span
    }

    /// `auditrail.call.id`, shared by both records.
    #[must_use]
    pub fn call_id(&self) -> RecordId {
        self.state.call_id()
    }

    /// Adds a fact that became known while the call ran; what capture knew before is not replaced, and ids, halves and
    /// outcomes are the trail's own.
    pub fn enrich(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let key = key.into();
        if is_fact(&key) {
            self.state.enrich(&self.core, &key, value.into());
        }
    }

    /// Writes the response record and ends the span. Completes without yielding.
    #[expect(clippy::unused_async, reason = "a caller must be ready to wait: how long is for the journal to say")]
    pub async fn finish(self, outcome: Outcome) {
        self.end(&outcome);
    }

    /// The same where nobody can wait.
    pub fn end(mut self, outcome: &Outcome) {
        self.finished = true;
        self.write(outcome);
    }

    fn write(&self, outcome: &Outcome) {
        let duration = self.state.stop(&self.core);
        span::close(&self.span, outcome, duration);
        self.core.write_response(&self.state, outcome);
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.finished {
            let detail = if std::thread::panicking() { Detail::Panic } else { Detail::NoResponse };
            self.write(&Outcome::of(detail));
        }
    }
}

/// The call must not run. Its records are written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("call {call_id} was denied: {reason}")]
#[non_exhaustive]
pub struct Refused {
    /// Why, in the operator's words.
    pub reason: Cow<'static, str>,
    /// `auditrail.call.id` of its records.
    pub call_id: RecordId,
}

impl Refused {
    /// The JSON-RPC error code of the answer: of the range that JSON-RPC 2.0 leaves to servers, and used by no revision
    /// of MCP.
    pub const CODE: i64 = -32043;
}
