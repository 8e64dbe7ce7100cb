//! The counts of a trail add up everywhere: `emitted = acknowledged + refused` and `acknowledged = delivered +
//! quarantined + lost + pending`, in `Trail::counts`, in the metrics of every collection, and in the lifecycle
//! records `running` and `stopped`. They are also true: `delivered` is what the collector holds.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::record::{EventName, Record, Value};
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};
use auditrail::trail::{Moment, RecordCounts};
use bytes::Bytes;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
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
    // The journal may still be making the segment that there is room for now.
    let takes_records = || {
        let refused = trail.counts().refused;
        trail.record(Moment::new(EventName::Context));
        trail.counts().refused == refused
    };
    while !takes_records() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    trail.report_counts();
    // What the flush before has shipped may have been told of by another record.
    let end = loop {
        trail.flush(LONG).await.unwrap();
        let end = metrics.adds_up();
        if end["pending"] == 0 && end["emitted"] == i128::from(trail.counts().emitted) {
            break end;
        }
    };
    assert_eq!(end["lost"], 0, "{end:?}");
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

/// The oracle is the sink, which counts distinct `audit.record.id` in its own decoder's words: under refusals, partial
/// successes, answers that are lost, and damage on the disk.
#[tokio::test]
async fn delivered_is_what_the_sink_holds_and_what_the_shipper_counted() {
    let directory = tempfile::tempdir().unwrap();
    let sink = Ledger::default();
    let builder = Trail::builder("honest").environment(Environment::default()).directory(directory.path());
    let trail = builder.journal_max_bytes(64 << 20).connector(sink.clone()).on_notice(|_| ()).start().unwrap();
    trail.flush(LONG).await.unwrap();
    sink.away.store(true, Ordering::Relaxed);
    // More than is read ahead, so that what is damaged at the end was not read before.
    let filler = "x".repeat(4000);
    let mut recorded = BTreeMap::new();
    for number in 0..1500 {
        let fate = match number {
            1490..1495 => "damaged",
            _ if number % 100 == 7 => "poison",
            _ if number % 300 == 11 => "partial",
            _ => "fine",
        };
        let moment = Moment::new(EventName::Context).attribute("fate", fate).attribute("filler", filler.clone());
        recorded.insert(trail.record(moment).to_string(), fate);
    }
    trail.flush(Duration::from_millis(50)).await.unwrap_err();
    let damaged = damage(&directory.path().join("journal/streams"), b"damaged");
    assert_eq!(damaged, 5, "they are on the disk");
    sink.away.store(false, Ordering::Relaxed);
    while trail.counts().pending > 0 {
        trail.flush(LONG).await.unwrap();
        adds_up(trail.counts());
    }

    let (counts, shipped, held) = (trail.counts(), trail.delivery_stats(), sink.held());
    adds_up(counts);
    assert_eq!(counts.delivered, held.len() as u64, "what the collector holds: {counts:?}");
    assert_eq!((shipped.delivered, shipped.quarantined), (counts.delivered, counts.quarantined));
    assert_eq!((counts.lost, counts.refused), (5, 0), "{counts:?}");
    let of = |fate: &str| recorded.iter().filter(|(_, its)| **its == fate).map(|(id, _)| id).collect::<BTreeSet<_>>();
    assert_eq!(counts.quarantined, (of("poison").len() + of("partial").len()) as u64, "{counts:?}");
    for (id, fate) in &recorded {
        assert_eq!(held.contains(id), *fate == "fine", "{fate} {id}");
    }
    // What is gone is told: as many as the numbers say.
    let told =
        |cause: &str| sink.gaps.lock().unwrap().iter().filter(|(its, _)| its == cause).map(|(_, n)| n).sum::<i64>();
    assert_eq!((told("quarantined"), told("lost")), (i64::try_from(counts.quarantined).unwrap(), 5));
    assert!(sink.requests.load(Ordering::Relaxed) > 20);
}

