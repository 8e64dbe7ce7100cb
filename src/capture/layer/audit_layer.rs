//! The `tracing` layer: how it handles the spans and events of its subscriber.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use opentelemetry::trace::TraceContextExt as _;

use tracing::field::Visit;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::audited_span::{self, AuditedSpan, EnclosingCall};
use super::calls_of_spans::CallsOfSpans;
use super::layer_count::{self, LayerCount};
use super::lookup::{self, ContextLookup, ContextLookupResult};
use super::open_spans::OpenSpans;
use super::plan::{self, EventPlan, Plans, SpanPlan};
use super::span_entry::{self, SpanEntry};
use super::visit::AllowedFields;
use super::watch;
use crate::Trail;
use crate::trail::{Core, MissingIds, beginning, opening};

/// The `tracing` layer that turns annotated spans and events into records. Made by
/// [`Trail::layer`](crate::Trail::layer). Add it before the OTel layer, so that the end of a record is mirrored on
/// its span; ids are correct in any order.
#[derive(Debug)]
pub struct AuditLayer {
    core: Arc<Core>,
    plans: Plans,
    open: Arc<OpenSpans>,
    lookup: Arc<ContextLookup>,
    /// How the trail finds calls by their spans. It holds it weakly.
    _calls: Arc<CallsOfSpans>,
    counts_spans: bool,
    is_mirrored: AtomicBool,
    /// The span with which `install_tracing` tests itself.
    probe: AtomicU64,
    other_trails: LayerCount,
}

impl AuditLayer {
    /// Leaves the counting of closed spans to a [`WatchLayer`](watch::WatchLayer), because this layer is about to get
    /// a filter.
    pub(in crate::capture) fn without_watch(self) -> Self {
        Self { counts_spans: false, ..self }
    }

    /// For a position inside the OTel layer, where the end of every record can be mirrored.
    pub(in crate::capture) fn mirrored(self) -> Self {
        Self { is_mirrored: AtomicBool::new(true), ..self }
    }
}

impl Trail {
    /// Creates the audit layer for your own subscriber. Put it before the layer of `tracing-opentelemetry`:
    ///
    /// ```no_run
    /// # use tracing_subscriber::prelude::*;
    /// # let trail = auditrail::Trail::builder("weather").start()?;
    /// tracing_subscriber::registry().with(trail.layer()).init();
    /// # Ok::<(), auditrail::trail::StartError>(())
    /// ```
    #[must_use]
    pub fn layer(&self) -> AuditLayer {
        let (open, lookup) = (Arc::<OpenSpans>::default(), Arc::<ContextLookup>::default());
        let calls = Arc::new(CallsOfSpans::new(open.clone(), lookup.clone()));
        self.core().add_holder(&calls);
        AuditLayer {
            core: self.core().clone(),
            plans: Plans::default(),
            open,
            probe: AtomicU64::new(NO_SPAN),
            other_trails: LayerCount::default(),
            lookup,
            _calls: calls,
            counts_spans: true,
            is_mirrored: AtomicBool::new(false),
        }
    }
}

