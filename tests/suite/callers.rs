//! Where there is no span, a record keeps the trace of its caller and says no span; and what holds of times where somebody
//! has layers of their own.

use std::time::{Duration, UNIX_EPOCH};

use auditrail::record::{Outcome, Record, names};
use auditrail::trail::Call;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::SpanData;
use tracing_subscriber::prelude::*;

use crate::support::{Bench, double, tracer};
use crate::tapped::{Wire, of_id};

fn caller(trace: u128) -> SpanContext {
    SpanContext::new(TraceId::from(trace), SpanId::from(7), TraceFlags::SAMPLED, true, TraceState::default())
}

fn trace(record: &Record) -> (Option<String>, bool, u32) {
    (record.trace_id.map(|id| id.to_string()), record.span_id.is_some(), record.flags)
}

fn of_caller(trace: u128) -> (Option<String>, bool, u32) {
    (Some(format!("{trace:032x}")), false, 1)
}

#[tokio::test]
async fn without_an_otel_layer_a_call_keeps_its_callers_trace() {
    for has_layer in [false, true] {
        let bench = Bench::new();
        let subscriber = tracing_subscriber::registry().with(has_layer.then(|| bench.trail.layer()));
        let _default = has_layer.then(|| tracing::subscriber::set_default(subscriber));
        let parent = Context::new().with_remote_span_context(caller(1));
        for call in [
            Call::mcp("ping").parent(parent.clone()).link(caller(2)),
            Call::mcp("ping").link(caller(2)),
            Call::mcp("ping"),
        ] {
            let open = bench.trail.begin(call).await.unwrap();
            open.span()
                .in_scope(|| tracing::info_span!("inside", auditrail.event = "auditrail.context").in_scope(|| ()));
            open.finish(Outcome::ok()).await;
        }
        let records = bench.records();
        let traces: Vec<_> = records.iter().map(trace).collect();
        let each = if has_layer { 3 } else { 2 };
        let nothing = (None, false, 0);
        assert_eq!(traces, [vec![of_caller(1); each], vec![of_caller(2); each], vec![nothing; each]].concat());
    }
}

/// The tap: calls, and what wants no answer.
#[tokio::test]
async fn what_passes_a_tap_keeps_its_callers_trace() {
    let bench = Bench::new();
    let mut wire = Wire::new(&bench.trail);
    let meta = r#""_meta":{"traceparent":"00-0000000000000000000000000000000a-0000000000000007-01"}"#;
    wire.client(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{{{meta}}}}}"#)).await;
    wire.server(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await;
    wire.client(&format!(r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{{meta}}}}}"#)).await;
    wire.client(r#"{"jsonrpc":"2.0","id":2,"method":"ping","params":{"_meta":{"traceparent":"00-0-7-01"}}}"#).await;
    wire.server(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#).await;
    drop(wire);
    let records = bench.records();
    assert_eq!(of_id(&records, "1").into_iter().map(trace).collect::<Vec<_>>(), vec![of_caller(10); 2]);
    assert_eq!(of_id(&records, "2").into_iter().map(trace).collect::<Vec<_>>(), vec![(None, false, 0); 2]);
    let notification = records.iter().find(|record| record.event_name == "auditrail.mcp.notification").unwrap();
    assert_eq!(trace(notification), of_caller(10));
}

/// In the recommended order, spans end with their records; with the trail's tracer they begin with them, too.
#[tokio::test]
async fn layers_of_their_own_order() {
    for is_timed in [true, false] {
        let bench = Bench::new();
        let (tracer, spans) = tracer();
        let _default = match is_timed {
            true => tracing::subscriber::set_default(
                tracing_subscriber::registry()
                    .with(bench.trail.layer())
                    .with(tracing_opentelemetry::layer().with_tracer(bench.trail.timed_tracer(tracer))),
            ),
            false => tracing::subscriber::set_default(
                tracing_subscriber::registry()
                    .with(bench.trail.layer())
                    .with(tracing_opentelemetry::layer().with_tracer(tracer)),
            ),
        };
        let open = bench.trail.begin(Call::mcp("begun")).await.unwrap();
        tracing::info_span!("unaudited").in_scope(|| ());
        open.finish(Outcome::ok()).await;
        let annotated = tracing::info_span!("annotated", mcp.method.name = "ping", audit.outcome = "success");
        annotated.in_scope(|| tracing::info_span!("within").in_scope(|| ()));
        drop(annotated);
        tracing::info_span!("moment", auditrail.event = "auditrail.context").in_scope(|| ());
        let records = bench.records();
        for (name, count) in [("_OTHER", 2), ("annotated", 2), ("moment", 1)] {
            let span = spans.named(name);
            let id = span.span_context.span_id().to_string();
            let own: Vec<_> =
                records.iter().filter(|record| record.span_id.is_some_and(|span| span.to_string() == id)).collect();
            assert_eq!(own.len(), count, "{name}");
            let last = own.last().unwrap();
            assert_eq!(nanos(&span).1, last.time_unix_nano, "{name}");
            if is_timed {
                let lasted = Duration::from_nanos(nanos(&span).1 - nanos(&span).0).as_secs_f64();
                assert_eq!(lasted, double(last, names::AUDITRAIL_DURATION), "{name}");
                assert!(count == 1 || own[0].time_unix_nano == nanos(&span).0, "{name}");
            }
        }
        for name in ["unaudited", "within"] {
            assert!(nanos(&spans.named(name)).0 > 1_700_000_000_000_000_000, "{name} has times of its own");
        }
    }
}

fn nanos(span: &SpanData) -> (u64, u64) {
    let since = |time: std::time::SystemTime| {
        u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos()).unwrap()
    };
    (since(span.start_time), since(span.end_time))
}
