//! A call of a tap that a handler runs.

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
    /// Claims the oldest call with that id that no handler runs yet, for the handler that begins. If there are
    /// several, what the handler is asked for decides.
    pub(crate) fn claim(self: &Arc<Self>, id: &Id, asks: impl FnOnce() -> Call) -> Option<HandledCall> {
        let (serial, call) = self.pending().claim(self.number, id, asks)?;
        Some(HandledCall { exchange: self.clone(), serial, call })
    }
}

impl HandledCall {
    /// The handler panicked, so there will be no answer.
    pub(crate) fn panicked(&self) {
        let is_shared = {
            let mut pending = self.exchange.pending();
            let is_shared = pending.is_shared(self.serial);
            pending.remove(self.serial);
            is_shared
        };
        // If several calls have one id, it is unknown which handler runs which.
        self.call.close(&if is_shared { outcomes::ambiguous() } else { Outcome::of(Detail::Panic) });
    }
}
