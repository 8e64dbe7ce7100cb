//! A call between its request and its response.

use std::borrow::Cow;
use std::sync::Arc;

use tracing::Span;

use super::call::is_fact;
use super::{Call, Core, Ongoing};
use crate::record::{Detail, Key, Outcome, RecordId, Value};

/// An open call. Finish it with what became of it; dropped unfinished it says `panic` if the thread panics, and
/// `no_response` otherwise.
#[derive(Debug)]
#[must_use = "an open call that is dropped at once is recorded as one without a response"]
pub struct OpenCall(Ongoing);

impl OpenCall {
    pub(super) async fn begin(core: &Arc<Core>, call: Call) -> Result<Self, Refused> {
        core.moves(core.class).await;
        let call = Ongoing::open(core, call);
        if let Err(refused) = call.may_run().await {
            call.end(&Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(refused.code()) });
            return Err(refused);
        }
        Ok(Self(call))
    }

    /// The span of the call: run the handler inside it.
    #[must_use]
    pub fn span(&self) -> &Span {
        self.0.span()
    }

    /// `auditrail.call.id`, shared by both records.
    #[must_use]
    pub fn call_id(&self) -> RecordId {
        self.0.call_id()
    }

    /// Adds a fact that became known while the call ran; what capture knew before is not replaced, and ids, halves and
    /// outcomes are the trail's own.
    pub fn enrich(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let key = key.into();
        if is_fact(&key) {
            self.0.enrich(&key, value.into());
        }
    }

    /// Writes the response record and ends the span. Waits as the class of the call says; at `written` it completes
    /// without yielding. A record that does not get as safe as the class wants is a notice: the call is over.
    pub async fn finish(self, outcome: Outcome) {
        self.0.finish(&outcome).await;
    }

    /// Writes the response record and ends the span without waiting.
    pub fn end(self, outcome: &Outcome) {
        self.0.end(outcome);
    }
}

/// The call must not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("call {call_id} was refused: {reason}")]
#[non_exhaustive]
pub struct Refused {
    /// Why, in the operator's words.
    pub reason: Cow<'static, str>,
    /// `auditrail.call.id` of its records.
    pub call_id: RecordId,
    /// Who refused it.
    pub because: Because,
}

/// Who refused a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Because {
    /// The `authorize` hook. Both records are written.
    Denied,
    /// Its records cannot be kept as its class wants: a gap record will tell of those that are missing.
    Unrecorded,
}

impl Refused {
    /// The JSON-RPC error code of the answer to a denied call: of the range that JSON-RPC 2.0 leaves to servers, and used
    /// by no revision of MCP.
    pub const CODE: i64 = -32043;
    /// The code where the call cannot be recorded: it may be tried again later.
    pub const UNRECORDED: i64 = -32044;

    /// The code of this refusal.
    #[must_use]
    pub const fn code(&self) -> i64 {
        match self.because {
            Because::Denied => Self::CODE,
            Because::Unrecorded => Self::UNRECORDED,
        }
    }

    pub(super) fn unrecorded(call_id: RecordId) -> Self {
        let reason = "it cannot be audited now, and calls of its class do not run unaudited; try again later";
        Self { reason: reason.into(), call_id, because: Because::Unrecorded }
    }
}
