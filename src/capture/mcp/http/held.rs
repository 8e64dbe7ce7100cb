//! What the body of a request has told, for who holds it back until its calls may run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::capture::mcp::message::{Flaw, Id, Message};
use crate::capture::mcp::splice::{MOST_MESSAGES, Said, Splices};
use crate::record::{Detail, Outcome};
use crate::trail::{OpenCall, Refused};

/// An extension of requests that pass a layer which holds calls. All of the body was told when it was read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    why: Holding,
    told: Arc<Mutex<Told>>,
}

/// What bodies are held for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Calls may have to wait, or be refused.
    pub(crate) refuses: bool,
    /// Calls are to be joined to their spans.
    pub(crate) joins: bool,
}

#[derive(Debug, Default)]
struct Told {
    /// Those that may be refused, with the ids by which they are answered.
    calls: Vec<(Option<Id>, Arc<OpenCall>)>,
    splices: Splices,
    is_batch: bool,
    /// There are more calls than are kept here.
    is_too_many: bool,
    /// Not all of it could be read: nobody knows what the server would make of it.
    is_unclear: bool,
    /// It is in another charset than those that are read.
    has_other_charset: bool,
    /// There is JSON in it that is no message.
    is_foreign: bool,
}

/// Why a request must not be relayed.
#[derive(Debug)]
pub(crate) enum Withheld {
    /// Each of its calls that wants an answer, and why.
    Refused { calls: Vec<(Id, Refused)>, is_batch: bool },
    /// None of its calls wants an answer.
    Unasked(Refused),
    /// It was not understood.
    Unclear,
    /// It has more calls than may wait together.
    TooMany,
    /// It was not read, as it is in another charset than those that are.
    Charset,
}

/// What is kept of a message that others take in.
#[derive(Debug)]
pub(super) struct Before {
    id: Option<Id>,
    flaw: Option<Flaw>,
    /// Others may read something else.
    is_ambiguous: bool,
    has_other_charset: bool,
    is_plain: bool,
    is_in_batch: bool,
    said: Said,
}

impl Held {
    pub(super) fn new(why: Holding) -> Self {
        Self { why, told: Arc::default() }
    }

    pub(super) fn before(&self, message: &Message) -> Before {
        Before {
            id: message.id.clone(),
            flaw: message.flaw,
            is_ambiguous: message.is_ambiguous(),
            has_other_charset: message.doubts.charset,
            is_plain: message.is_plain(),
            is_in_batch: message.batch.is_some(),
            said: if self.why.joins { Said::of(message) } else { Said::default() },
        }
    }

    /// The message has begun that call, if any.
    pub(super) fn tell(&self, message: Before, call: Option<Arc<OpenCall>>) {
        let Before { id, flaw, is_ambiguous, has_other_charset, is_plain, is_in_batch, said } = message;
        let mut told = self.told();
        match flaw {
            None => {}
            Some(Flaw::NotAMessage) => told.is_foreign = true,
            Some(Flaw::NotJson | Flaw::TooDeep) => told.is_unclear = true,
        }
        told.is_unclear |= is_ambiguous;
        told.has_other_charset |= has_other_charset;
        told.is_batch |= is_in_batch;
        if self.why.joins {
            let span = call.as_ref().and_then(|call| call.span_ids());
            told.splices.note(is_in_batch, is_plain, said.joined(span));
        }
        if self.why.refuses {
            match call {
                Some(_) if told.calls.len() >= MOST_MESSAGES => told.is_too_many = true,
                call => told.calls.extend(call.map(|call| (id, call))),
            }
        }
    }

    pub(super) fn unread(&self) {
        let mut told = self.told();
        told.is_unclear = true;
        told.splices.unread();
    }

    /// What is to be written into the body. Nothing is left for who asks again.
    pub(crate) fn splices(&self) -> Splices {
        std::mem::take(&mut self.told().splices)
    }

    /// Whether there is JSON in it that is no message, as this library reads it.
    pub(crate) fn is_foreign(&self) -> bool {
        self.told().is_foreign
    }

    /// Waits until all of its calls may run. If one may not, none may: they are one body. Their records say so then.
    pub(crate) async fn may_run(&self) -> Result<(), Withheld> {
        let (calls, is_batch) = {
            let told = self.told();
            match told.has_other_charset {
                true => return Err(Withheld::Charset),
                false if told.is_unclear => return Err(Withheld::Unclear),
                false if told.is_too_many => return Err(Withheld::TooMany),
                false => (told.calls.clone(), told.is_batch),
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

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
