//! Tells the layer that a span belongs to an open call.

use std::cell::RefCell;
use std::sync::Arc;

use tracing::Span;

use crate::record::names;
use crate::trail::calls::CallState;

thread_local!(static OPENING: RefCell<Option<Arc<CallState>>> = const { RefCell::new(None) });

/// Hands the state to the layers of the span's own subscriber, by a recording that means more to ours than to others.
pub(in crate::trail) fn announce(span: &Span, state: &Arc<CallState>) {
    OPENING.with(|opening| *opening.borrow_mut() = Some(state.clone()));
    span.record(names::AUDITRAIL_EVENT, state.event().as_str());
    OPENING.with(|opening| *opening.borrow_mut() = None);
}

/// The state that is being handed over.
#[cfg(feature = "layer")]
pub(crate) fn taken() -> Option<Arc<CallState>> {
    OPENING.with(|opening| opening.borrow().clone())
}
