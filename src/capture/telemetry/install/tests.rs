use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SamplingDecision, ShouldSample as _};

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
        let directory = tempfile::tempdir().unwrap();
        let builder = Trail::builder("test").directory(directory.path());
        let trail = builder.environment(environment).trace_unsampled_callers(keep).start().unwrap();
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
        if parent == Some((true, false)) && !keep {
            let below =
                SpanContext::new(TraceId::from(1), SpanId::from(3), TraceFlags::default(), false, result.trace_state);
            let below = Context::new().with_remote_span_context(below);
            let attributes = [KeyValue::new("mcp.method.name", "ping")];
            let result =
                sampler.should_sample(Some(&below), TraceId::from(1), "y", &SpanKind::Internal, &attributes, &[]);
            assert_ne!(result.decision, SamplingDecision::RecordAndSample, "no orphan below a span that was declined");
        }
        assert_eq!(sampled, expected, "audited {audited}, parent {parent:?}, keep {keep}");
    }
}

/// rmcp logs whole messages, and the transports are noise: neither reaches a trace, at any level.
#[test]
fn traces_hold_nothing_of_rmcp_and_the_transports() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("test")).with_filter(filter::of_traces());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(otel), || {
        tracing::error_span!(target: "rmcp", "of rmcp").in_scope(|| ());
        tracing::info_span!(target: "rmcp::service", "serve_inner").in_scope(|| {
            tracing::info_span!("handler").in_scope(|| {
                tracing::info!(target: "rmcp::service", "a whole message");
                tracing::info!(target: "rmcpx", "not of rmcp");
            });
        });
        tracing::info_span!(target: "hyper_util::client", "of the transport").in_scope(|| ());
        tracing::debug_span!("below INFO").in_scope(|| ());
    });
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(spans.iter().map(|span| span.name.as_ref()).collect::<Vec<_>>(), ["handler"]);
    assert_eq!(spans[0].events.iter().map(|event| event.name.as_ref()).collect::<Vec<_>>(), ["not of rmcp"]);
    assert_eq!(spans[0].parent_span_id, SpanId::INVALID);
}