impl<S> Layer<S> for AuditLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.lookup.know(subscriber);
    }

    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // Also called after a reload layer has got another layer.
        self.lookup.look_again();
        self.core.reach().look_again();
        Interest::always()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let plan = self.plans.span(attributes.metadata(), &self.core);
        if let SpanPlan::Audited(fields) = plan {
            return self.begin(id, attributes, fields, &context);
        }
        beginning::check(id.into_u64());
        // In case the close of an earlier span with that id was missed.
        drop(self.open.take(id));
        match plan {
            SpanPlan::Enriching(fields) if !is_root(attributes, &context) => {
                if let Some(entry) = context.span(id).and_then(|span| self.enclosing(&span)) {
                    attributes.record(&mut self.enriching(fields, &entry));
                }
            }
            SpanPlan::Probe => self.probe.store(id.into_u64(), Ordering::Relaxed),
            _ => {}
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        match self.plans.span(span.metadata(), &self.core) {
            SpanPlan::Call => {
                if let Some((state, is_own)) = opening::taken(&self.core) {
                    self.open.keep(id, SpanEntry::Call { state, is_own }, false);
                }
            }
            SpanPlan::Enriching(fields) | SpanPlan::Audited(fields) => {
                if let Some(entry) = self.open.get(id) {
                    let Some(audited) = entry.audited() else { return };
                    values.record(&mut fields.visit(|field, given| audited.say(&self.core, field, given)));
                    if audited.is_waiting() && audited.state().event().has_halves() {
                        self.open.wait(id);
                    }
                } else if let Some(entry) = self.enclosing(&span) {
                    values.record(&mut self.enriching(fields, &entry));
                }
            }
            SpanPlan::Ignored | SpanPlan::Probe => {}
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if lookup::is_looking() {
            return;
        }
        self.lookup.learn(self.is_seen(), id, &context);
        let entered = |entry: &SpanEntry| {
            let audited = entry.audited()?;
            audited.course().entered();
            let opens = audited.state().event().has_halves() || !self.has_ids_at_close();
            opens.then(|| entry.clone())
        };
        if let Some(opens) = self.open.with_waiting(id, entered) {
            if let Some(audited) = opens.as_ref().and_then(SpanEntry::audited) {
                let sought =
                    || context.span(id).and_then(|span| self.told(&span, self.lookup.entered(self.is_seen(), &span)));
                let otel = || self.lookup.known(id).or_else(sought);
                audited.open(&self.core, otel, self.is_mirrored.load(Ordering::Relaxed));
            }
        } else if self.probe.load(Ordering::Relaxed) == id.into_u64() {
            let found = context.span(id).and_then(|span| self.lookup.entered(self.is_seen(), &span).ok());
            plan::see_probe(found.as_ref());
        }
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        if lookup::is_looking() {
            return;
        }
        let left = |entry: &SpanEntry| {
            let audited = entry.audited()?;
            let is_over = audited.course().left(|| self.core.clock().monotonic_nano());
            is_over.then(|| entry.clone())
        };
        // Most spans are exited before they are over, so this only looks at the table.
        if let Some(over) = self.open.with(id, left).flatten()
            && let Some(audited) = over.audited()
        {
            audited.end_span();
        }
    }

    #[cfg(feature = "logs")]
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if self.core.expects_bridge() && matches!(self.plans.event(event.metadata(), &self.core), EventPlan::Audited(_))
        {
            super::heard::note(&self.core, event.metadata());
        }
        true
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        match self.plans.event(event.metadata(), &self.core) {
            EventPlan::Ignored => {}
            EventPlan::Instrumented => {
                let span = context.event_span(event).filter(|span| plan::same_place(span.metadata(), event.metadata()));
                if let Some(span) = span
                    && let Some(SpanEntry::Span(audited)) = self.open.get(&span.id())
                    && audited.hear(&self.core, event)
                {
                    self.end(audited, &span.id(), &context, false);
                }
            }
            EventPlan::Audited(fields) => {
                let span = context.event_span(event);
                // No lock on the span is held here: no layer calls others while it handles an event.
                let found = |span: &SpanRef<'_, S>| match event.is_contextual() {
                    true => self.lookup.entered(self.is_seen(), span),
                    false => self.lookup.asked(self.is_seen(), span).ok_or(MissingIds::Elsewhere),
                };
                let otel = span.as_ref().and_then(|span| self.told(span, found(span)));
                let open = |span| self.open_call(&span).or_else(|| self.open_call_around(&span));
                let around = span.and_then(open);
                let around = around.as_ref().map(|(call, around)| (call.state(), around));
                audited_span::write_event(&self.core, event, fields, otel, around);
            }
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(entry) = self.open.take(&id) else {
            if self.counts_spans
                && let Some(span) = context.span(&id)
            {
                watch::count(&self.core, &span);
            }
            return;
        };
        self.core.unaudited_spans().closed(true);
        let SpanEntry::Span(audited) = entry else { return };
        if audited.course().is_over() {
            audited.end_span();
            return span_entry::recycle(audited);
        }
        self.end(audited, &id, &context, true);
    }
}

