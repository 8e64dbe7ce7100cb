//! The numbers that a trail tells of itself add up, wherever it tells them: `emitted = acknowledged + refused` and
//! `acknowledged = delivered + quarantined + lost + pending`, in `Trail::counts`, in the metrics of every collection, and in
//! the lifecycle records `running` and `stopped`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::record::{EventName, Record, Value};
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};
use auditrail::trail::{Counts, Moment};
use bytes::Bytes;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use prost::Message as _;

const LONG: Duration = Duration::from_secs(120);

#[tokio::test]
async fn all_numbers_add_up_while_records_are_refused_quarantined_and_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let sink = Collector::default();
    let metrics = Metrics::new();
    let trail = start(directory.path(), &sink);
    trail.observe(&metrics.provider.meter("test"));
    metrics.adds_up();

    // Each of these is a request of its own kind for the collector.
    for number in 0..40 {
        let text = if number % 10 == 3 { "poison" } else { "fine" };
        trail.record(Moment::new(EventName::Context).attribute("text", text));
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (trail, stop) = (trail.clone(), stop.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                trail.record(Moment::new(EventName::Context).attribute("text", "fine"));
            }
        })
    };
    let mut delivered = 0;
    for _ in 0..50 {
        let now = metrics.adds_up();
        assert!(now["delivered"] >= delivered, "a counter never goes back");
        delivered = now["delivered"];
        adds_up(trail.counts());
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    trail.flush(LONG).await.unwrap();
    let counts = trail.counts();
    assert_eq!(counts.quarantined, 4, "{counts:?}");

    // More than the journal holds, and nobody takes any of it.
    sink.away.store(true, Ordering::Relaxed);
    let long = "x".repeat(4000);
    while trail.counts().refused == 0 {
        trail.record(Moment::new(EventName::Context).attribute("text", long.clone()));
    }
    let full = metrics.adds_up();
    assert!(full["refused"] > 0 && full["pending"] > 0 && full["quarantined"] == 4, "{full:?}");

    sink.away.store(false, Ordering::Relaxed);
    trail.flush(LONG).await.unwrap();
    trail.report();
    // What the flush before has shipped may have been told of by another record.
    while trail.counts().pending > 0 {
        trail.flush(LONG).await.unwrap();
    }
    let end = metrics.adds_up();
    assert_eq!(end["lost"], 0, "{end:?}");
    assert_eq!(end["pending"], 0, "{end:?}");
    assert_eq!(end["emitted"], i128::from(trail.counts().emitted));
    assert!(metrics.number("auditrail.export.failures") > 0);
    assert!(metrics.number("auditrail.journal.size") > 0);
    let requests = metrics.number("auditrail.export.requests");
    assert_eq!(metrics.requests_in_histogram(), u64::try_from(requests).unwrap());
    drop(trail);

    let told = sink.told();
    let states: Vec<_> = told.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["running", "stopped"]);
    for (state, counts) in &told {
        adds_up(*counts);
        assert_eq!((counts.quarantined, counts.refused > 0), (4, true), "{state}: {counts:?}");
    }
    assert!(metrics.collect().is_empty(), "a trail that is gone has no numbers");
}

fn start(directory: &Path, sink: &Collector) -> Trail {
    let builder = Trail::builder("honest").environment(Environment::default()).directory(directory);
    builder.journal_max_bytes(1 << 20).connector(sink.clone()).on_notice(|_| ()).flush_timeout(LONG).start().unwrap()
}

fn adds_up(counts: Counts) {
    assert_eq!(counts.emitted, counts.acknowledged + counts.refused, "{counts:?}");
    let settled = counts.delivered + counts.quarantined + counts.lost;
    assert_eq!(counts.acknowledged, settled + counts.pending, "{counts:?}");
}

/// A meter provider that is read by hand.
struct Metrics {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Metrics {
    fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let reader = PeriodicReader::builder(exporter.clone()).with_interval(Duration::from_secs(3600)).build();
        Self { provider: SdkMeterProvider::builder().with_reader(reader).build(), exporter }
    }

