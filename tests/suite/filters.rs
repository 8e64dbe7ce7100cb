//! Records of calls never depend on a subscriber's filter (promises, test 17c).

use auditrail::record::names;
use tracing::subscriber::NoSubscriber;
use tracing_subscriber::{EnvFilter, prelude::*, reload};

use crate::server::{Everything, View, call, connect_as};
use crate::support::{Bench, record_ids, tracer};

/// Calls the tool through the wrapper, alone and behind a tap, and gives, for each record of it, whether it has ids.
async fn called(bench: &Bench) -> Vec<bool> {
    for view in [View::Wrapper, View::Both] {
        let client = connect_as(view, &bench.trail, Everything::default()).await;
        call(&client, "ok").await.unwrap();
        client.cancel().await.unwrap();
    }
    let mut records = bench.records();
    records.retain(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("ok"));
    records.iter().map(|record| !record_ids(record).0.is_empty()).collect()
}

#[tokio::test]
async fn rust_log_off_still_gives_both_records() {
    let bench = Bench::new();
    let (tracer, _spans) = tracer();
    let _guard = tracing_subscriber::registry()
        .with(EnvFilter::new("off"))
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .set_default();
    assert_eq!(called(&bench).await, [false; 4]);
}

#[tokio::test]
async fn a_filter_reloaded_to_off_at_run_time_still_gives_both_records() {
    let bench = Bench::new();
    let (tracer, _spans) = tracer();
    let (filter, handle) = reload::Layer::new(EnvFilter::new("info"));
    let _guard = tracing_subscriber::registry()
        .with(filter)
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .set_default();
    assert_eq!(called(&bench).await, [true; 4]);
    handle.reload(EnvFilter::new("off")).unwrap();
    assert_eq!(called(&bench).await, [[true; 4], [false; 4]].concat());
    handle.reload(EnvFilter::new("info")).unwrap();
    assert_eq!(called(&bench).await, [[true; 4], [false; 4], [true; 4]].concat());
}

#[tokio::test]
async fn a_scope_without_a_subscriber_still_gives_both_records() {
    let bench = Bench::new();
    let (tracer, _spans) = tracer();
    let _guard = tracing_subscriber::registry()
        .with(bench.trail.layer())
        .with(tracing_opentelemetry::layer().with_tracer(tracer))
        .set_default();
    let _scope = tracing::subscriber::set_default(NoSubscriber::new());
    assert_eq!(called(&bench).await, [false; 4]);
}
