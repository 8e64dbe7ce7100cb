//! What the layer keeps for a span, and the reuse of its memory.
//!
//! Invariants:
//! 1. Memory is reused for another span only when nothing else can access it: it has one owner then.
//! 2. The memory that a thread keeps is bounded, in spans and in bytes.

use std::cell::RefCell;
use std::sync::Arc;

use super::audited_span::AuditedSpan;
use crate::record::RecordId;
use crate::trail::CallState;

/// What is kept for a span.
#[derive(Debug, Clone)]
pub(super) enum SpanEntry {
    /// The span of a call that a trail has opened.
    Call {
        /// Its state.
        state: Arc<CallState>,
        /// It is of the trail of this layer.
        is_own: bool,
    },
    /// A span that the layer audits itself.
    Span(Arc<AuditedSpan>),
}

impl SpanEntry {
    pub(super) fn state(&self) -> &CallState {
        match self {
            Self::Call { state, .. } => state,
            Self::Span(audited) => audited.state(),
        }
    }

    /// The audited span, if the layer audits it itself.
    pub(super) fn audited(&self) -> Option<&AuditedSpan> {
        match self {
            Self::Call { .. } => None,
            Self::Span(audited) => Some(audited),
        }
    }

    /// Whether it is of the trail of this layer.
    pub(super) fn is_own(&self) -> bool {
        !matches!(self, Self::Call { is_own: false, .. })
    }

    /// The id of the call, if it is one and still open.
    pub(super) fn open_call(&self) -> Option<RecordId> {
        let state = self.state();
        state.is_open_call().then(|| state.call_id())
    }
}

/// An empty audited span, filled by `fill`.
pub(super) fn fresh(fill: impl FnOnce(&mut AuditedSpan)) -> Arc<AuditedSpan> {
    let mut audited = FREE.try_with(|free| free.try_borrow_mut().ok()?.pop()).ok().flatten().unwrap_or_default();
    // A free one has one owner.
    if let Some(audited) = Arc::get_mut(&mut audited) {
        fill(audited);
    }
    audited
}

/// Keeps the memory for another span of this thread.
pub(super) fn recycle(mut audited: Arc<AuditedSpan>) {
    // Clearing may end an OTel span, which calls the user's code, so nothing is borrowed.
    if !Arc::get_mut(&mut audited).is_some_and(AuditedSpan::clear) {
        return;
    }
    let keep = |free: &RefCell<Vec<_>>| match free.try_borrow_mut() {
        Ok(mut free) if free.len() < MOST_FREE => free.push(audited),
        _ => {}
    };
    // At the end of a thread, nothing can be kept.
    FREE.try_with(keep).unwrap_or_default();
}

thread_local!(static FREE: RefCell<Vec<Arc<AuditedSpan>>> = const { RefCell::new(Vec::new()) });

/// More than are nested on one thread at a time; a burst beyond that allocates.
const MOST_FREE: usize = 32;
