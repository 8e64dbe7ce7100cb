//! A handler that runs a call which a tap has begun.

use std::future::Future;
use std::sync::Arc;

use rmcp::model::{Extensions, NumberOrString};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};

use super::super::correlate::{Exchange, HandledCall};
use super::super::message::Id;
use super::answer;
use super::request;
use crate::trail::{Call, Core};

/// The call of a tap, until its handler is done.
pub(super) struct TappedCall {
    /// `None`: the call was over before its handler began, because its client had disconnected.
    claimed: Option<HandledCall>,
    /// Calls may be refused here, and that call was not decided.
    is_undecided: bool,
    is_running: bool,
}

/// Whether the transport of a message is tapped.
pub(super) fn is_tapped(tapped: Option<&Arc<Exchange>>, extensions: &Extensions) -> bool {
    tapped.is_some() || exchange(extensions).is_some()
}

impl TappedCall {
    /// Finds the call of a request. `None` if rmcp understood a message that the tap did not.
    pub(super) fn find(
        tapped: Option<&Arc<Exchange>>,
        core: &Arc<Core>,
        context: &RequestContext<RoleServer>,
        asks: impl FnOnce() -> Call,
    ) -> Option<Self> {
        let exchange = exchange(&context.extensions).or(tapped)?;
        let claimed = exchange.claim(&id(&context.id), asks);
        if claimed.is_none() && !(exchange.is_closed() && exchange.has_call()) {
            return None;
        }
        if let Some(claimed) = &claimed
            && let Some(actor) = request::actor(core, &context.extensions, &claimed.call)
        {
            claimed.call.enrich_actor(actor);
        }
        let is_undecided = claimed.is_none() && core.may_hold_calls();
        Some(Self { claimed, is_undecided, is_running: false })
    }

    /// Runs the handler inside the call's span, unless the call may not run. The handler is not even called before,
    /// because it may act before its future is polled. A client that does not wait for the answer cannot avoid the
    /// decision.
    pub(super) async fn run<T, F>(mut self, handle: impl FnOnce() -> F) -> Result<T, ErrorData>
    where
        F: Future<Output = Result<T, ErrorData>>,
    {
        if self.is_undecided {
            return Err(ErrorData::internal_error(UNDECIDED, None));
        }
        let Some(call) = self.claimed.as_ref().map(|claimed| claimed.call.clone()) else { return handle().await };
        call.may_run().await.map_err(|refused| answer::refusal(&refused))?;
        self.is_running = true;
        let result = call.run(async { handle().await }).await;
        self.is_running = false;
        call.handled();
        result
    }
}

impl Drop for TappedCall {
    fn drop(&mut self) {
        if let Some(claimed) = &self.claimed
            && self.is_running
            && std::thread::panicking()
        {
            claimed.panicked();
        }
    }
}

/// The exchange that the HTTP tap leaves with the request.
fn exchange(extensions: &Extensions) -> Option<&Arc<Exchange>> {
    extensions.get::<http::request::Parts>()?.extensions.get::<Arc<Exchange>>()
}

fn id(id: &NumberOrString) -> Id {
    match id {
        NumberOrString::Number(number) => Id::of_integer(*number),
        NumberOrString::String(text) => Id::of_string(text),
    }
}

const UNDECIDED: &str = "the client disconnected before it was decided whether the call may run, so it does not run";
