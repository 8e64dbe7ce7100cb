//! Counts the spans that close, for the warning that none of them was audited.

use std::sync::Arc;

use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::trail::PROBE;
use crate::trail::{Core, TARGET, beginning};

/// Sees every span, while the audit layer's filter lets only relevant spans pass.
#[derive(Debug)]
pub(in crate::capture) struct WatchLayer(pub(in crate::capture) Arc<Core>);

impl<S> Layer<S> for WatchLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        // The OTel layer sees it next.
        beginning::check(id.into_u64());
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(span) = context.span(&id) {
            // The audit layer counts audited spans, and then this count is over.
            count(&self.0, &span);
        }
    }
}

/// Counts a span that closes and is not audited.
pub(super) fn count<S: for<'span> LookupSpan<'span>>(core: &Core, span: &SpanRef<'_, S>) {
    if (span.metadata().target(), span.name()) != (TARGET, PROBE) {
        core.unaudited_spans().closed(false);
    }
}
