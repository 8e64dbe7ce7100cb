//! How the OTel span of a `tracing` span is reached.
//!
//! `tracing-opentelemetry` gives the OTel context of a span to whoever asks the subscriber for its layer. A
//! `tracing_subscriber::reload::Layer` hides the layer from that. But the layer attaches the context of a span that is entered,
//! and that nobody hides.
//!
//! Invariant: what is found is the context of that very span, never that of one around it. Before a span is entered to find
//! its context, the context that is current is an empty one.

use std::sync::atomic::{AtomicU8, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::marks::{PROBE, TARGET};

/// The way by which OTel spans were found last.
#[derive(Debug, Default)]
pub(crate) struct Reach(AtomicU8);

/// A way to OTel spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nobody has looked.
    Unknown,
    /// The OTel layer is asked.
    Asking,
    /// It is hidden, and known by what it attaches.
    Entering,
    /// There is none, as far as anybody can see.
    None,
}

impl Reach {
    #[inline]
    pub(crate) fn way(&self) -> Way {
        let way = self.0.load(Ordering::Relaxed);
        [Way::Unknown, Way::Asking, Way::Entering].into_iter().find(|known| *known as u8 == way).unwrap_or(Way::None)
    }

    /// Written only if it is another: every thread reads it.
    pub(crate) fn note(&self, way: Way) {
        if self.way() != way {
            self.0.store(way as u8, Ordering::Relaxed);
        }
    }

    /// The layers have changed, or may have: what was not there may be there now.
    #[cfg(feature = "layer")]
    pub(crate) fn look_again(&self) {
        if self.way() == Way::None {
            self.note(Way::Unknown);
        }
    }

    /// Whether an OTel layer of the current subscriber hides. A parent cannot be set on its spans once they are made: it has
    /// to be current while they are.
    pub(in crate::trail) fn hides(&self) -> bool {
        if self.way() == Way::Unknown
            && let Some(way) = probe()
        {
            self.note(way);
        }
        self.way() == Way::Entering
    }

    /// Enters a span of ours for the first time, so that every layer's view of it begins here, and finds its context.
    pub(in crate::trail) fn enter(&self, span: &Span) -> Option<Context> {
        let attached = attached_by(|look| span.in_scope(look));
        let asked =
            span.with_subscriber(|(id, dispatch)| tracing_opentelemetry::get_otel_context(id, dispatch)).flatten();
        if !span.is_disabled() {
            self.note(match (&asked, &attached) {
                (Some(_), _) => Way::Asking,
                (None, Some(_)) => Way::Entering,
                (None, None) => Way::None,
            });
        }
        asked.or(attached)
    }
}

/// The context that entering a span attaches, if that is one of a span: `enter` enters it, and looks.
pub(crate) fn attached_by(enter: impl FnOnce(fn() -> Context) -> Context) -> Option<Context> {
    let _empty = Context::new().attach();
    Some(enter(Context::current)).filter(Context::has_active_span)
}

/// Whether the ids in a context are of a span of its own. A tracer that makes none, such as that of an OTel layer which was
/// given no tracer, hands on those of the parent.
pub(crate) fn has_own_ids(context: &Context, parent: Option<&Context>) -> bool {
    let (span, parent) = (context.span(), parent.map(Context::span));
    let (own, parent) = (span.span_context(), parent.as_ref().map(|parent| parent.span_context()));
    own.is_valid() && !own.is_remote() && parent.is_none_or(|parent| parent.span_id() != own.span_id())
}

/// Finds the way by a span that no SDK exports; `None` if that is disabled.
fn probe() -> Option<Way> {
    let _empty = Context::new().attach();
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    // Of a suppressed context, where there is one to be found.
    let span = tracing::info_span!(target: TARGET, PROBE);
    if span.is_disabled() {
        return None;
    }
    if span.set_parent(Context::current()).is_ok() {
        return Some(Way::Asking);
    }
    let is_attached = span.in_scope(|| Context::current().has_active_span());
    Some(if is_attached { Way::Entering } else { Way::None })
}
