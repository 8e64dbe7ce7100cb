//! Promises "Slow or dead sink" and "Poison record": a collector that is away for days costs disk, not memory, and gets
//! everything in order when it is back (row 16); what is too long is cut before it is in the journal, and what is still too
//! large for the collector is in quarantine and told (rows 14 and 15).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    dead_code,
    reason = "a test stops at what it did not expect; the helpers are shared; the child speaks by its output"
)]

#[path = "suite/support.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::journal::{Cause, Disk, Quarantine};
use auditrail::policy::ValueLimits;
use auditrail::record::{Clock, EventName, Record, Value, names};
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};
use auditrail::trail::{Acknowledge, Call, Class, Moment, WhenFull};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;

use self::support::Bench;

/// Far beyond what anything here takes.
const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(50);
/// Ten times what may wait in memory for a sync (24 MiB) or for an answer (4 batches of half a megabyte).
const BACKLOG: u64 = 256 << 20;
/// How much the memory may grow: what may wait in it, and what the allocator keeps.
const FLAT: u64 = 40 << 20;
const RECORD: u64 = 60_000;
/// Records of four requests of half a megabyte.
const IN_FLIGHT: u64 = 4 * (512 * 1024) / RECORD + 4;
const MINUTE: u64 = 60_000_000_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// Row 16. In a process of its own, as other tests use memory, too. `AUDITRAIL_TEST_BACKLOG` sets the bytes.
#[test]
fn three_days_without_a_collector_cost_no_memory_and_no_record() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["child_in_an_outage", "--exact", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
    assert!(said.contains("all are there"), "{said}");
}

#[test]
#[ignore = "a part of the test above"]
fn child_in_an_outage() {
    let backlog = std::env::var("AUDITRAIL_TEST_BACKLOG").map_or(BACKLOG, |bytes| bytes.parse().unwrap());
    let records = backlog / RECORD;
    let (clock, sink, directory) = (Days::default(), Away::default(), tempfile::tempdir().unwrap());
    let mut limits = ValueLimits::default();
    limits.value_bytes = usize::try_from(RECORD).unwrap();
    let trail = Trail::builder("weather")
        .environment(Environment::default())
        .directory(directory.path())
        .journal_max_bytes(2 * backlog + (64 << 20))
        .clock(clock.clone())
        .value_limits(limits)
        .class(Class {
            acknowledge: Acknowledge::Synced,
            when_full: WhenFull::Refuse,
            deadline: LONG,
            ..Class::CRITICAL
        })
        .connector(sink.clone())
        .flush_timeout(SHORT)
        .on_notice(|_| ())
        .start()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let large = "x".repeat(usize::try_from(RECORD).unwrap() - 700);
    let mut before = 0;
    for number in 0..records {
        trail.record(Moment::new(EventName::Context).attribute("app.content", large.clone()));
        clock.later(3 * DAY / records);
        if number % 64 == 0 {
            // No faster than the disk, however slow that is: what is not synced waits in memory, up to a bound.
            drop(
                runtime.block_on(trail.begin(Call::mcp("tools/call"))).expect("it waits until all before it is synced"),
            );
        }
        if number == records / 10 {
            before = anonymous_memory();
        }
    }
    let after = anonymous_memory();
    let counts = trail.counts();
    assert_eq!((counts.refused, counts.lost, counts.quarantined), (0, 0, 0));
    assert!(counts.pending > records, "nothing was taken yet");
    assert!(after < before + FLAT, "{before} bytes after a tenth, {after} after all");

    sink.back.store(true, SeqCst);
    runtime.block_on(trail.flush(LONG)).unwrap();
    let drained = anonymous_memory();
    let most = sink.most_memory.load(SeqCst).max(drained);
    assert!(most < before + FLAT, "{before} bytes before the drain, {most} in it");
    let numbers = sink.numbers.lock().unwrap().clone();
    // What the trail told of itself when the collector was back may be on its way.
    assert!(numbers.len() as u64 > records, "{} of {records}", numbers.len());
    // Oldest first, but for the four requests that are under way at a time.
    let strays = (1..).zip(&numbers).filter(|(place, number)| number.abs_diff(*place) > IN_FLIGHT).count();
    assert_eq!(strays, 0, "of {}", numbers.len());
    let mut sorted = numbers;
    sorted.sort_unstable();
    assert!((1..).zip(&sorted).all(|(place, number)| place == *number), "each of them, once");
    assert!(sink.last_time.load(SeqCst) - sink.first_time.load(SeqCst) >= 3 * DAY - 3 * DAY / records * 2);
    println!("all are there: {records} records, {before} {after} {most} bytes");
}

