//! A set-up of one's own, made of nothing but what auditrail re-exports: it fits, whatever versions others bring.

use auditrail::opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use auditrail::opentelemetry_sdk::trace::{InMemorySpanExporter, Sampler, SdkTracerProvider};
use auditrail::record::Outcome;
use auditrail::trail::Call;
use auditrail::{opentelemetry, tracing_opentelemetry};
use tracing_subscriber::prelude::*;

use crate::support::{Bench, ids, record_ids};

#[test]
fn an_otel_layer_made_of_what_is_re_exported_gives_the_ids() {
    let bench = Bench::new();
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_sampler(bench.trail.keep_audited(Sampler::AlwaysOff))
        .with_simple_exporter(bench.trail.clean_exporter(exporter.clone()))
        .build();
    let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("weather"));
    let caller =
        SpanContext::new(TraceId::from(0x11), SpanId::from(0x22), TraceFlags::SAMPLED, true, TraceState::default());
    let caller = opentelemetry::Context::new().with_remote_span_context(caller);
    // Where a process has one subscriber only, tests without one would say that no call site is of interest.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()).with(otel), || {
        let begin = bench.trail.begin(Call::mcp("tools/call").tool("forecast").parent(caller));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(begin).unwrap().finish_now(&Outcome::ok());
    });
    let (records, spans) = (bench.records(), exporter.get_finished_spans().unwrap());
    assert_eq!((records.len(), spans.len()), (2, 1));
    assert_eq!(spans[0].parent_span_id, SpanId::from(0x22));
    assert!(records.iter().all(|record| record_ids(record) == ids(&spans[0])));
}
