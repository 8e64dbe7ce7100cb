//! What the taps count, as metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

use crate::support::Bench;
use crate::tapped::Wire;

#[tokio::test]
async fn all_that_is_counted_is_a_metric() {
    let bench = Bench::new();
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).with_interval(Duration::from_secs(3600)).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    bench.trail.observe(&provider.meter("test"));
    let mut wire = Wire::new(&bench.trail);
    for line in [r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "17", "18"] {
        wire.client(line).await;
    }
    for id in 1..=4 {
        wire.server(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#)).await;
    }
    provider.force_flush().unwrap();
    let mut numbers = BTreeMap::new();
    for resource in exporter.get_finished_metrics().unwrap() {
        for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
            if let (Some(name), AggregatedMetrics::U64(MetricData::Sum(sum))) =
                (metric.name().strip_prefix("auditrail.mcp."), metric.data())
            {
                numbers.insert(name.to_owned(), sum.data_points().map(|point| point.value()).sum::<u64>());
            }
        }
    }
    let seen = bench.trail.wire_counts();
    let expected = [
        ("messages", seen.messages),
        ("flawed", seen.flawed),
        ("unasked", seen.unasked),
        ("evicted", seen.evicted),
        ("unread", seen.unread),
        ("replayed", seen.replayed),
        ("evicted_sessions", seen.evicted_sessions),
        ("unjoined", seen.unjoined),
    ];
    assert_eq!(numbers, expected.map(|(name, number)| (name.to_owned(), number)).into());
    assert_eq!((seen.flawed, seen.unasked), (2, 3));
}
