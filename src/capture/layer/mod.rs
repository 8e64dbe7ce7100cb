//! Annotated spans become records.
//!
//! - A span with the field `mcp.method.name` or `auditrail.event`, or one that the builder's `audited_when` names, is
//!   audited: begun and finished here if no call is open around it.
//! - A span inside an open call enriches it with the fields whose exact names stand in the contract.
//! - An event with `auditrail.event` is a record of its own.
//!
//! Invariants:
//! 1. The ids of a span are resolved at its first entering, never before: resolving starts the OTel span, and a later
//!    `set_parent` would fail. They are resolved with no lock on the span's extensions held.
//! 2. Ids are empty rather than wrong: never those of a parent.
//! 3. No other field than the allowed ones is even formatted, but for error texts if a `denied_when` hook wants them.

mod audited;
mod plan;
mod said;
mod visit;
mod watch;

use std::sync::{Arc, OnceLock};

use tracing::dispatcher::{self, WeakDispatch};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use self::audited::Entry;
use self::plan::{EventPlan, Plans, SpanPlan};
use crate::Trail;
use crate::trail::{Core, opening};

pub(super) use self::plan::{PROBE, ProbeSeen, is_rmcp, is_wanted, probe_seen};
pub(super) use self::watch::WatchLayer;

/// The layer. Best added before the OTel layer, so that the end of a record is still mirrored on its span; ids are right
/// in any order.
#[derive(Debug)]
pub struct AuditLayer {
    core: Arc<Core>,
    plans: Plans,
    dispatch: OnceLock<WeakDispatch>,
    counts_spans: bool,
}

impl AuditLayer {
    /// Leaves it to a [`WatchLayer`] to count the spans that close: this one is about to get a filter.
    pub(super) fn without_watch(self) -> Self {
        Self { counts_spans: false, ..self }
    }
}

impl Trail {
    /// The layer for a subscriber of your own. Put it before the layer of `tracing-opentelemetry`:
    ///
    /// ```no_run
    /// # use tracing_subscriber::prelude::*;
    /// # let trail = auditrail::Trail::builder("weather").start()?;
    /// tracing_subscriber::registry().with(trail.layer()).init();
    /// # Ok::<(), auditrail::trail::StartError>(())
    /// ```
    #[must_use]
    pub fn layer(&self) -> AuditLayer {
        AuditLayer { core: self.core().clone(), plans: Plans::default(), dispatch: OnceLock::new(), counts_spans: true }
    }
}

