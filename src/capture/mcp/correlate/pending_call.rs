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
    /// With which exchange of the session it came, if only that may end it; 0 for none.
    pub(super) exchange: u64,
    pub(super) asked: Asked,
    pub(super) direction: Direction,
    pub(super) id: Id,
    /// Of all elements of a batch the same.
    pub(super) batch: Option<u64>,
    /// The message of its exchange of which it is one of several readings.
    pub(super) alternative: Option<u64>,
    /// It does not pass before it may run.
    pub(super) is_held: bool,
    /// A handler runs it.
    #[cfg_attr(not(feature = "rmcp"), expect(dead_code, reason = "only the wrapper claims calls"))]
    pub(super) claimed: bool,
    /// It could not be read, or not to its end.
    pub(super) is_unreadable: bool,
    /// Some server may refuse it unread: it is no MCP to the letter, or readers disagree on it.
    pub(super) is_doubtful: bool,
    /// To some readers its line is several, of which each may be answered.
    pub(super) is_piece: bool,
    /// It has no id, so no answer names it.
    pub(super) is_one_way: bool,
    /// Its place in the order in which they were asked.
    pub(super) serial: u64,
    /// It came with a protocol revision in which closing the response is its cancellation.
    pub(super) close_cancels: bool,
    /// It was cancelled. An answer that comes all the same decides.
    pub(super) cancelled: Option<Cancelled>,
    /// It, or another with its id, was cancelled, or an error came that is its own or that of something else: nobody knows
    /// which.
    pub(super) is_blurred: bool,
    /// Since when (monotonic nanoseconds) it waits in the session for an answer over another exchange.
    pub(super) parked: Option<u64>,
}

/// That a call was cancelled.
#[derive(Debug, Clone)]
pub(super) struct Cancelled {
    /// Monotonic nanoseconds.
    pub(super) at: u64,
    pub(super) outcome: Outcome,
}

/// The requests whose answers tell more than an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Initialize,
    ToolsCall,
    ToolsList,
    Subscription,
    Other,
}

impl PendingCall {
    /// How it ended if no answer was seen, unless more is known of it than the end of what it came over.
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

    /// Whether servers answer it without its id: it is [odd](Self::is_odd), or stands in a batch, which many refuse whole.
    pub(super) fn is_nameless(&self) -> bool {
        self.is_odd() || self.batch.is_some()
    }

    /// Whether it has no id that MCP allows, or that every server could read.
    pub(super) fn is_odd(&self) -> bool {
        self.is_unreadable || self.is_doubtful || !matches!(self.id.kind, IdKind::String | IdKind::Integer)
    }

    /// Whether it has reached the server, or may have.
    pub(super) fn may_be_answered(&self) -> bool {
        !self.is_held || self.call.has_passed() || self.call.is_over()
    }

    /// Whether an answer may name it.
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
