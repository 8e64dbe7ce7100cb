//! Finds the open call and the OTel span in which an event is recorded: the one place where that is asked for events of the
//! user's own code.
//!
//! | the event is recorded | its call is found by | its span by |
//! |---|---|---|
//! | with [`Moment::of_call`] | that | the current OTel context, or else the span of the call |
//! | in the `tracing` span of a call, or in one below it, on any thread | the registry of the current subscriber: the nearest span that the layer has in its table, or that has the mark of [`announce`](super::announce) | the OTel layer, or the current OTel context |
//! | in a handler of the wrapper or in [`OpenCall::run`], without any subscriber | the thread, while it polls the handler | the current OTel context |
//! | with [`Moment::within`] | as above, if it is of the same trace; or else that whose own span it is | that |
//!
//! Invariants:
//! 1. A span is looked up only in the registry that has made it: elsewhere its id is another span's.
//! 2. Only a call that is open is found. What a task records later belongs to the trace, and to no call.
//! 3. Layers do not come through here: while one handles an event, the OTel layer must not be asked.

use std::cell::Cell;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::{Dispatch, Span};
use tracing_subscriber::Registry;
use tracing_subscriber::registry::LookupSpan as _;

use super::announce;
use super::open_call::OpenCall;
use super::scope;
use crate::record::SpanIds;
use crate::trail::calls::{CallState, Moment};
use crate::trail::core::Core;

impl Moment {
    /// It belongs to that call, wherever it is recorded: it gets the id of the call, and the actor, the tenant and the span,
    /// unless it has its own.
    #[must_use]
    pub fn of_call(mut self, call: &OpenCall) -> Self {
        self.call = Some(call.state().clone());
        self
    }
}

impl Core {
    /// An event of the user's own code, with what it gets from where it is recorded.
    pub(in crate::trail) fn placed(&self, mut moment: Moment) -> Moment {
        if moment.context.is_some() {
            return self.joined(moment);
        }
        moment.context = current_context();
        if let Some(call) = moment.call.take() {
            moment.inside(&call);
        } else if moment.call_id.is_none() {
            self.visit_current(&mut |call| moment.inside(call));
        }
        moment
    }

    /// An event that has its ids already, with what it gets from its call.
    pub(crate) fn joined(&self, mut moment: Moment) -> Moment {
        if let Some(call) = moment.call.take() {
            moment.inside(&call);
        } else if moment.call_id.is_none() {
            let ids = moment.ids();
            self.visit_current(&mut |call| {
                if is_of_trace(call, ids) {
                    moment.inside(call);
                }
            });
            if let Some(ids) = ids.filter(|ids| ids.span.is_some() && moment.call_id.is_none()) {
                self.open_calls.visit_of_span(ids, &mut |call| moment.inside(call));
            }
        }
        moment
    }

    /// Shows the open call in which this thread is now, if there is one.
    fn visit_current(&self, visit: &mut dyn FnMut(&CallState)) {
        let is_shown = Span::current().with_subscriber(|(id, subscriber)| self.visit_around(subscriber, id, visit));
        if is_shown == Some(true) {
            return;
        }
        if let Some(call) = scope::current(self).filter(|call| call.is_open_call()) {
            visit(&call);
        }
    }

    fn visit_around(&self, subscriber: &Dispatch, id: &tracing::span::Id, visit: &mut dyn FnMut(&CallState)) -> bool {
        let Some(registry) = subscriber.downcast_ref::<Registry>() else { return false };
        let holders = self.open_calls.holders();
        let is_shown = Cell::new(false);
        let mut show = |call: &CallState| {
            if call.is_open_call() && !is_shown.replace(true) {
                visit(call);
            }
        };
        for span in std::iter::successors(registry.span(id), |span| span.parent()) {
            holders.iter().for_each(|holder| holder.visit_call_of(registry, &span.id(), &mut show));
            if let Some(call) = announce::marked(self, &span) {
                show(&call);
            }
            if is_shown.get() {
                break;
            }
        }
        is_shown.get()
    }
}

/// Whether the call may be that of a record with those ids.
fn is_of_trace(call: &CallState, ids: Option<SpanIds>) -> bool {
    match (call.ids(), ids) {
        (Some(call), Some(ids)) => call.trace == ids.trace,
        _ => true,
    }
}

/// The OTel context of the current span. What has no span of its own, such as a context that came with a request, gives the
/// trace alone ([`Moment::ids`]).
fn current_context() -> Option<Context> {
    let asked = Span::current()
        .with_subscriber(|(id, subscriber)| tracing_opentelemetry::get_otel_context(id, subscriber))
        .flatten();
    let is_valid = |context: &Context| context.span().span_context().is_valid();
    asked.filter(is_valid).or_else(|| Some(Context::current()).filter(is_valid))
}

impl OpenCall {
    /// Runs a handler inside the call: the span of the call is current, and the events that it records belong to the call, with
    /// and without a subscriber.
    ///
    /// ```no_run
    /// use auditrail::capture::direct::ContextChange;
    /// use auditrail::{Call, Outcome, Refused, Trail};
    ///
    /// # async fn close(trail: &Trail) -> Result<(), Refused> {
    /// let call = trail.begin(Call::mcp("tools/call").tool("empty_cart")).await?;
    /// call.run(async {
    ///     // … the work …
    ///     trail.record(ContextChange::delete("cart"));
    /// })
    /// .await;
    /// call.finish(Outcome::ok()).await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn run<F: Future>(&self, handler: F) -> impl Future<Output = F::Output> + use<F> {
        scope::within(self.core().clone(), Arc::clone(self.state()), self.span().clone(), handler)
    }
}
