//! Calls of an exchange that are refused: by the status of its HTTP response, or instead of being passed on.

#[cfg(feature = "internals")]
use std::sync::Arc;

#[cfg(feature = "internals")]
use super::super::message::Message;
use super::exchange::Exchange;
#[cfg(feature = "internals")]
use super::outcomes;
use super::pending_call::PendingCall;
#[cfg(feature = "internals")]
use crate::trail::OpenCall;
use crate::trail::{Denial, Direction};

impl Exchange {
    /// The head of the HTTP response denies what was asked for.
    #[cfg(feature = "tower")]
    pub(crate) fn refused(&self, denial: Denial) {
        self.refused.get_or_init(|| denial);
    }

    /// By what the status of the HTTP response denies the call.
    pub(super) fn refusal_of(&self, waiting: &PendingCall) -> Option<&Denial> {
        self.refused.get().filter(|_| waiting.direction == Direction::ClientToServer)
    }

    /// That call was answered instead of by the server.
    #[cfg(feature = "internals")]
    pub(crate) fn refuse(&self, call: &Arc<OpenCall>, answer: Message) {
        let waiting = self.pending().take_call(call);
        match waiting {
            Some(waiting) => self.answered(&waiting, answer),
            None => call.close(&outcomes::refused(answer.error.code.unwrap_or_default())),
        }
    }
}
