//! The calls in the body of a request, for a proxy that holds the body until they may run.

use std::sync::Arc;

use crate::capture::mcp::http::server::HoldReasons;
use crate::capture::mcp::message::{Flaw, Id, Message};
use crate::capture::mcp::splice::{CallerTrace, MOST_MESSAGES, Splices};
use crate::locks::{Mutex, MutexGuard};
use crate::record::{Detail, Outcome};
use crate::trail::{OpenCall, Refused};

/// An extension of requests that pass a layer which holds calls. All calls of a body are in it once the body is read.
#[derive(Debug, Clone)]
pub struct HeldCalls {
    why: HoldReasons,
    contents: Arc<Mutex<HeldContents>>,
}

#[derive(Debug, Default)]
struct HeldContents {
    /// The calls that may be refused, with the ids for their answers.
    calls: Vec<(Option<Id>, Arc<OpenCall>)>,
    splices: Splices,
    is_batch: bool,
    /// There are more calls than are kept.
    is_too_many: bool,
    /// Part of it could not be read, so it is unknown what the server would make of it.
    is_unclear: bool,
    /// It is in a charset that is not read.
    has_other_charset: bool,
    /// It contains JSON that is not a message.
    is_foreign: bool,
}

/// Why a request must not be forwarded.
#[derive(Debug)]
pub enum Withheld {
    /// The calls that expect an answer, each with its reason.
    Refused {
        /// The calls and their refusals.
        calls: Vec<(Id, Refused)>,
        /// Whether their answers belong to a list.
        is_batch: bool,
    },
    /// No call in it expects an answer.
    Unasked(Refused),
    /// It was not understood.
    Unclear,
    /// It has more calls than may wait together.
    TooMany,
    /// It was not read, because of its charset.
    Charset,
}

/// The facts that are kept of a message that others consume.
#[derive(Debug)]
pub(crate) struct HeldMessage {
    id: Option<Id>,
    flaw: Option<Flaw>,
    /// Readers may understand it differently.
    is_ambiguous: bool,
    has_other_charset: bool,
    is_plain: bool,
    is_in_batch: bool,
    said: CallerTrace,
}

impl HeldCalls {
    pub(crate) fn new(why: HoldReasons) -> Self {
        Self { why, contents: Arc::default() }
    }

    pub(crate) fn facts_of(&self, message: &Message) -> HeldMessage {
        HeldMessage {
            id: message.id.clone(),
            flaw: message.flaw,
            is_ambiguous: message.is_ambiguous(),
            has_other_charset: message.doubts.charset,
            is_plain: message.is_plain(),
            is_in_batch: message.batch.is_some(),
            said: if self.why.joins { CallerTrace::of(message) } else { CallerTrace::default() },
        }
    }

    /// The message has begun that call, if any.
    pub(crate) fn tell(&self, message: HeldMessage, call: Option<Arc<OpenCall>>) {
        let HeldMessage { id, flaw, is_ambiguous, has_other_charset, is_plain, is_in_batch, said } = message;
        let mut contents = self.contents();
        match flaw {
            None => {}
            Some(Flaw::NotAMessage) => contents.is_foreign = true,
            Some(Flaw::NotJson | Flaw::TooDeep) => contents.is_unclear = true,
        }
        contents.is_unclear |= is_ambiguous;
        contents.has_other_charset |= has_other_charset;
        contents.is_batch |= is_in_batch;
        if self.why.joins {
            let span = call.as_ref().and_then(|call| call.span_ids());
            contents.splices.note(is_in_batch, is_plain, said.joined(span));
        }
        if self.why.refuses {
            match call {
                Some(_) if contents.calls.len() >= MOST_MESSAGES => contents.is_too_many = true,
                call => contents.calls.extend(call.map(|call| (id, call))),
            }
        }
    }

    pub(crate) fn unread(&self) {
        let mut contents = self.contents();
        contents.is_unclear = true;
        contents.splices.unread();
    }

    /// What is to be written into the body. A second call returns nothing.
    pub fn splices(&self) -> Splices {
        std::mem::take(&mut self.contents().splices)
    }

    /// Whether it contains JSON that is not a message, as this library reads it.
    pub fn is_foreign(&self) -> bool {
        self.contents().is_foreign
    }

    /// Waits until all of its calls may run. If one may not, none may, because they share a body; their records say
    /// so.
    pub async fn may_run(&self) -> Result<(), Withheld> {
        let (calls, is_batch) = {
            let contents = self.contents();
            match contents.has_other_charset {
                true => return Err(Withheld::Charset),
                false if contents.is_unclear => return Err(Withheld::Unclear),
                false if contents.is_too_many => return Err(Withheld::TooMany),
                false => (contents.calls.clone(), contents.is_batch),
            }
        };
        let mut first = None;
        for (_, call) in &calls {
            if let Err(refused) = call.may_run().await {
                first = Some(refused);
                break;
            }
        }
        let Some(first) = first else { return Ok(()) };
        let withhold = |(id, call): (Option<Id>, Arc<OpenCall>)| {
            let refused = Refused { call_id: call.call_id(), ..first.clone() };
            call.close(&Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(refused.code()) });
            Some((id?, refused))
        };
        let answered: Vec<_> = calls.into_iter().filter_map(withhold).collect();
        Err(if answered.is_empty() {
            Withheld::Unasked(first)
        } else {
            Withheld::Refused { calls: answered, is_batch }
        })
    }

    fn contents(&self) -> MutexGuard<'_, HeldContents> {
        self.contents.lock()
    }
}
