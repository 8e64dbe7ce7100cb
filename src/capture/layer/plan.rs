//! The decision of what to do with a call site, made once.

use std::cell::Cell;

use opentelemetry::trace::TraceContextExt as _;
use tracing::Metadata;

use super::call_sites::CallSites;
use super::visit::AllowedFields;
use crate::record::names;
use crate::trail::{CALL_SPAN, Core, HTTP_SPAN, PROBE, TARGET};

/// The decisions so far.
#[derive(Debug, Default)]
pub(super) struct Plans {
    spans: CallSites<SpanPlan>,
    events: CallSites<EventPlan>,
}

/// What to do with a span.
#[derive(Debug, Default)]
pub(super) enum SpanPlan {
    /// Nothing in it is relevant.
    #[default]
    Ignored,
    /// The span of an open call of the trail.
    Call,
    /// The span with which `install_tracing` tests itself.
    Probe,
    /// It has allowed fields.
    Enriching(AllowedFields),
    /// It is audited itself, if no call is open around it.
    Audited(AllowedFields),
}

/// What to do with an event.
#[derive(Debug, Default)]
pub(super) enum EventPlan {
    /// Nothing in it is relevant.
    #[default]
    Ignored,
    /// The event of `#[instrument(err)]` or `#[instrument(ret)]` at the end.
    Instrumented,
    /// A separate record.
    Audited(AllowedFields),
}

impl Plans {
    pub(super) fn span(&self, metadata: &'static Metadata<'static>, core: &Core) -> &SpanPlan {
        self.spans.get(metadata.callsite(), || SpanPlan::of(metadata, core))
    }

    pub(super) fn event(&self, metadata: &'static Metadata<'static>, core: &Core) -> &EventPlan {
        self.events.get(metadata.callsite(), || EventPlan::of(metadata, core))
    }
}

impl SpanPlan {
    fn of(metadata: &'static Metadata<'static>, core: &Core) -> Self {
        match (metadata.target(), metadata.name()) {
            (TARGET, CALL_SPAN | HTTP_SPAN) => return Self::Call,
            (TARGET, PROBE) => return Self::Probe,
            (target, _) if is_rmcp(target) => return Self::Ignored,
            _ => {}
        }
        let fields = AllowedFields::of(metadata, core.allow());
        if is_audited_by_field(metadata) {
            Self::Audited(fields)
        } else if core.hooks().is_audited(core.notices(), metadata) {
            core.add_audited_name(metadata.name());
            Self::Audited(fields)
        } else if fields.is_empty() {
            Self::Ignored
        } else {
            Self::Enriching(fields)
        }
    }
}

impl EventPlan {
    fn of(metadata: &'static Metadata<'static>, core: &Core) -> Self {
        if metadata.fields().field(names::AUDITRAIL_EVENT).is_some() {
            Self::Audited(AllowedFields::of(metadata, core.allow()))
        } else if is_instrumented(metadata) {
            Self::Instrumented
        } else {
            Self::Ignored
        }
    }
}

/// Whether `#[instrument(err)]` or `#[instrument(ret)]` emits it: an event with one field of that name.
fn is_instrumented(metadata: &Metadata<'_>) -> bool {
    let mut fields = metadata.fields().iter().map(|field| field.name());
    matches!((fields.next(), fields.next()), (Some("error" | "return"), None))
}

fn is_audited_by_field(metadata: &Metadata<'_>) -> bool {
    [names::MCP_METHOD_NAME, names::AUDITRAIL_EVENT].iter().any(|name| metadata.fields().field(*name).is_some())
}

/// Whether an event is emitted by the `#[instrument]` of a span and not by a line of its function: both have the
/// source position of the attribute.
pub(super) fn same_place(span: &Metadata<'_>, event: &Metadata<'_>) -> bool {
    (span.file(), span.line()) == (event.file(), event.line())
}

/// Whether a call site has to reach the layer.
pub(in crate::capture) fn is_wanted(metadata: &Metadata<'_>, core: &Core) -> bool {
    if metadata.is_event() {
        return metadata.fields().field(names::AUDITRAIL_EVENT).is_some() || is_instrumented(metadata);
    }
    metadata.target() == TARGET
        || core.hooks().may_audit_any_span()
        || metadata.fields().iter().any(|field| core.allow().role(field.name()).is_some())
}

/// rmcp's own spans and events contain whole messages.
pub(in crate::capture) fn is_rmcp(target: &str) -> bool {
    target == "rmcp" || target.starts_with("rmcp::")
}

/// How far this thread's probe came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::capture) enum ProbeSeen {
    #[default]
    Not,
    WithoutIds,
    WithIds,
}

thread_local!(static SEEN: Cell<ProbeSeen> = const { Cell::new(ProbeSeen::Not) });

pub(super) fn see_probe(context: Option<&opentelemetry::Context>) {
    let ids = context.is_some_and(|context| context.span().span_context().is_valid());
    SEEN.set(if ids { ProbeSeen::WithIds } else { ProbeSeen::WithoutIds });
}

/// What the layer has seen of the probe since the last call.
pub(in crate::capture) fn probe_seen() -> ProbeSeen {
    SEEN.take()
}
