//! Finds the OTel span of an audited span: by asking the OTel layer of its subscriber or, if that is hidden, by
//! entering the span once more ([`trail::reach`](crate::trail)).
//!
//! Invariants:
//! 1. A span is searched only in the subscriber that this layer belongs to: in another one, its id is another span.
//! 2. No span is entered while a lock may be held around this layer, but only if the layer is visible from its
//!    subscriber, so that it is in no reload layer.
//! 3. A span that is entered for a lookup is already on this thread's stack of spans, so nothing counts it again.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::Context;
use tracing::dispatcher::{self, WeakDispatch};
use tracing::span::Id;
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::registry::{LookupSpan, SpanRef};
use tracing_subscriber::{Registry, layer};

use crate::trail::{MissingIds, Reach, Way, attached_by, has_own_ids};

/// What one layer knows about access to OTel spans.
#[derive(Debug, Default)]
pub(super) struct ContextLookup {
    subscriber: OnceLock<WeakDispatch>,
    reach: Reach,
}

/// A span's OTel context, or why it has none.
pub(super) type ContextLookupResult = Result<Context, MissingIds>;

/// `is_seen` says whether the layer is visible from a subscriber: then it is part of it, and nothing hides it.
impl ContextLookup {
    /// The subscriber has announced itself. This happens once, because a layer is part of one subscriber.
    pub(super) fn know(&self, subscriber: &Dispatch) {
        drop(self.subscriber.set(subscriber.downgrade()));
    }

    /// Whether the layer belongs to that registry.
    pub(super) fn is_in(&self, registry: &Registry) -> bool {
        let known = self.subscriber.get().and_then(WeakDispatch::upgrade);
        let known = known.as_ref().and_then(|subscriber| subscriber.downcast_ref::<Registry>());
        known.is_some_and(|known| std::ptr::eq(known, registry))
    }

    /// The layers have changed, or may have.
    pub(super) fn look_again(&self) {
        self.reach.look_again();
    }

    /// Whether the OTel span can be resolved at any time, including the close of its span.
    pub(super) fn can_ask(&self) -> bool {
        self.reach.way() == Way::Asking && self.subscriber.get().is_some()
    }

    /// The context of a span by its id alone, which needs no lookup in the registry, if the subscriber has announced
    /// itself and its OTel layer can be asked. No extensions may be locked.
    #[inline]
    pub(super) fn known(&self, id: &Id) -> Option<Context> {
        let subscriber = self.subscriber.get()?.upgrade()?;
        let context = tracing_opentelemetry::get_otel_context(id, &subscriber)?;
        self.reach.note(Way::Asking);
        valid(context).ok()
    }

    /// The context of a span that this thread has entered. No extensions may be locked.
    pub(super) fn entered<S>(&self, is_seen: impl Fn(&Dispatch) -> bool, span: &SpanRef<'_, S>) -> ContextLookupResult
    where
        S: for<'span> LookupSpan<'span>,
    {
        if let Some(context) = self.asked(&is_seen, span) {
            return valid(context);
        }
        let subscriber = self.subscriber(&is_seen, span).ok_or(MissingIds::ForeignSubscriber)?;
        match self.reach.way() {
            Way::Asking => return Err(MissingIds::Filtered),
            Way::None => return Err(MissingIds::NoOtelLayer),
            Way::Unknown | Way::Entering if !is_seen(&subscriber) => return Err(MissingIds::BothHidden),
            Way::Unknown | Way::Entering => {}
        }
        match by_entering(&subscriber, &span.id()) {
            Some(context) => {
                self.reach.note(Way::Entering);
                valid(context)
            }
            None if self.reach.way() == Way::Entering => Err(MissingIds::Filtered),
            None => {
                self.reach.note(Way::None);
                Err(MissingIds::NoOtelLayer)
            }
        }
    }

    /// The context of a span that closes.
    pub(super) fn left<S>(
        &self,
        is_seen: impl Fn(&Dispatch) -> bool,
        span: &SpanRef<'_, S>,
        was_entered: bool,
    ) -> ContextLookupResult
    where
        S: for<'span> LookupSpan<'span>,
    {
        if let Some(context) = self.asked(&is_seen, span) {
            return valid(context);
        }
        Err(match self.reach.way() {
            Way::None => MissingIds::NoOtelLayer,
            _ if was_entered => MissingIds::Filtered,
            _ => MissingIds::NeverEntered,
        })
    }

    /// The context of a span, entered or not, if its OTel layer can be asked.
    pub(super) fn asked<S>(&self, is_seen: impl Fn(&Dispatch) -> bool, span: &SpanRef<'_, S>) -> Option<Context>
    where
        S: for<'span> LookupSpan<'span>,
    {
        let context = tracing_opentelemetry::get_otel_context(&span.id(), &self.subscriber(&is_seen, span)?)?;
        self.reach.note(Way::Asking);
        Some(context)
    }

    /// Finds the subscriber if it has not announced itself: when a span is entered, the current one is visible.
    pub(super) fn learn<S>(&self, is_seen: impl Fn(&Dispatch) -> bool, id: &Id, context: &layer::Context<'_, S>)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        if self.subscriber.get().is_none()
            && let Some(span) = context.span(id)
        {
            drop(self.subscriber(is_seen, &span));
        }
    }

    /// The subscriber that the layer is part of. `Option`, `Vec` and a reload layer that got the layer later do not
    /// pass it on; then it is the current one, if that has the very same span.
    fn subscriber<S>(&self, is_seen: impl Fn(&Dispatch) -> bool, span: &SpanRef<'_, S>) -> Option<Dispatch>
    where
        S: for<'span> LookupSpan<'span>,
    {
        if let Some(known) = self.subscriber.get() {
            return known.upgrade();
        }
        dispatcher::get_default(|current| {
            (is_seen(current) || has(current, span)).then(|| {
                self.know(current);
                current.clone()
            })
        })
    }
}

/// Whether a subscriber has that very span, and not another one with its id.
fn has<S>(subscriber: &Dispatch, span: &SpanRef<'_, S>) -> bool
where
    S: for<'span> LookupSpan<'span>,
{
    static LAST: AtomicU64 = AtomicU64::new(0);
    let mark = LAST.fetch_add(1, Ordering::Relaxed);
    span.extensions_mut().replace(LookupMark(mark));
    let theirs = subscriber.downcast_ref::<Registry>().and_then(|registry| registry.span(&span.id()));
    theirs.is_some_and(|theirs| theirs.extensions().get::<LookupMark>().is_some_and(|found| found.0 == mark))
}

#[derive(Debug)]
struct LookupMark(u64);

fn by_entering(subscriber: &Dispatch, id: &Id) -> Option<Context> {
    let _looking = LookupGuard::begin();
    attached_by(|look| {
        subscriber.enter(id);
        let context = look();
        subscriber.exit(id);
        context
    })
}

/// Exists while a span is entered only for a lookup, even if another layer panics in the meantime.
struct LookupGuard;

impl LookupGuard {
    fn begin() -> Self {
        LOOKING.set(true);
        Self
    }
}

impl Drop for LookupGuard {
    fn drop(&mut self) {
        LOOKING.set(false);
    }
}

/// Whether a layer of this thread is entering a span only for a lookup.
pub(super) fn is_looking() -> bool {
    LOOKING.get()
}

thread_local!(static LOOKING: Cell<bool> = const { Cell::new(false) });

fn valid(context: Context) -> ContextLookupResult {
    if has_own_ids(&context, None) { Ok(context) } else { Err(MissingIds::NoTracer) }
}
