use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SamplingDecision, ShouldSample as _};

use super::*;
use crate::config::Environment;

/// (audited, parent is remote, parent is sampled, keep unsampled callers) → sampled, with everything else sampled never.
#[test]
fn audited_traces_are_kept_unless_a_remote_caller_declined() {
    for (audited, parent, keep, expected) in [
        (true, None, false, true),
        (false, None, false, false),
        (true, Some((true, true)), false, true),
        (true, Some((true, false)), false, false),
        (true, Some((true, false)), true, true),
        (false, Some((true, false)), true, false),
        (true, Some((false, false)), false, true),
        (false, Some((false, true)), false, true),
        (false, Some((false, false)), false, false),
    ] {
        let environment = Environment::from_iter([("OTEL_TRACES_SAMPLER", "parentbased_always_off")]);
        let trail = Trail::builder("test").environment(environment).trace_unsampled_callers(keep).start().unwrap();
        let sampler = trail.keep_audited(sampler::from_settings(trail.settings().sampler));
        let context = parent.map(|(remote, sampled)| {
            let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
            let span = SpanContext::new(TraceId::from(1), SpanId::from(2), flags, remote, TraceState::default());
            Context::new().with_remote_span_context(span)
        });
        let attributes = if audited { vec![KeyValue::new("mcp.method.name", "ping")] } else { Vec::new() };
        let result =
            sampler.should_sample(context.as_ref(), TraceId::from(1), "x", &SpanKind::Server, &attributes, &[]);
        let sampled = result.decision == SamplingDecision::RecordAndSample;
        assert_eq!(sampled, expected, "audited {audited}, parent {parent:?}, keep {keep}");
    }
}