impl<S> Layer<S> for AuditLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        // A second subscriber with the same layer is not possible: a layer is owned by one.
        drop(self.dispatch.set(subscriber.downgrade()));
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        match &*self.plans.span(attributes.metadata(), &self.core) {
            SpanPlan::Enriching(fields) => {
                if let Some(entry) = self.enclosing(&span) {
                    attributes.record(&mut fields.visit(|key, role, value| entry.enrich(&self.core, key, role, value)));
                }
            }
            SpanPlan::Audited(fields) => {
                let facts = audited::Facts::of(attributes, fields, &self.core);
                match self.open_call_around(&span) {
                    Some(entry) if facts.event().has_halves() => entry.enrich_all(&self.core, facts),
                    call => {
                        let entry = Entry::begin(&self.core, facts, call.and_then(|call| call.open_call()));
                        keep(&span, entry);
                    }
                }
            }
            SpanPlan::Ignored | SpanPlan::Call | SpanPlan::Probe => {}
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        match &*self.plans.span(span.metadata(), &self.core) {
            SpanPlan::Call => {
                if let Some(state) = opening::taken() {
                    keep(&span, Entry::of_open_call(&self.core, state));
                }
            }
            SpanPlan::Enriching(fields) | SpanPlan::Audited(fields) => {
                if let Some(entry) = self.own(&span) {
                    values.record(&mut fields.visit(|key, role, value| entry.say(&self.core, key, role, value)));
                } else if let Some(entry) = self.enclosing(&span) {
                    values.record(&mut fields.visit(|key, role, value| entry.enrich(&self.core, key, role, value)));
                }
            }
            SpanPlan::Ignored | SpanPlan::Probe => {}
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(entry) = self.own(&span) {
            if entry.is_waiting() {
                entry.open(&self.core, self.otel_context(id));
            }
        } else if matches!(*self.plans.span(span.metadata(), &self.core), SpanPlan::Probe) {
            plan::see_probe(self.otel_context(id).as_ref());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        match &*self.plans.event(event.metadata(), &self.core) {
            EventPlan::Ignored => {}
            EventPlan::Instrumented => {
                let span = context.event_span(event).filter(|span| plan::same_place(span.metadata(), event.metadata()));
                if let Some(entry) = span.and_then(|span| self.own(&span)) {
                    entry.hear(&self.core, event);
                }
            }
            EventPlan::Audited(fields) => {
                let span = context.event_span(event);
                // Nobody holds a lock on the span here: no layer calls others while it handles an event.
                let otel = span.as_ref().and_then(|span| self.otel_context(&span.id()));
                let around = |span| self.own(&span).filter(is_open_call).or_else(|| self.open_call_around(&span));
                let call = span.and_then(around).and_then(|entry| entry.open_call());
                audited::write_event(&self.core, event, fields, otel, call);
            }
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let entry = self.own(&span);
        if self.counts_spans {
            watch::count(&self.core, &span, entry.is_some());
        }
        if let Some(entry) = entry {
            if entry.is_waiting() {
                // Never entered, or entered where no id was to be had.
                entry.open(&self.core, self.otel_context(&id));
            }
            entry.attach_late(|| self.otel_context(&id));
            entry.close(&self.core);
        }
    }
}

impl AuditLayer {
    /// The OTel context of exactly that span, if an OTel layer of this subscriber has it. No extensions may be locked.
    fn otel_context(&self, id: &Id) -> Option<opentelemetry::Context> {
        match self.dispatch.get().and_then(WeakDispatch::upgrade) {
            Some(dispatch) => tracing_opentelemetry::get_otel_context(id, &dispatch),
            // `Option` and `Vec` of layers do not hand the subscriber on. The default one may be somebody else's, in
            // which the same number is another span.
            None => dispatcher::get_default(|dispatch| {
                let mine = dispatch.downcast_ref::<Self>().is_some_and(|layer| std::ptr::eq(layer, self));
                mine.then(|| tracing_opentelemetry::get_otel_context(id, dispatch)).flatten()
            }),
        }
    }

    /// What this trail's layer keeps with the span itself.
    fn own<S: for<'span> LookupSpan<'span>>(&self, span: &SpanRef<'_, S>) -> Option<Entry> {
        own(span).filter(|entry| entry.belongs_to(&self.core))
    }

    /// The nearest audited span around a span: a call, open or not, or a moment.
    fn enclosing<S: for<'span> LookupSpan<'span>>(&self, span: &SpanRef<'_, S>) -> Option<Entry> {
        span.scope().skip(1).find_map(|span| self.own(&span))
    }

    /// The nearest call around a span that is still going on. A moment is none, nor is a call whose response is written.
    fn open_call_around<S: for<'span> LookupSpan<'span>>(&self, span: &SpanRef<'_, S>) -> Option<Entry> {
        span.scope().skip(1).find_map(|span| self.own(&span).filter(is_open_call))
    }
}

fn is_open_call(entry: &Entry) -> bool {
    entry.open_call().is_some()
}

/// Keeps an entry with its span; the first stays, should two trails share a registry.
fn keep<S: for<'span> LookupSpan<'span>>(span: &SpanRef<'_, S>, entry: Entry) {
    let mut extensions = span.extensions_mut();
    if extensions.get_mut::<Entry>().is_none() {
        extensions.insert(entry);
    }
}

/// What is kept with the span itself.
fn own<S: for<'span> LookupSpan<'span>>(span: &SpanRef<'_, S>) -> Option<Entry> {
    span.extensions().get::<Entry>().cloned()
}
