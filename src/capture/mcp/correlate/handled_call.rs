//! A call of a tap in the hands of its handler.

use std::sync::Arc;

use super::super::message::Id;
use super::exchange::Exchange;
use super::outcomes;
use crate::record::{Detail, Outcome};
use crate::trail::{Call, OpenCall};

/// A call that a tap has opened and a handler runs.
#[derive(Debug)]
pub(crate) struct HandledCall {
    exchange: Arc<Exchange>,
    serial: u64,
    pub(crate) call: Arc<OpenCall>,
}

impl Exchange {
    /// The oldest call with that id that no handler runs yet, for the handler that begins; what that is asked for decides
    /// between several.
    pub(crate) fn claim(self: &Arc<Self>, id: &Id, asks: impl FnOnce() -> Call) -> Option<HandledCall> {
        let (serial, call) = self.pending().claim(self.number, id, asks)?;
        Some(HandledCall { exchange: self.clone(), serial, call })
    }
}

impl HandledCall {
    /// The handler panicked: there will be no answer.
    pub(crate) fn panicked(&self) {
        let is_shared = {
            let mut pending = self.exchange.pending();
            let is_shared = pending.is_shared(self.serial);
            pending.remove(self.serial);
            is_shared
        };
        // Which of several handlers has got which of several calls with one id nobody knows.
        self.call.close(&if is_shared { outcomes::ambiguous() } else { Outcome::of(Detail::Panic) });
    }
}
