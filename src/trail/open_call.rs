//! A call between its request and its response.

use std::borrow::Cow;
use std::sync::Arc;

use tracing::Span;

use super::call::is_fact;
use super::gap::Cause;
use super::{Call, CallState, Class, Core, WhenFull, span};
use crate::journal::{Admission, Append, Receipt, Room};
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
    class: Class,
    admission: Option<Admission>,
    finished: bool,
}

impl OpenCall {
    pub(super) async fn begin(core: &Arc<Core>, mut call: Call) -> Result<Self, Refused> {
        let decision = core.hooks().authorize(core.notices(), &call);
        if let Decision::Deny { reason, rule } = &decision {
            call.attributes.set(names::AUDITRAIL_DECISION, "deny");
            call.attributes.set(names::AUDITRAIL_DECISION_REASON, reason.clone());
            call.attributes.set_some(names::SECURITY_RULE_NAME, rule.clone());
        }
        let class = core.class(&call);
        let admission = match core.admit(class).await {
            Ok(admission) => admission,
            Err(error) => {
                core.left_out(Cause::Refused, Some(&error));
                return Err(Refused::unrecorded(core.new_id()));
            }
        };
        let (span, state) = span::open(core, call);
        let room = admission.as_ref().map_or(Room::Free, Admission::room);
        let written = core.write_request_as(&state, Append::REQUEST.with_room(room));
        let open = Self { core: core.clone(), state, span, class, admission, finished: false };
        if let Decision::Deny { reason, .. } = decision {
            let call_id = open.call_id();
            open.end(&Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(Refused::CODE) });
            return Err(Refused { reason, call_id, because: Because::Denied });
        }
        let sheds = class.when_full == WhenFull::Shed;
        let safe = match written {
            Some(receipt) => core.acknowledged(class, receipt).await.is_ok(),
            None => false,
        };
        if safe || sheds {
            return Ok(open);
        }
        let refused = Refused::unrecorded(open.call_id());
        open.end(&Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(Refused::UNRECORDED) });
        Err(refused)
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

    /// Writes the response record and ends the span. Waits as the class of the call says; at `written` it completes
    /// without yielding. A record that does not get as safe as the class wants is a notice: the call is over.
    pub async fn finish(mut self, outcome: Outcome) {
        self.finished = true;
        if let Some(receipt) = self.write(&outcome)
            && let Err(error) = self.core.acknowledged(self.class, receipt).await
        {
            self.core
                .notices()
                .warn(format!("the response record of call {} is not durable yet: {error}", self.call_id()));
        }
    }

    /// The same where nobody can wait.
    pub fn end(mut self, outcome: &Outcome) {
        self.finished = true;
        // What was not taken is counted and told by the core.
        let _receipt = self.write(outcome);
    }

    fn write(&self, outcome: &Outcome) -> Option<Receipt> {
        let duration = self.state.stop(&self.core);
        span::close(&self.span, outcome, duration);
        let room = self.admission.as_ref().map_or(Room::Free, Admission::room);
        self.core.write_response_in(&self.state, outcome, room)
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        if !self.finished {
            let detail = if std::thread::panicking() { Detail::Panic } else { Detail::NoResponse };
            let _receipt = self.write(&Outcome::of(detail));
        }
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

    fn unrecorded(call_id: RecordId) -> Self {
        let reason = "it cannot be audited now, and calls of its class do not run unaudited; try again later";
        Self { reason: reason.into(), call_id, because: Because::Unrecorded }
    }
}
