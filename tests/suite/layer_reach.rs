//! A hidden OTel layer is found, or a notice reports it: ids are never missing silently.

use std::sync::{Arc, Mutex};

use auditrail::record::{Outcome, Record, names};
use auditrail::trail::Call;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::SdkTracer;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::{Registry, prelude::*, reload};

use crate::support::{Bench, Spans, ids, record_ids, tracer};

type Work = fn(&Bench);
type SetUp<'a> = &'a dyn Fn(&Bench, Work);
type Otel<S> = tracing_opentelemetry::OpenTelemetryLayer<S, SdkTracer>;

fn otel<S>(tracer: SdkTracer) -> Otel<S>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    tracing_opentelemetry::layer().with_tracer(tracer)
}

/// An annotated call between others, and an event in it that is a record.
fn annotated(name: &'static str) {
    tracing::info_span!("outer").in_scope(|| {
        tracing::info_span!("call", otel.name = name, mcp.method.name = "tools/call", audit.outcome = "success")
            .in_scope(|| {
                tracing::info_span!("inner").in_scope(|| ());
                tracing::info!(auditrail.event = "auditrail.context");
            });
    });
}

fn has_ids_of(records: &[Record], spans: &Spans, name: &str, what: &str) {
    assert!(!records.is_empty(), "{what}");
    for record in records {
        assert_eq!(record_ids(record), ids(&spans.named(name)), "{what}: {}", record.event_name);
    }
}

/// No span, and no trace but that of a caller that is known.
fn has_none(records: &[Record]) {
    assert!(!records.is_empty());
    for record in records {
        let (trace, span) = record_ids(record);
        assert_eq!(span, "", "{record:?}");
        assert!(trace.is_empty() || trace == TraceId::from(0x11).to_string(), "{record:?}");
    }
}

/// What was told of ids, which is one line.
fn told(bench: &Bench) -> String {
    let said: Vec<_> = bench.said().into_iter().filter(|text| text.contains("the span ")).collect();
    assert_eq!(said.len(), 1, "{said:?}");
    said[0].clone()
}

fn remote() -> opentelemetry::Context {
    let span =
        SpanContext::new(TraceId::from(0x11), SpanId::from(0x22), TraceFlags::SAMPLED, true, TraceState::default());
    opentelemetry::Context::new().with_remote_span_context(span)
}

/// A call by the trail, inside a span of somebody else. Whatever executor: it does not wait.
fn begun(bench: &Bench, tool: &'static str) {
    let related =
        SpanContext::new(TraceId::from(0x33), SpanId::from(0x44), TraceFlags::SAMPLED, true, TraceState::default());
    tracing::info_span!("serves the whole connection").in_scope(|| {
        let call = Call::mcp("tools/call").tool(tool).parent(remote()).link(related);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let open = runtime.block_on(bench.trail.begin(call)).unwrap();
        open.span().in_scope(|| tracing::info_span!("inner").in_scope(|| ()));
        open.finish_now(&Outcome::ok());
    });
}

/// The span is the caller's child, knows what it is related to, and is that of the records.
fn is_joined(bench: &Bench, spans: &Spans, tool: &str) {
    let name = format!("tools/call {tool}");
    let of_tool = |record: &Record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool);
    let records: Vec<_> = bench.records().into_iter().filter(of_tool).collect();
    has_ids_of(&records, spans, &name, tool);
    let span = spans.named(&name);
    assert_eq!(
        (span.span_context.trace_id(), span.parent_span_id),
        (TraceId::from(0x11), SpanId::from(0x22)),
        "{tool}"
    );
    assert_eq!(span.links.len(), 1, "{tool}");
    assert_eq!(span.links[0].span_context.span_id(), SpanId::from(0x44), "{tool}");
}

#[test]
fn an_otel_layer_behind_a_reload_layer_is_found_in_either_order() {
    for audit_first in [true, false] {
        let bench = Bench::new();
        let (tracer, spans) = tracer();
        let work = || {
            annotated("first");
            annotated("second");
        };
        if audit_first {
            let (otel, _handle) = reload::Layer::new(otel(tracer));
            tracing::subscriber::with_default(
                tracing_subscriber::registry().with(bench.trail.layer()).with(otel),
                work,
            );
        } else {
            let (otel, _handle) = reload::Layer::new(otel(tracer));
            tracing::subscriber::with_default(
                tracing_subscriber::registry().with(otel).with(bench.trail.layer()),
                work,
            );
        }
        let records = bench.records();
        assert_eq!(records.len(), 6);
        has_ids_of(&records[..3], &spans, "first", "first");
        has_ids_of(&records[3..], &spans, "second", "second");
        assert_eq!(bench.said(), [""; 0], "audit first: {audit_first}");
        assert!(spans.all().iter().all(|span| span.name != "auditrail.probe"));
    }
}

