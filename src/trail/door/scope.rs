//! The call whose handler a thread polls. It needs no subscriber.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use tracing::{Instrument as _, Span};

use crate::trail::calls::CallState;
use crate::trail::core::Core;

/// Calls within calls, the innermost last; each with the trail that it is of.
type Polled = Vec<(Arc<Core>, Arc<CallState>)>;

thread_local!(static POLLED: RefCell<Polled> = const { RefCell::new(Vec::new()) });

/// Polls a future inside the span of a call, as its handler.
pub(super) async fn within<F: Future>(core: Arc<Core>, call: Arc<CallState>, span: Span, handler: F) -> F::Output {
    let inside = async {
        let mut handler = pin!(handler);
        poll_fn(|task| {
            let _inside = Inside::enter(&core, &call);
            handler.as_mut().poll(task)
        })
        .await
    };
    inside.instrument(span).await
}

/// The call of that trail that this thread handles.
pub(super) fn current(core: &Core) -> Option<Arc<CallState>> {
    let innermost =
        |polled: &Polled| polled.iter().rev().find(|(of, _)| std::ptr::eq(&**of, core)).map(|(_, call)| call.clone());
    POLLED.try_with(|polled| polled.try_borrow().ok().and_then(|polled| innermost(&polled))).ok().flatten()
}

/// While it lives, the thread handles the call, also where the handler panics.
struct Inside;

impl Inside {
    fn enter(core: &Arc<Core>, call: &Arc<CallState>) -> Self {
        POLLED.with(|polled| polled.borrow_mut().push((core.clone(), call.clone())));
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // What is dropped may run the user's code, so nothing is borrowed.
        drop(POLLED.try_with(|polled| polled.try_borrow_mut().ok().and_then(|mut polled| polled.pop())));
    }
}