    /// The numbers of one collection, by name; unit and name are as the contract has them.
    fn collect(&self) -> BTreeMap<String, i128> {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let mut numbers = BTreeMap::new();
        for resource in self.exporter.get_finished_metrics().unwrap() {
            for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
                let number = match metric.data() {
                    AggregatedMetrics::U64(MetricData::Sum(sum)) => {
                        sum.data_points().map(|point| i128::from(point.value())).sum()
                    }
                    AggregatedMetrics::I64(MetricData::Sum(sum)) => {
                        sum.data_points().map(|point| i128::from(point.value())).sum()
                    }
                    _ => continue,
                };
                numbers.insert(metric.name().to_owned(), number);
            }
        }
        numbers
    }

    fn adds_up(&self) -> BTreeMap<String, i128> {
        let all = self.collect();
        let names = ["emitted", "acknowledged", "refused", "delivered", "quarantined", "lost"];
        let mut numbers: BTreeMap<_, _> =
            names.map(|name| (name.to_owned(), all[&format!("auditrail.records.{name}")])).into();
        numbers.insert("pending".into(), all["auditrail.journal.pending"]);
        assert_eq!(numbers["emitted"], numbers["acknowledged"] + numbers["refused"], "{numbers:?}");
        let settled = numbers["delivered"] + numbers["quarantined"] + numbers["lost"];
        assert_eq!(numbers["acknowledged"], settled + numbers["pending"], "{numbers:?}");
        numbers
    }

    fn number(&self, name: &str) -> i128 {
        self.collect()[name]
    }

    fn requests_in_histogram(&self) -> u64 {
        let metrics = self.exporter.get_finished_metrics().unwrap();
        let all = metrics.iter().flat_map(|resource| resource.scope_metrics()).flat_map(|scope| scope.metrics());
        let duration = all.filter(|metric| metric.name() == "auditrail.export.duration").last().unwrap();
        assert_eq!(duration.unit(), "s");
        match duration.data() {
            AggregatedMetrics::F64(MetricData::Histogram(durations)) => {
                durations.data_points().map(|point| point.count()).sum()
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Refuses what is poison, and is away when it is told to be.
#[derive(Debug, Clone, Default)]
struct Collector {
    away: Arc<AtomicBool>,
    records: Arc<Mutex<Vec<Record>>>,
}

impl Collector {
    /// The numbers of the lifecycle records that have some.
    fn told(&self) -> Vec<(String, Counts)> {
        let records = self.records.lock().unwrap();
        let lifecycle = records.iter().filter(|record| record.get("auditrail.records.emitted").is_some());
        lifecycle
            .map(|record| (record.text("auditrail.lifecycle.state").unwrap().to_owned(), counts_of(record)))
            .collect()
    }
}

fn counts_of(record: &Record) -> Counts {
    let number = |name: &str| match record.get(&format!("auditrail.records.{name}")) {
        Some(Value::Int(number)) => u64::try_from(*number).unwrap(),
        other => panic!("{name}: {other:?}"),
    };
    // The only way to one: all its fields are set here.
    let mut counts = Counts::default();
    counts.emitted = number("emitted");
    counts.acknowledged = number("acknowledged");
    counts.refused = number("refused");
    counts.delivered = number("delivered");
    counts.quarantined = number("quarantined");
    counts.lost = number("lost");
    counts.pending = number("pending");
    counts
}

impl Connector for Collector {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Collector {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(async move {
            if self.away.load(Ordering::Relaxed) {
                return Err(ExportError::Retry { reason: "away".into(), after: None });
            }
            let request = ExportLogsServiceRequest::decode(request).unwrap();
            let all = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
            let records = all.flat_map(|scope| scope.log_records).map(|record| Record::from_proto(record).unwrap());
            let records: Vec<_> = records.collect();
            if records.iter().any(|record| record.text("text") == Some("poison")) {
                return Err(ExportError::Rejected { reason: "poison".into() });
            }
            self.records.lock().unwrap().extend(records);
            Ok(Accepted::default())
        })
    }
}