/// Row 15.
#[test]
fn what_is_too_long_is_cut_before_the_journal_and_named() {
    let bench = Bench::with(|builder| builder.flush_timeout(SHORT));
    bench.sunk.away.store(true, SeqCst);
    let long = format!("{}canary-tail", "x".repeat(10_000));
    bench.trail.record(Moment::new(EventName::Context).attribute("app.long", long).attribute("app.short", "kept"));
    assert!(!anywhere(bench.directory.path(), b"canary-tail"));
    assert!(anywhere(bench.directory.path(), b"app.long"), "it is the journal that was looked at");
    bench.sunk.away.store(false, SeqCst);
    let record = bench.records().pop().unwrap();
    assert_eq!(record.text("app.long").map(str::len), Some(4096));
    assert_eq!(record.text("app.short"), Some("kept"));
    assert_eq!(record.get(names::AUDITRAIL_TRUNCATED), Some(&Value::strings(["app.long"])));
}

/// Rows 14 and 15.
#[test]
fn what_is_too_large_for_the_collector_is_in_quarantine_and_told_and_nothing_else_is() {
    let bench = Bench::with(|builder| builder);
    bench.sunk.away.store(true, SeqCst);
    let small = |_| bench.trail.record(Moment::new(EventName::Context)).to_string();
    let mut ids: Vec<String> = (0..500).map(small).collect();
    let parts: Vec<String> = (0..20).map(|_| "x".repeat(4000)).collect();
    let large = bench.trail.record(Moment::new(EventName::Context).attribute("app.parts", Value::strings(parts)));
    ids.extend((0..500).map(small));
    bench.sunk.longest.store(50_000, SeqCst);
    bench.sunk.away.store(false, SeqCst);
    let records = bench.records();

    let arrived = records.iter().filter(|record| record.event_name == "auditrail.context");
    let arrived: Vec<_> = arrived.map(|record| record.text(names::AUDIT_RECORD_ID).unwrap()).collect();
    assert_eq!(arrived.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
    assert!(ids.iter().all(|id| arrived.contains(&id.as_str())));
    let quarantine = Quarantine::of(Arc::new(Disk::default()), &bench.directory.path().join("journal"));
    let [name] = <[_; 1]>::try_from(quarantine.names().unwrap()).unwrap();
    let kept = quarantine.read(&name).unwrap();
    assert_eq!((kept.cause, kept.first, kept.last, kept.refused), (Cause::Refused, 502, 502, 1));
    assert_eq!(kept.reason, "too large");
    let record = Record::decode(&kept.entries[0].record).unwrap();
    assert_eq!(record.text(names::AUDIT_RECORD_ID), Some(large.to_string().as_str()));

    // It is written when the record is given up, so it goes out behind.
    let records = bench.records();
    let gap = records.iter().find(|record| record.event_name == "auditrail.gap").unwrap();
    assert_eq!(gap.text(names::AUDITRAIL_GAP_CAUSE), Some("quarantined"));
    for (name, number) in
        [(names::AUDITRAIL_GAP_COUNT, 1), (names::AUDITRAIL_GAP_FIRST, 502), (names::AUDITRAIL_GAP_LAST, 502)]
    {
        assert_eq!(gap.get(name), Some(&Value::Int(number)), "{name}");
    }
    let counts = bench.trail.counts();
    assert_eq!((counts.quarantined, counts.lost, counts.refused), (1, 0, 0));
    assert_eq!(counts.acknowledged, counts.delivered + counts.quarantined + counts.pending);
}

/// A clock that goes when it is told to.
#[derive(Debug, Clone)]
struct Days(Arc<AtomicU64>);

impl Default for Days {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(1_800_000_000_000_000_000)))
    }
}

impl Days {
    fn later(&self, nanos: u64) {
        self.0.fetch_add(nanos, SeqCst);
    }
}

impl Clock for Days {
    fn unix_nano(&self) -> u64 {
        self.0.load(SeqCst)
    }

    fn monotonic_nano(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

/// A collector that is away until it is back, and keeps numbers only.
#[derive(Debug, Clone, Default)]
struct Away {
    back: Arc<AtomicBool>,
    numbers: Arc<Mutex<Vec<u64>>>,
    first_time: Arc<AtomicU64>,
    last_time: Arc<AtomicU64>,
    most_memory: Arc<AtomicU64>,
}

impl Connector for Away {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Away {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(async move {
            if !self.back.load(SeqCst) {
                return Err(ExportError::Retry { reason: "away".into(), after: None });
            }
            let request = ExportLogsServiceRequest::decode(request).unwrap();
            let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
            for record in scopes.flat_map(|scope| scope.log_records).map(|record| Record::from_proto(record).unwrap()) {
                let Some(Value::Int(number)) = record.get(names::AUDIT_SEQUENCE_NUMBER) else { panic!("{record:?}") };
                self.numbers.lock().unwrap().push(u64::try_from(*number).unwrap());
                if *number == 1 {
                    self.first_time.store(record.time_unix_nano, SeqCst);
                }
                self.last_time.fetch_max(record.time_unix_nano, SeqCst);
            }
            self.most_memory.fetch_max(anonymous_memory(), SeqCst);
            Ok(Accepted::default())
        })
    }
}

/// Bytes of memory that no file stands behind: `RssAnon` of this process.
fn anonymous_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Whether these bytes stand in any file below.
fn anywhere(directory: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(directory).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            anywhere(&path, bytes)
        } else {
            std::fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes)
        }
    })
}
