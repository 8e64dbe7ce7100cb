//! Warns the operator when records have no trace and span ids, once for each cause: such a record cannot be found from its trace.

use std::sync::atomic::{AtomicU16, Ordering};

use crate::config::Notices;

/// Warns once for each cause.
#[derive(Debug)]
pub(crate) struct MissingIdsWarnings {
    notices: Notices,
    told: AtomicU16,
}

/// Why records have no ids, or a layer no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "layer"), expect(dead_code, reason = "the other reasons are those of the layer"))]
pub(crate) enum MissingIds {
    /// There is no subscriber, so there are no spans.
    NoSubscriber,
    /// A filter disables the spans of calls.
    Disabled,
    /// No OTel layer is found by any way.
    NoOtelLayer,
    /// There is one, and its tracer makes no spans.
    NoTracer,
    /// There is one, and it knows nothing of the span.
    Filtered,
    /// The audit layer stands behind a layer that hides it, and so does the OTel layer.
    BothHidden,
    /// The audit layer does not know the subscriber that it is part of.
    ForeignSubscriber,
    /// The OTel layer lets go of a span before the audit layer sees its close.
    NeverEntered,
    /// An event says that it happened in a span that is not entered there.
    Elsewhere,
    /// The layer of another trail was first.
    OtherTrail,
}

impl MissingIdsWarnings {
    pub(in crate::trail) fn to(notices: Notices) -> Self {
        Self { notices, told: AtomicU16::default() }
    }

    /// None are expected: there are no traces on purpose.
    #[cfg(any(feature = "internals", feature = "layer"))]
    pub(crate) fn expect_none(&self) {
        self.told.fetch_or(!bit(MissingIds::OtherTrail), Ordering::Relaxed);
    }

    /// Warns that the records of a span have no ids, unless it has warned of that cause.
    pub(crate) fn warn(&self, why: MissingIds, span: &str) {
        let bit = bit(why);
        if self.told.load(Ordering::Relaxed) & bit == 0 && self.told.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
            self.notices.warn(why.text(span));
        }
    }
}

const fn bit(why: MissingIds) -> u16 {
    1 << (why as u16)
}

impl MissingIds {
    fn text(self, span: &str) -> String {
        let what = match self {
            Self::OtherTrail => "has no records of this trail",
            _ => "has records without trace and span ids",
        };
        format!("the span {span} {what}: {}", self.why())
    }

    fn why(self) -> &'static str {
        match self {
            Self::NoSubscriber => {
                "this process has no tracing subscriber where the call began; call install_tracing(), or set up a subscriber \
                 with an OTel layer"
            }
            Self::Disabled => {
                "a filter of the subscriber disables spans of the target auditrail at INFO; let them pass, or filter each \
                 layer by itself"
            }
            Self::NoOtelLayer => {
                "no OTel layer can be reached in this subscriber. If it is to have none, that is all. If it has one, it is \
                 that of another version of tracing-opentelemetry than auditrail's: use auditrail::tracing_opentelemetry; \
                 or it stands behind a reload layer or the like and does not activate its contexts: put it beside that \
                 layer, or leave out with_context_activation(false)"
            }
            Self::NoTracer => {
                "the tracer of the OTel layer makes no spans; give it one with with_tracer(), whose provider is not shut down"
            }
            Self::Filtered => "the filter of the OTel layer hides it; let audited spans pass",
            Self::BothHidden => {
                "the audit layer and the OTel layer are both hidden by a reload layer or the like; put one of them beside it"
            }
            Self::ForeignSubscriber => {
                "the audit layer stands behind a layer that does not tell it its subscriber, and that is not the current \
                 one; make it the default, or put the audit layer beside that layer"
            }
            Self::NeverEntered => {
                "it was never entered, and the OTel layer has ended it before the audit layer saw that; put trail.layer() \
                 before the OTel layer"
            }
            Self::Elsewhere => {
                "an event was emitted for it outside of it, where the OTel layer does not know it or cannot be asked; emit it \
                 inside the span"
            }
            Self::OtherTrail => {
                "another audit layer in this subscriber has audited it already; use one trail for a subscriber, or give each \
                 audit layer a filter for spans of its own"
            }
        }
    }
}
