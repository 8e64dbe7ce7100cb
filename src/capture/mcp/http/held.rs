//! What the body of a request has told, for who holds it back until its calls may run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::capture::mcp::message::{Flaw, Id};
use crate::record::{Detail, Outcome};
use crate::trail::{Ongoing, Refused};

/// An extension of requests that pass a layer which holds calls. All of the body was told when it was read to its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<Mutex<Told>>);

#[derive(Debug, Default)]
struct Told {
    calls: Vec<(Id, Arc<Ongoing>)>,
    is_batch: bool,
    /// Not all of it could be read, or something is no message: nobody knows what the server would make of it.
    is_unclear: bool,
}

/// Why a request must not be relayed.
#[derive(Debug)]
pub(crate) enum Withheld {
    /// Each of its calls, and why.
    Refused { calls: Vec<(Id, Refused)>, is_batch: bool },
    /// It was not understood.
    Unclear,
}

impl Held {
    pub(super) fn tell(&self, id: Option<Id>, flaw: Option<Flaw>, is_in_batch: bool, call: Option<Arc<Ongoing>>) {
        let mut told = self.told();
        told.is_unclear |= flaw.is_some();
        told.is_batch |= is_in_batch;
        told.calls.extend(id.zip(call));
    }

    pub(super) fn unread(&self) {
        self.told().is_unclear = true;
    }

    /// Waits until all of its calls may run. If one may not, none may: they are one body. Their records say so then.
    pub(crate) async fn may_run(&self) -> Result<(), Withheld> {
        let (calls, is_batch, is_unclear) = {
            let told = self.told();
            (told.calls.clone(), told.is_batch, told.is_unclear)
        };
        if is_unclear {
            return Err(Withheld::Unclear);
        }
        let mut first = None;
        for (_, call) in &calls {
            if let Err(refused) = call.may_run().await {
                first = Some(refused);
                break;
            }
        }
        let Some(first) = first else { return Ok(()) };
        let withhold = |(id, call): (Id, Arc<Ongoing>)| {
            let refused = Refused { call_id: call.call_id(), ..first.clone() };
            call.end(&Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(refused.code()) });
            (id, refused)
        };
        Err(Withheld::Refused { calls: calls.into_iter().map(withhold).collect(), is_batch })
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
