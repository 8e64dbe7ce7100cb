//! The ids of a record are those of its own span, in every order of layers; empty rather than wrong.

use auditrail::record::{Record, names};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::{EnvFilter, Registry, prelude::*};

use crate::support::{Bench, Spans, attribute, double, ids, record_ids, tracer, tracer_with};

fn call() {
    tracing::info_span!("outer").in_scope(|| {
        let span = tracing::info_span!("call", mcp.method.name = "tools/call", audit.outcome = "success");
        span.in_scope(|| tracing::info_span!("inner").in_scope(|| ()));
        // Entered again: nothing is written twice.
        span.in_scope(|| ());
    });
}

fn check(records: &[Record], spans: &Spans, order: &str) {
    assert_eq!(records.len(), 2, "{order}");
    let span = spans.named("call");
    for record in records {
        assert_eq!(record_ids(record), ids(&span), "{order}");
        assert_eq!(record.flags, 1, "{order}");
    }
    let id = attribute(&span, names::AUDIT_RECORD_ID).map(|value| value.as_str().into_owned());
    assert_eq!(
        id.as_deref(),
        records[1].text(names::AUDIT_RECORD_ID),
        "{order}: the record id is at least an attribute"
    );
}

#[test]
fn in_every_layer_order_in_vec_in_option_boxed_and_with_filters() {
    macro_rules! order {
        ($name:literal, |$audit:ident, $otel:ident| $subscriber:expr) => {{
            let bench = Bench::new();
            let (tracer, spans) = tracer();
            let ($audit, $otel) = (bench.trail.layer(), tracing_opentelemetry::layer().with_tracer(tracer));
            tracing::subscriber::with_default($subscriber, call);
            check(&bench.records(), &spans, $name);
            spans
        }};
    }
    let first = order!("audit first", |audit, otel| tracing_subscriber::registry().with(audit).with(otel));
    mirrored(&first);
    order!("audit last", |audit, otel| tracing_subscriber::registry().with(otel).with(audit));
    order!("both in a Vec", |audit, otel| {
        let layers: Vec<Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>> = vec![audit.boxed(), otel.boxed()];
        tracing_subscriber::registry().with(layers)
    });
    order!("a Vec, audit last", |audit, otel| {
        let layers: Vec<Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>> = vec![otel.boxed(), audit.boxed()];
        tracing_subscriber::registry().with(layers)
    });
    order!("audit in an Option", |audit, otel| tracing_subscriber::registry().with(Some(audit)).with(otel));
    order!("otel in an Option", |audit, otel| tracing_subscriber::registry().with(Some(otel)).with(Some(audit)));
    order!("and_then", |audit, otel| tracing_subscriber::registry().with(audit.and_then(otel)));
    order!("per-layer filters", |audit, otel| tracing_subscriber::registry()
        .with(audit.with_filter(LevelFilter::INFO))
        .with(otel.with_filter(EnvFilter::new("info"))));
    order!("per-layer filters, audit last, only its span", |audit, otel| tracing_subscriber::registry()
        .with(otel.with_filter(LevelFilter::TRACE))
        .with(audit.with_filter(filter_fn(|metadata| metadata.name() == "call"))));
    order!("a fmt layer between", |audit, otel| tracing_subscriber::registry()
        .with(audit)
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::sink))
        .with(otel));
}

/// With our layer first, both records are events of the span, and the duration is the same to the bit.
fn mirrored(spans: &Spans) {
    let span = spans.named("call");
    let events: Vec<_> = span.events.iter().map(|event| event.name.as_ref()).collect();
    assert_eq!(events, ["auditrail.mcp.tools.call", "auditrail.mcp.tools.call"]);
}

/// Where the order of layers is known, the ids of a moment are resolved at its close: whoever closes it, and wherever.
#[test]
fn the_ids_of_moments_are_theirs_also_where_they_are_resolved_at_the_close() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let otel = tracing_opentelemetry::layer().with_tracer(tracer);
    let remote =
        SpanContext::new(TraceId::from(7_u128), SpanId::from(7_u64), TraceFlags::SAMPLED, true, TraceState::default());
    let moment = |name| tracing::info_span!("moment", auditrail.event = "auditrail.context", otel.name = name);
    let elsewhere =
        tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()).with(otel), || {
            moment("the order becomes known").in_scope(|| ());
            drop(moment("never entered"));
            let far = moment("remote parent");
            far.set_parent(opentelemetry::Context::new().with_remote_span_context(remote.clone())).unwrap();
            far.in_scope(|| tracing::info_span!("inner").in_scope(|| ()));
            drop(far);
            moment("within").in_scope(|| moment("inside").in_scope(|| ()));
            let elsewhere = moment("elsewhere");
            elsewhere.in_scope(|| ());
            elsewhere
        });
    std::thread::spawn(move || drop(elsewhere)).join().unwrap();
    let records = bench.records();
    let names = ["the order becomes known", "never entered", "remote parent", "inside", "within", "elsewhere"];
    assert_eq!(records.len(), names.len());
    for (record, name) in records.iter().zip(names) {
        assert_eq!(record_ids(record), ids(&spans.named(name)), "{name}");
    }
    assert_eq!(spans.named("remote parent").span_context.trace_id(), remote.trace_id());
}