impl AuditLayer {
    /// An audited span was created: it is part of the call around it, or it has its own records.
    fn begin<S>(&self, id: &Id, attributes: &Attributes<'_>, fields: &AllowedFields, context: &Context<'_, S>)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let span = if is_root(attributes, context) { None } else { context.span(id) };
        let around = span.and_then(|span| self.open_call_around(&span));
        let name = attributes.metadata().name();
        let mut is_part = false;
        let audited = span_entry::fresh(|audited| {
            audited.take_fields(|visitor| attributes.record(visitor), name, fields, &self.core);
            match &around {
                Some((call, _)) if audited.state().event().has_halves() => {
                    call.state().enrich_all(audited.facts_mut());
                    is_part = true;
                }
                _ => {
                    audited.begin(&self.core, (id, name), around.as_ref().map(|(call, around)| (call.state(), around)))
                }
            }
        });
        let is_others = !is_part
            && self.other_trails.others()
            && context.span(id).is_some_and(|span| layer_count::is_claimed(&span));
        if is_others {
            self.core.missing_ids().warn(MissingIds::OtherTrail, name);
        }
        if is_part || is_others {
            // In case the close of an earlier span with that id was missed.
            drop(self.open.take(id));
            span_entry::recycle(audited);
        } else {
            self.open.keep(id, SpanEntry::Span(audited), true);
        }
    }

    /// An audited span has ended: it closes, or it has reported its end.
    fn end<S>(&self, mut audited: Arc<AuditedSpan>, id: &Id, context: &Context<'_, S>, closes: bool)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let is_mirrored = self.is_mirrored.load(Ordering::Relaxed);
        let is_call = audited.state().event().has_halves();
        let was_entered = audited.course().was_entered();
        let was_looked_for = was_entered && (is_call || !self.has_ids_at_close());
        let otel = || {
            let known = self.lookup.known(id);
            if known.is_some() {
                return known;
            }
            let span = context.span(id)?;
            let found = self.lookup.left(self.is_seen(), &span, was_entered);
            if was_looked_for { found.ok() } else { self.told(&span, found) }
        };
        if is_call && audited.is_waiting() {
            // It was never entered, or entered before it was a call.
            audited.open(&self.core, otel, is_mirrored);
        }
        let closed = match Arc::get_mut(&mut audited) {
            Some(alone) => alone.close_alone(&self.core, otel, is_mirrored),
            None => audited.close(&self.core, otel, is_mirrored),
        };
        if closes && !is_mirrored && audited.otel(&closed).is_some_and(|otel| otel.span().is_recording()) {
            // Its OTel span is still open, so the order of the layers is the one that applies to all spans.
            self.is_mirrored.store(true, Ordering::Relaxed);
        }
        // After the event that reports its end, the span ends when it is exited, because the OTel layer has not seen
        // that event yet.
        if closes {
            audited.end_closed(&closed);
        }
        span_entry::recycle(audited);
    }

    /// Whether this layer is visible from a subscriber.
    fn is_seen(&self) -> impl Fn(&Dispatch) -> bool {
        |subscriber| subscriber.downcast_ref::<Self>().is_some_and(|seen| std::ptr::eq(seen, self))
    }

    /// Whether the ids of a span are available at its close as well as at its entry.
    fn has_ids_at_close(&self) -> bool {
        // Without its own dispatcher, the layer depends on the current one, which may be any at a close.
        self.is_mirrored.load(Ordering::Relaxed) && self.lookup.can_ask()
    }

    fn enriching<'a>(&'a self, fields: &'a AllowedFields, entry: &'a SpanEntry) -> impl Visit {
        fields.visit(|field, given| audited_span::enrich(entry.state(), &self.core, field, given))
    }

    /// The context that was found for exactly that span. If it has no ids, the operator gets the reason.
    fn told<S>(&self, span: &SpanRef<'_, S>, found: ContextLookupResult) -> Option<opentelemetry::Context>
    where
        S: for<'span> LookupSpan<'span>,
    {
        found.inspect_err(|why| self.core.missing_ids().warn(*why, span.name())).ok()
    }

    /// The nearest audited span around a span: a call, open or not, or a moment.
    fn enclosing<S: for<'span> LookupSpan<'span>>(&self, span: &SpanRef<'_, S>) -> Option<SpanEntry> {
        parents(span).find_map(|span| self.open.get(&span.id()))
    }

    /// The nearest open call around a span, and its id. A moment does not count, nor does a call whose response is
    /// written.
    fn open_call_around<S>(&self, span: &SpanRef<'_, S>) -> Option<(SpanEntry, EnclosingCall)>
    where
        S: for<'span> LookupSpan<'span>,
    {
        parents(span).find_map(|span| self.open_call(&span))
    }

    fn open_call<S: for<'span> LookupSpan<'span>>(&self, span: &SpanRef<'_, S>) -> Option<(SpanEntry, EnclosingCall)> {
        let entry = self.open.get(&span.id())?;
        let around = EnclosingCall { call: entry.open_call()?, caller: entry.state().caller() };
        Some((entry, around))
    }
}

/// Whether a new span certainly has no parent, as a registry decides it, so that none has to be searched.
fn is_root<S: Subscriber>(attributes: &Attributes<'_>, context: &Context<'_, S>) -> bool {
    let current_is_none = || {
        let current = context.current_span();
        current.is_known() && current.id().is_none()
    };
    attributes.is_root() || (attributes.is_contextual() && current_is_none())
}

fn parents<'a, S: for<'span> LookupSpan<'span>>(span: &SpanRef<'a, S>) -> impl Iterator<Item = SpanRef<'a, S>> {
    std::iter::successors(span.parent(), SpanRef::parent)
}

/// The id of a span is never zero.
const NO_SPAN: u64 = 0;