/// Changes a byte of each place in the files below where those bytes stand. Says how many.
fn damage(directory: &Path, bytes: &[u8]) -> usize {
    let mut places = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            places += damage(&path, bytes);
            continue;
        }
        let content = std::fs::read(&path).unwrap();
        let found = content.windows(bytes.len()).enumerate().filter(|(_, window)| *window == bytes);
        for (offset, _) in found {
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, b"D", offset as u64).unwrap();
            places += 1;
        }
    }
    places
}

/// A collector that keeps what it accepts, refuses what is poison, accepts requests partly, and forgets to answer.
#[derive(Debug, Clone, Default)]
struct Ledger {
    away: Arc<AtomicBool>,
    requests: Arc<AtomicU64>,
    held: Arc<Mutex<BTreeSet<String>>>,
    /// Cause and count of each gap record.
    gaps: Arc<Mutex<Vec<(String, i64)>>>,
}

impl Ledger {
    fn held(&self) -> BTreeSet<String> {
        self.held.lock().unwrap().clone()
    }

    fn answer(&self, request: Bytes) -> Result<Accepted, ExportError> {
        let nth = self.requests.fetch_add(1, Ordering::Relaxed);
        let away = || ExportError::Retry { reason: "away".into(), after: None };
        if self.away.load(Ordering::Relaxed) {
            return Err(away());
        }
        let request = ExportLogsServiceRequest::decode(request).unwrap();
        let all = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        let records: Vec<_> = all.flat_map(|scope| scope.log_records).map(|record| attributes(&record)).collect();
        let is = |record: &BTreeMap<String, any_value::Value>, fate: &str| text(record, "fate") == Some(fate);
        if records.iter().any(|record| is(record, "poison")) {
            return Err(ExportError::Rejected { reason: "poison".into() });
        }
        let (refused, taken): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| is(record, "partial"));
        let mut held = self.held.lock().unwrap();
        for record in taken {
            let is_new = held.insert(text(&record, "audit.record.id").unwrap().to_owned());
            if let (true, Some(cause)) = (is_new, text(&record, "auditrail.gap.cause")) {
                let Some(any_value::Value::IntValue(count)) = record.get("auditrail.gap.count") else {
                    panic!("{record:?}")
                };
                self.gaps.lock().unwrap().push((cause.to_owned(), *count));
            }
        }
        // The answer to every fifth request is lost.
        if nth % 5 == 3 { Err(away()) } else { Ok(Accepted::but(refused.len() as u64)) }
    }
}

fn attributes(record: &LogRecord) -> BTreeMap<String, any_value::Value> {
    let pairs = record.attributes.iter();
    pairs.filter_map(|pair| Some((pair.key.clone(), pair.value.as_ref()?.value.clone()?))).collect()
}

fn text<'a>(record: &'a BTreeMap<String, any_value::Value>, key: &str) -> Option<&'a str> {
    match record.get(key)? {
        any_value::Value::StringValue(text) => Some(text),
        _ => None,
    }
}

impl Connector for Ledger {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Ledger {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(async move { self.answer(request) })
    }
}

fn start(directory: &Path, sink: &Collector) -> Trail {
    let builder = Trail::builder("honest").environment(Environment::default()).directory(directory);
    builder.journal_max_bytes(1 << 20).connector(sink.clone()).on_notice(|_| ()).flush_timeout(LONG).start().unwrap()
}

fn adds_up(counts: RecordCounts) {
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
    fn told(&self) -> Vec<(String, RecordCounts)> {
        let records = self.records.lock().unwrap();
        let lifecycle = records.iter().filter(|record| record.get("auditrail.records.emitted").is_some());
        lifecycle
            .map(|record| (record.text("auditrail.lifecycle.state").unwrap().to_owned(), counts_of(record)))
            .collect()
    }
}

fn counts_of(record: &Record) -> RecordCounts {
    let number = |name: &str| match record.get(&format!("auditrail.records.{name}")) {
        Some(Value::Int(number)) => u64::try_from(*number).unwrap(),
        other => panic!("{name}: {other:?}"),
    };
    // The only way to one: all its fields are set here.
    let mut counts = RecordCounts::default();
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
