//! Keeps audited traces, whatever the ratio for other spans.

use std::sync::Arc;

use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt as _, TraceId};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

use crate::config::SamplerSettings;
use crate::record::names;
use crate::trail::Core;

/// A sampler that keeps every audited span and the spans below it, and leaves all other spans, and those of remote
/// callers that chose not to sample, to another sampler.
///
/// Made by [`Trail::keep_audited`](crate::Trail::keep_audited).
#[derive(Debug, Clone)]
pub struct KeepAudited {
    core: Arc<Core>,
    others: Sampler,
}

impl KeepAudited {
    pub(super) fn new(core: &Arc<Core>, others: Sampler) -> Self {
        Self { core: core.clone(), others }
    }

    fn is_audited(&self, name: &str, attributes: &[KeyValue]) -> bool {
        let by_field = |attribute: &KeyValue| AUDITED.contains(&attribute.key.as_str());
        attributes.iter().any(by_field) || self.core.is_audited_name(name)
    }
}

impl ShouldSample for KeepAudited {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace_id: TraceId,
        name: &str,
        span_kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let span = parent.map(|context| context.span().span_context().clone()).filter(|span| span.is_valid());
        // Spans below a kept span are kept: half a trace explains nothing.
        let inside = span.as_ref().is_some_and(|span| !span.is_remote() && span.is_sampled());
        let declined = span.as_ref().is_some_and(|span| !span.is_sampled() && (span.is_remote() || is_marked(span)));
        let audited = self.is_audited(name, attributes) && (!declined || self.core.keeps_unsampled_callers());
        if inside || audited {
            return SamplingResult {
                decision: SamplingDecision::RecordAndSample,
                attributes: Vec::new(),
                trace_state: span.map(|span| span.trace_state().clone()).unwrap_or_default(),
            };
        }
        let mut result = self.others.should_sample(parent, trace_id, name, span_kind, attributes, links);
        if declined && let Ok(marked) = result.trace_state.insert(MARK, DECLINED) {
            result.trace_state = marked;
        }
        result
    }
}

/// Whether the caller of the trace declined, and not our own ratio: the spans below have a local parent in both
/// cases, and half a trace explains nothing.
fn is_marked(span: &SpanContext) -> bool {
    span.trace_state().get(MARK) == Some(DECLINED)
}

/// The sampler from the environment.
pub(super) fn from_settings(settings: SamplerSettings) -> Sampler {
    let root = Sampler::TraceIdRatioBased(settings.ratio);
    if settings.parent_based { Sampler::ParentBased(Box::new(root)) } else { root }
}

/// The key of our entry in the trace state.
const MARK: &str = "auditrail";
const DECLINED: &str = "declined";
const AUDITED: [&str; 2] = [names::MCP_METHOD_NAME, names::AUDITRAIL_EVENT];
