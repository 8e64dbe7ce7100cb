//! One call that waits for an answer.

use std::sync::Arc;

use super::super::message::{Id, IdKind};
use super::outcomes;
use crate::record::Outcome;
#[cfg(feature = "rmcp")]
use crate::record::names;
#[cfg(feature = "rmcp")]
use crate::trail::Call;
use crate::trail::{Direction, OpenCall};

/// A request that was begun and not answered.
#[derive(Debug)]
pub(super) struct PendingCall {
    pub(super) call: Arc<OpenCall>,
    /// The exchange of the session that it came with, if only that may end it; 0 for none.
    pub(super) exchange: u64,
    pub(super) asked: RequestKind,
    pub(super) direction: Direction,
    pub(super) id: Id,
    /// The batch that it belongs to.
    pub(super) batch: Option<u64>,
    /// The message of its exchange of which it is one of several readings.
    pub(super) alternative: Option<u64>,
    /// It is not forwarded before it may run.
    pub(super) is_held: bool,
    /// A handler runs it.
    #[cfg_attr(not(feature = "rmcp"), expect(dead_code, reason = "only the wrapper claims calls"))]
    pub(super) claimed: bool,
    /// It could not be read, or not completely.
    pub(super) is_unreadable: bool,
    /// Some server may refuse it unread: it violates MCP, or readers disagree on it.
    pub(super) is_doubtful: bool,
    /// Some readers see several lines in it, each of which may be answered.
    pub(super) is_piece: bool,
    /// It has no id, so no answer can name it.
    pub(super) is_one_way: bool,
    /// Its position in the order of requests.
    pub(super) serial: u64,
    /// Its protocol revision says that closing the response cancels it.
    pub(super) close_cancels: bool,
    /// It was cancelled. If an answer comes anyway, that decides.
    pub(super) cancelled: Option<Cancelled>,
    /// It, or another call with its id, was cancelled, or an error came that is for it or for something else: it is
    /// unknown which.
    pub(super) is_blurred: bool,
    /// Since when (monotonic nanoseconds) it waits in the session for an answer over another exchange.
    pub(super) parked: Option<u64>,
}

/// The cancellation of a call.
#[derive(Debug, Clone)]
pub(super) struct Cancelled {
    /// Monotonic nanoseconds.
    pub(super) at: u64,
    pub(super) outcome: Outcome,
}

/// The requests whose answers contain more than an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestKind {
    Initialize,
    ToolsCall,
    ToolsList,
    Subscription,
    Other,
}

impl PendingCall {
    /// The outcome without an answer, unless more is known than the end of its transport.
    pub(super) fn unanswered(&self, otherwise: Outcome) -> Outcome {
        match &self.cancelled {
            _ if self.is_blurred => outcomes::ambiguous(),
            Some(cancelled) => {
                self.call.stop_at(cancelled.at);
                cancelled.outcome.clone()
            }
            None if self.is_one_way => outcomes::one_way(),
            None => otherwise,
        }
    }

    /// Whether no answer is waited for beyond the exchange.
    pub(super) fn is_settled(&self) -> bool {
        self.is_one_way || self.call.is_over()
    }

    /// Whether servers may answer it without its id: it is [odd](Self::is_odd), or in a batch, which many refuse as a
    /// whole.
    pub(super) fn is_nameless(&self) -> bool {
        self.is_odd() || self.batch.is_some()
    }

    /// Whether it has no id that MCP allows, or that every server can read.
    pub(super) fn is_odd(&self) -> bool {
        self.is_unreadable || self.is_doubtful || !matches!(self.id.kind, IdKind::String | IdKind::Integer)
    }

    /// Whether it has reached the server, or may have.
    pub(super) fn may_be_answered(&self) -> bool {
        !self.is_held || self.call.has_passed() || self.call.is_over()
    }

    /// Whether an answer can name it.
    pub(super) fn has_name(&self) -> bool {
        !matches!(self.id.kind, IdKind::Null | IdKind::Other)
    }

    #[cfg(feature = "rmcp")]
    pub(super) fn asks_for(&self, call: &Call) -> bool {
        let subject =
            [names::MCP_METHOD_NAME, names::GEN_AI_TOOL_NAME, names::GEN_AI_PROMPT_NAME, names::MCP_RESOURCE_URI];
        subject.into_iter().all(|name| self.call.text(name).as_deref() == call.text(name))
    }
}
