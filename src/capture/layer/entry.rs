//! What the layer keeps with a span, and the memory for it.
//!
//! Invariants:
//! 1. Memory is used for another span only when nobody else can see it: it has one owner then.
//! 2. The memory that a thread keeps is bounded, in spans and in bytes.

use std::cell::RefCell;
use std::sync::Arc;

use tracing_subscriber::registry::{LookupSpan, SpanRef};

use super::audited::Audited;
use crate::record::RecordId;
use crate::trail::{CallState, Core};

/// Kept with a span.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    kept: Kept,
    /// The trail whose layer made it: another trail's layer on the same registry keeps its hands off.
    owner: usize,
}

#[derive(Debug, Clone)]
enum Kept {
    /// The span of a call that the trail has opened: leads to its state.
    Call(Arc<CallState>),
    /// A span that the layer audits by itself.
    Span(Arc<Audited>),
}

impl Entry {
    pub(super) fn of_open_call(core: &Core, state: Arc<CallState>) -> Self {
        Self { kept: Kept::Call(state), owner: owner(core) }
    }

    pub(super) fn of_span(core: &Core, audited: Arc<Audited>) -> Self {
        Self { kept: Kept::Span(audited), owner: owner(core) }
    }

    pub(super) fn belongs_to(&self, core: &Core) -> bool {
        self.owner == owner(core)
    }

    pub(super) fn state(&self) -> &CallState {
        match &self.kept {
            Kept::Call(state) => state,
            Kept::Span(audited) => audited.state(),
        }
    }

    /// If the layer audits the span by itself.
    pub(super) fn audited(&self) -> Option<&Audited> {
        match &self.kept {
            Kept::Call(_) => None,
            Kept::Span(audited) => Some(audited),
        }
    }

    /// The id of the call that this stands for, if it is one and still going on.
    pub(super) fn open_call(&self) -> Option<RecordId> {
        let state = self.state();
        state.is_open_call().then(|| state.call_id())
    }

    /// Nobody needs it any more.
    pub(super) fn recycle(self) {
        if let Kept::Span(audited) = self.kept {
            recycle(audited);
        }
    }

    /// Keeps it with its span; the first stays, should two trails share a registry.
    pub(super) fn keep<S: for<'span> LookupSpan<'span>>(self, span: &SpanRef<'_, S>) {
        let mut extensions = span.extensions_mut();
        if extensions.get_mut::<Self>().is_none() {
            extensions.insert(self);
        }
    }

    /// What this trail's layer keeps with a span.
    pub(super) fn of<S: for<'span> LookupSpan<'span>>(span: &SpanRef<'_, S>, core: &Core) -> Option<Self> {
        span.extensions().get::<Self>().filter(|entry| entry.belongs_to(core)).cloned()
    }

    /// The same, taken away from the span.
    pub(super) fn taken<S: for<'span> LookupSpan<'span>>(span: &SpanRef<'_, S>, core: &Core) -> Option<Self> {
        let mut extensions = span.extensions_mut();
        let is_ours = extensions.get_mut::<Self>().is_some_and(|entry| entry.belongs_to(core));
        if is_ours { extensions.remove() } else { None }
    }
}

/// An audited span that says nothing yet, filled.
pub(super) fn fresh(fill: impl FnOnce(&mut Audited)) -> Arc<Audited> {
    let mut audited = FREE.try_with(|free| free.try_borrow_mut().ok()?.pop()).ok().flatten().unwrap_or_default();
    // What is free has one owner.
    if let Some(audited) = Arc::get_mut(&mut audited) {
        fill(audited);
    }
    audited
}

/// Keeps the memory for another span of this thread.
pub(super) fn recycle(mut audited: Arc<Audited>) {
    // Clearing may end an OTel span, which calls the user's own code: nothing is borrowed.
    if !Arc::get_mut(&mut audited).is_some_and(Audited::clear) {
        return;
    }
    let keep = |free: &RefCell<Vec<_>>| match free.try_borrow_mut() {
        Ok(mut free) if free.len() < MOST_FREE => free.push(audited),
        _ => {}
    };
    // At the end of a thread there is nothing to keep it in.
    FREE.try_with(keep).unwrap_or_default();
}

thread_local!(static FREE: RefCell<Vec<Arc<Audited>>> = const { RefCell::new(Vec::new()) });

/// More than are open on one thread at a time, one inside the other; a burst beyond that allocates.
const MOST_FREE: usize = 32;

fn owner(core: &Core) -> usize {
    std::ptr::from_ref(core).addr()
}
