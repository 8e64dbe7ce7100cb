//! Makes it known which call a span belongs to: to the layer, or by a mark on the span where there is no layer of this trail.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Weak};

use tracing::Span;
use tracing_subscriber::Registry;
use tracing_subscriber::registry::{LookupSpan as _, SpanRef};

use crate::record::names;
use crate::trail::calls::CallState;
use crate::trail::core::Core;

thread_local! {
    /// The call, and the trail that opens it.
    static OPENING: RefCell<Option<(Arc<CallState>, usize)>> = const { RefCell::new(None) };
    /// A layer of that trail has taken it.
    static IS_TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// Hands the state to the layers of the span's own subscriber, by a recording that means more to ours than to others.
pub(in crate::trail) fn announce(core: &Core, span: &Span, state: &Arc<CallState>) {
    IS_TAKEN.set(false);
    OPENING.with(|opening| *opening.borrow_mut() = Some((state.clone(), address(core))));
    span.record(names::AUDITRAIL_EVENT, state.event().as_str());
    OPENING.with(|opening| *opening.borrow_mut() = None);
    if !IS_TAKEN.get() {
        mark(core, span, state);
    }
}

/// The state that is being handed over to a layer of that trail, and whether it is a call of that trail.
#[cfg(feature = "layer")]
pub(crate) fn taken(core: &Core) -> Option<(Arc<CallState>, bool)> {
    let (state, trail) = OPENING.with(|opening| opening.borrow().clone())?;
    let is_own = trail == address(core);
    IS_TAKEN.set(IS_TAKEN.get() || is_own);
    Some((state, is_own))
}

/// The call on whose span a trail has left its mark.
pub(super) fn marked(core: &Core, span: &SpanRef<'_, Registry>) -> Option<Arc<CallState>> {
    let extensions = span.extensions();
    let mark = extensions.get::<CallMark>().filter(|mark| mark.trail == address(core))?;
    mark.call.upgrade()
}

fn mark(core: &Core, span: &Span, call: &Arc<CallState>) {
    span.with_subscriber(|(id, subscriber)| {
        if let Some(span) = subscriber.downcast_ref::<Registry>().and_then(|registry| registry.span(id)) {
            span.extensions_mut().replace(CallMark { trail: address(core), call: Arc::downgrade(call) });
        }
    });
}

/// The span is that of a call of that trail.
#[derive(Debug)]
struct CallMark {
    trail: usize,
    call: Weak<CallState>,
}

fn address(core: &Core) -> usize {
    std::ptr::from_ref(core).addr()
}