#[test]
fn a_call_of_the_trail_is_its_callers_child_also_where_the_otel_layer_hides() {
    for with_audit_layer in [true, false] {
        let bench = Bench::new();
        let (tracer, spans) = tracer();
        let (otel, _handle) = reload::Layer::new(otel(tracer));
        let work = || {
            begun(&bench, "first");
            begun(&bench, "second");
        };
        let audit = with_audit_layer.then(|| bench.trail.layer());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(audit).with(otel), work);
        is_joined(&bench, &spans, "first");
        is_joined(&bench, &spans, "second");
        assert_eq!(bench.said(), [""; 0]);
        let mut names: Vec<_> = spans.all().iter().map(|span| span.name.to_string()).collect();
        names.sort_unstable();
        let connection = "serves the whole connection";
        let expected = [connection, connection, "tools/call first", "tools/call second"];
        assert_eq!(names.iter().filter(|name| *name != "inner").collect::<Vec<_>>(), expected, "and no span more");
    }
}

#[test]
fn an_otel_layer_that_is_put_in_later_is_found_from_then_on() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let (slot, handle) = reload::Layer::new(None::<Otel<_>>);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()).with(slot), || {
        annotated("before");
        begun(&bench, "before");
        handle.reload(Some(otel(tracer))).unwrap();
        annotated("after");
        begun(&bench, "after");
    });
    let records = bench.records();
    has_none(&records[..5]);
    has_ids_of(&records[5..8], &spans, "after", "after");
    is_joined(&bench, &spans, "after");
    assert!(told(&bench).contains("no OTel layer can be reached"));
}

#[test]
fn an_audit_layer_that_is_put_into_an_empty_slot_has_ids() {
    for otel_first in [true, false] {
        let bench = Bench::new();
        let (tracer, spans) = tracer();
        let work = |put: &dyn Fn()| {
            annotated("unaudited");
            put();
            annotated("audited");
        };
        if otel_first {
            let (slot, handle) = reload::Layer::new(None::<auditrail::capture::layer::AuditLayer>);
            let subscriber = tracing_subscriber::registry().with(otel(tracer)).with(slot);
            let put = || handle.reload(Some(bench.trail.layer())).unwrap();
            tracing::subscriber::with_default(subscriber, || work(&put));
        } else {
            let (slot, handle) = reload::Layer::new(None::<auditrail::capture::layer::AuditLayer>);
            let subscriber = tracing_subscriber::registry().with(slot).with(otel(tracer));
            let put = || handle.reload(Some(bench.trail.layer())).unwrap();
            tracing::subscriber::with_default(subscriber, || work(&put));
        }
        let records = bench.records();
        assert_eq!(records.len(), 3);
        has_ids_of(&records, &spans, "audited", "audited");
        assert_eq!(bench.said(), [""; 0], "OTel first: {otel_first}");
    }
}

/// The number of a span means another one in another subscriber.
#[test]
fn an_audit_layer_in_a_slot_takes_no_ids_of_another_subscriber() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let (slot, handle) = reload::Layer::new(None::<auditrail::capture::layer::AuditLayer>);
    let ours = tracing::Dispatch::new(tracing_subscriber::registry().with(slot));
    handle.reload(Some(bench.trail.layer())).unwrap();
    let others = tracing_subscriber::registry().with(otel(tracer));
    let span = tracing::dispatcher::with_default(&ours, || {
        tracing::info_span!("call", mcp.method.name = "tools/call", audit.outcome = "success")
    });
    tracing::subscriber::with_default(others, || {
        tracing::info_span!("theirs").in_scope(|| span.in_scope(|| ()));
    });
    tracing::dispatcher::with_default(&ours, || drop(span));
    has_none(&bench.records());
    assert!(told(&bench).contains("does not tell it its subscriber"));
    drop(spans);
}

/// A lock may be held around the audit layer: nothing is entered from in there.
#[test]
fn where_both_hide_somebody_is_told() {
    let bench = Bench::new();
    let (tracer, _spans) = tracer();
    type Layers = Vec<Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>>;
    let (slot, handle) = reload::Layer::new(Layers::new());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(slot), || {
        handle.reload(vec![bench.trail.layer().boxed(), otel(tracer).boxed()] as Layers).unwrap();
        annotated("call");
        annotated("again");
    });
    has_none(&bench.records());
    assert!(told(&bench).contains("both hidden by a reload layer"));
}

#[test]
fn the_filter_of_an_otel_layer_that_hides_leaves_ids_empty_never_the_parents() {
    let bench = Bench::new();
    let (tracer, spans) = tracer();
    let (hidden, _handle) = reload::Layer::new(otel(tracer));
    let hidden = hidden.with_filter(filter_fn(|metadata| metadata.name() != "call"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()).with(hidden), || {
        // The layer is known before a span comes that it does not see.
        tracing::info_span!("seen", mcp.method.name = "tools/call", audit.outcome = "success").in_scope(|| ());
        annotated("call");
    });
    let records = bench.records();
    has_ids_of(&records[..2], &spans, "seen", "seen");
    has_none(&records[2..]);
    assert!(
        told(&bench).contains("the span call has records without trace and span ids: the filter of the OTel layer")
    );
}

