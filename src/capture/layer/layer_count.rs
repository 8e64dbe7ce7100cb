//! Several layers in one process: two on one registry must not audit a span twice.

use std::sync::atomic::{AtomicUsize, Ordering};

use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Counts one layer among those of the process.
#[derive(Debug)]
pub(super) struct LayerCount(());

impl LayerCount {
    /// Whether there are others. A layer on the same registry was created before any span that both see.
    #[inline]
    pub(super) fn others(&self) -> bool {
        LAYERS.load(Ordering::Relaxed) > 1
    }
}

impl Default for LayerCount {
    fn default() -> Self {
        LAYERS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for LayerCount {
    fn drop(&mut self) {
        LAYERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Claims a span for the layer that asks first; returns whether another layer has claimed it.
pub(super) fn is_claimed<S: for<'span> LookupSpan<'span>>(span: &SpanRef<'_, S>) -> bool {
    span.extensions_mut().replace(ClaimedMark).is_some()
}

#[derive(Debug)]
struct ClaimedMark;

static LAYERS: AtomicUsize = AtomicUsize::new(0);