/// The record id is an event of the span where the end can be mirrored, and only there no attribute.
#[test]
fn once_the_order_of_layers_is_known_the_record_id_is_mirrored_or_an_attribute() {
    let moments = || {
        for name in ["first", "second"] {
            tracing::info_span!("moment", auditrail.event = "auditrail.context", otel.name = name).in_scope(|| ());
        }
    };
    for audit_first in [true, false] {
        let bench = Bench::new();
        let (tracer, spans) = tracer();
        let (audit, registry) = (bench.trail.layer(), tracing_subscriber::registry());
        if audit_first {
            let otel = tracing_opentelemetry::layer().with_tracer(tracer);
            tracing::subscriber::with_default(registry.with(audit).with(otel), moments);
        } else {
            let otel = tracing_opentelemetry::layer().with_tracer(tracer);
            tracing::subscriber::with_default(registry.with(otel).with(audit), moments);
        }
        let records = bench.records();
        for (index, name) in ["first", "second"].into_iter().enumerate() {
            let (id, span) = (records[index].text(names::AUDIT_RECORD_ID).unwrap(), spans.named(name));
            let is_attribute = attribute(&span, names::AUDIT_RECORD_ID).is_some_and(|value| value.as_str() == id);
            let is_id = |said: &opentelemetry::KeyValue| {
                said.key.as_str() == names::AUDIT_RECORD_ID && said.value.as_str() == id
            };
            let is_mirrored = span.events.iter().any(|event| event.attributes.iter().any(is_id));
            assert_eq!((is_mirrored, is_attribute), (audit_first, !audit_first || index == 0), "{audit_first} {name}");
        }
    }
}

#[test]
fn the_duration_is_the_same_number_on_record_and_span() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let subscriber = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer));
    tracing::subscriber::with_default(subscriber, call);
    let on_record = double(&bench.records()[1], names::AUDITRAIL_DURATION);
    match attribute(&spans.named("call"), names::AUDITRAIL_DURATION) {
        Some(opentelemetry::Value::F64(on_span)) => assert_eq!(on_span.to_bits(), on_record.to_bits()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_remote_parent_set_before_the_span_is_entered_is_kept() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let subscriber = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer));
    tracing::subscriber::with_default(subscriber, || {
        let span = tracing::info_span!("call", mcp.method.name = "tools/call");
        span.set_parent(remote(TraceFlags::SAMPLED)).expect("the layer has not started the span");
        span.in_scope(|| ());
    });
    let (records, span) = (bench.records(), spans.named("call"));
    assert_eq!(span.parent_span_id, SpanId::from(0x22));
    assert_eq!(record_ids(&records[0]), (TraceId::from(0x11).to_string(), span.span_context.span_id().to_string()));
}

#[test]
fn an_unsampled_trace_still_has_valid_ids() {
    let bench = Bench::new();
    let (tracer, spans) = tracer_with(SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff));
    let subscriber = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .with(bench.trail.layer());
    tracing::subscriber::with_default(subscriber, call);
    let records = bench.records();
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.trace_id.is_some() && record.span_id.is_some() && record.flags == 0));
    assert_eq!(record_ids(&records[0]), record_ids(&records[1]));
    assert!(spans.all().is_empty());
}

#[test]
fn without_a_span_in_the_trace_the_ids_are_empty_never_the_parents() {
    let empty = (String::new(), String::new());
    let bench = Bench::new();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), call);
    assert!(bench.records().iter().all(|record| record_ids(record) == empty), "no OTel layer at all");

    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let otel = tracing_opentelemetry::layer().with_tracer(tracer);
    let subscriber = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(otel.with_filter(filter_fn(|metadata| metadata.name() != "call")));
    tracing::subscriber::with_default(subscriber, || {
        call();
        tracing::info_span!("call").in_scope(|| tracing::info!(auditrail.event = "auditrail.context"));
    });
    let records = bench.records();
    assert_eq!(records.len(), 3);
    assert!(records.iter().all(|record| record_ids(record) == empty), "the OTel layer does not see the span");
    assert_eq!(spans.named("outer").name, "outer");
}

#[test]
fn a_span_that_is_never_entered_has_its_ids_where_the_order_allows_and_none_where_not() {
    for (audit_first, has_ids) in [(true, true), (false, false)] {
        let bench = Bench::new();
        let (tracer, spans) = tracer();
        let never = || drop(tracing::info_span!("call", mcp.method.name = "tools/call"));
        let (audit, registry) = (bench.trail.layer(), tracing_subscriber::registry());
        if audit_first {
            let otel = tracing_opentelemetry::layer().with_tracer(tracer);
            tracing::subscriber::with_default(registry.with(audit).with(otel), never);
        } else {
            let otel = tracing_opentelemetry::layer().with_tracer(tracer);
            tracing::subscriber::with_default(registry.with(otel).with(audit), never);
        }
        let records = bench.records();
        assert_eq!(records.len(), 2);
        let expected = if has_ids { ids(&spans.named("call")) } else { (String::new(), String::new()) };
        assert!(records.iter().all(|record| record_ids(record) == expected), "audit first: {audit_first}");
    }
}

fn remote(flags: TraceFlags) -> opentelemetry::Context {
    let span = SpanContext::new(TraceId::from(0x11), SpanId::from(0x22), flags, true, TraceState::default());
    opentelemetry::Context::new().with_remote_span_context(span)
}