/// What hides and attaches nothing, and what is not known at all: nobody can see the difference.
#[test]
fn an_otel_layer_that_cannot_be_reached_is_told_once() {
    let without_activation = |bench: &Bench, work: Work| {
        let (tracer, _spans) = tracer();
        let (hidden, _handle) = reload::Layer::new(otel(tracer).with_context_activation(false));
        tracing::subscriber::with_default(
            tracing_subscriber::registry().with(bench.trail.layer()).with(hidden),
            || work(bench),
        );
    };
    let of_another_version = |bench: &Bench, work: Work| {
        let other = tracing_opentelemetry_031::layer();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()).with(other), || {
            work(bench);
        });
    };
    let without_any = |bench: &Bench, work: Work| {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), || work(bench));
    };
    let set_ups: [SetUp<'_>; 3] = [&without_activation, &of_another_version, &without_any];
    for set_up in set_ups {
        let works: [Work; 2] = [
            |_| {
                annotated("first");
                annotated("second");
            },
            |bench| {
                begun(bench, "first");
                begun(bench, "second");
            },
        ];
        for work in works {
            let bench = Bench::new();
            set_up(&bench, work);
            has_none(&bench.records());
            let told = told(&bench);
            for part in
                ["no OTel layer can be reached", "another version", "auditrail::tracing_opentelemetry", "reload"]
            {
                assert!(told.contains(part), "{told}");
            }
        }
    }
}

#[test]
fn calls_without_a_subscriber_or_behind_a_filter_are_told() {
    let bench = Bench::new();
    begun(&bench, "no subscriber");
    has_none(&bench.records());
    assert!(told(&bench).contains("no tracing subscriber"));

    let bench = Bench::new();
    let (tracer, _spans) = tracer();
    let filtered =
        tracing_subscriber::registry().with(tracing_subscriber::filter::LevelFilter::WARN).with(otel(tracer));
    tracing::subscriber::with_default(filtered, || begun(&bench, "filtered"));
    has_none(&bench.records());
    assert!(told(&bench).contains("a filter of the subscriber disables spans"));
}

#[test]
fn a_tracer_that_makes_no_spans_is_told() {
    let with_a_parent = |_: &Bench| {
        let span = tracing::info_span!("call", mcp.method.name = "tools/call", audit.outcome = "success");
        span.set_parent(remote()).unwrap();
        span.in_scope(|| ());
    };
    let works: [Work; 3] = [|_| annotated("call"), with_a_parent, |bench| begun(bench, "call")];
    for work in works {
        let bench = Bench::new();
        let otel = tracing_opentelemetry::layer();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()).with(otel), || {
            work(&bench);
        });
        has_none(&bench.records());
        assert!(told(&bench).contains("makes no spans"), "{}", told(&bench));
    }
}

#[test]
fn a_second_trail_in_a_subscriber_is_told_that_it_gets_nothing() {
    let (first, second) = (Bench::new(), Bench::new());
    let (tracer, _spans) = tracer();
    let subscriber =
        tracing_subscriber::registry().with(first.trail.layer()).with(second.trail.layer()).with(otel(tracer));
    tracing::subscriber::with_default(subscriber, || {
        for _ in 0..2 {
            tracing::info_span!("call", mcp.method.name = "tools/call", audit.outcome = "success").in_scope(|| ());
        }
    });
    assert_eq!((first.records().len(), second.records().len()), (4, 0));
    assert_eq!(first.said(), [""; 0]);
    let told = told(&second);
    assert!(told.contains("the span call has no records of this trail: another audit layer"), "{told}");
}

/// A layer that others put around ours and that hides it, and holds a lock while it is called.
#[test]
fn a_reload_while_spans_are_entered_blocks_nobody() {
    let bench = Bench::new();
    let (tracer, _spans) = tracer();
    let (hidden, handle) = reload::Layer::new(otel(tracer.clone()));
    let dispatch = tracing::Dispatch::new(tracing_subscriber::registry().with(bench.trail.layer()).with(hidden));
    let stop = Arc::new(Mutex::new(false));
    let stopped = stop.clone();
    let reloads = std::thread::spawn(move || {
        while !*stopped.lock().unwrap() {
            handle.modify(|_| ()).unwrap();
        }
    });
    tracing::dispatcher::with_default(&dispatch, || {
        for _ in 0..200 {
            annotated("call");
        }
    });
    *stop.lock().unwrap() = true;
    reloads.join().unwrap();
    assert_eq!(bench.records().len(), 600);
}
