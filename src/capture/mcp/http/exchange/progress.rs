//! The progress of an HTTP exchange. A server may answer before it has the whole request, so the two sides end in any order.
//!
//! Invariants:
//! 1. The exchange ends once: when both sides have ended.
//! 2. An answer that arrives before the end of its request waits for it, so that it finds its call. At most [`MOST_EARLY`]
//!    answers wait; later ones do not.

use crate::capture::mcp::http::reading::BodyEnd;
use crate::capture::mcp::message::Message;
use crate::locks::{Mutex, MutexGuard};

#[derive(Debug, Default)]
pub(crate) struct ExchangeProgress(Mutex<ProgressState>);

#[derive(Debug, Default)]
struct ProgressState {
    request_is_over: bool,
    response: Option<BodyEnd>,
    is_over: bool,
    early: Vec<Message>,
    cut: Option<Message>,
}

impl ExchangeProgress {
    /// Keeps an answer that came before its request, and returns any other.
    pub(crate) fn hold_back(&self, answer: Message) -> Option<Message> {
        let mut state = self.state();
        if state.request_is_over || state.early.len() >= MOST_EARLY {
            return Some(answer);
        }
        state.early.push(answer);
        None
    }

    /// The part of a message that arrived; no more will.
    pub(crate) fn cut_off(&self, message: Message) {
        self.state().cut = Some(message);
    }

    pub(crate) fn take_cut(&self) -> Option<Message> {
        self.state().cut.take()
    }

    /// The request is complete. Returns the answers that were kept for it.
    pub(crate) fn end_request(&self) -> Vec<Message> {
        let mut state = self.state();
        state.request_is_over = true;
        std::mem::take(&mut state.early)
    }

    /// Only the first end counts.
    pub(crate) fn end_response(&self, how: BodyEnd) {
        self.state().response.get_or_insert(how);
    }

    /// How the response ended. Returned once, to the caller that ends the exchange.
    pub(crate) fn end(&self) -> Option<BodyEnd> {
        let mut state = self.state();
        let how = state.response.filter(|_| state.request_is_over && !state.is_over)?;
        state.is_over = true;
        Some(how)
    }

    fn state(&self) -> MutexGuard<'_, ProgressState> {
        self.0.lock()
    }
}

/// A body usually has one message. A server that answers a batch before it has all of it answers few of its elements.
const MOST_EARLY: usize = 64;
