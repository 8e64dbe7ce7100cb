//! Missing records are reported exactly, by records that are never too long to be kept, however many are missing and where.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_debug_implementations,
    reason = "a test stops at what it did not expect"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::journal::{
    Append, BatchLimits, Event, HEADER, Journal, JournalOptions, Opened, Quarantine, QuarantineBound, Refused, Watcher,
};
use auditrail::opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use auditrail::opentelemetry_proto::tonic::common::v1::any_value::Value;
use auditrail::opentelemetry_proto::tonic::logs::v1::LogRecord;
use auditrail::record::StreamId;
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};
use bytes::Bytes;
use prost::Message as _;

const LONG: Duration = Duration::from_secs(600);
const RECORDS: u64 = 200_000;

/// Every second record of 200 000 is wiped from the disk, and the collector refuses some of the others.
#[test]
fn a_hundred_thousand_scattered_losses_are_told_exactly() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = JournalOptions::new(directory.path().join("journal"));
    options.background = false;
    let dead = die(&options);
    let wiped = wipe(&options.directory.join("streams").join(dead.to_string()), |number| number % 2 == 0);
    assert_eq!(wiped.len() as u64, RECORDS / 2);

    let collector = Collector { of: Some(dead), ..Collector::default() };
    let builder = Trail::builder("gaps").environment(Environment::default()).directory(directory.path());
    let trail = builder.connector(collector.clone()).on_notice(|_| ()).start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The first waits until the stream is drained, the second for what was told of it meanwhile.
    for _ in 0..2 {
        runtime.block_on(trail.flush(LONG)).unwrap();
    }
    drop(trail);

    let got = collector.got.lock().unwrap();
    assert!(got.longest_gap < 1024, "{} bytes", got.longest_gap);
    assert_same(&got.told("lost"), &wiped);
    assert_same(&got.told("quarantined"), &got.refused);
    assert_eq!(got.refused.len() as u64, RECORDS / 10_000);
    assert_eq!(
        got.taken.len() as u64,
        RECORDS / 2 - RECORDS / 10_000 + 2,
        "with the last of all and the end of the stream"
    );
}

/// What makes room in a full quarantine: every number that goes, and no other.
#[test]
fn what_the_quarantine_sheds_is_told_exactly() {
    let directory = tempfile::tempdir().unwrap();
    let told = Arc::<Discarded>::default();
    let mut options = JournalOptions::new(directory.path().join("journal"));
    (options.background, options.watcher) = (false, told.clone());
    options.quarantine = QuarantineBound::new(64 * 4096, false);
    let Opened { journal, mut reader, settler, .. } = Journal::open(options.clone()).unwrap();
    (1..=1000).for_each(|number| append(&journal, number));
    journal.commit().unwrap();
    let mut put = BTreeMap::new();
    while let Some(batch) = reader.next(BatchLimits { records: 10, bytes: 1 << 20 }) {
        // Some that stand beside each other, and one that stands alone.
        let entries: Vec<_> = [0, 1, 2, 6].map(|at| batch.entries[at].clone()).to_vec();
        settler.quarantine(Refused { entries: &entries, refused: 4, reason: "no" }).unwrap();
        let first = entries[0].sequence;
        put.insert(
            format!("{}-{first:020}", journal.stream()),
            entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>(),
        );
    }
    let left = Quarantine::of(options.fs.clone(), &options.directory).names().unwrap();
    let gone: BTreeSet<_> =
        put.into_iter().filter(|(name, _)| !left.contains(name)).flat_map(|(_, numbers)| numbers).collect();
    assert!(gone.len() > 100, "{}", gone.len());
    let told = told.0.lock().unwrap();
    assert_eq!(told.iter().map(|(count, ..)| count).sum::<u64>(), gone.len() as u64);
    assert_eq!(told.iter().flat_map(|(_, first, last)| *first..=*last).collect::<BTreeSet<_>>(), gone);
}

/// Says where they differ, and not all that they have.
fn assert_same(told: &BTreeSet<u64>, missing: &BTreeSet<u64>) {
    let [untold, wrong] =
        [missing.difference(told), told.difference(missing)].map(|numbers| numbers.collect::<Vec<_>>());
    let some = |numbers: &[&u64]| format!("{}: {:?}", numbers.len(), &numbers[..numbers.len().min(20)]);
    assert!(untold.is_empty() && wrong.is_empty(), "untold {}, wrong {}", some(&untold), some(&wrong));
}

#[derive(Debug, Default)]
struct Discarded(Mutex<Vec<(u64, u64, u64)>>);

impl Watcher for Discarded {
    fn happened(&self, event: Event) {
        if let Event::Discarded { count, first, last, .. } = event {
            self.0.lock().unwrap().push((count, first, last));
        }
    }
}

fn die(options: &JournalOptions) -> StreamId {
    let journal = Journal::open(options.clone()).unwrap().journal;
    for number in 1..=RECORDS + 1 {
        // The last of all is sound, so that the end is known.
        append(&journal, number);
        if number % 5000 == 0 {
            journal.commit().unwrap();
        }
    }
    journal.commit().unwrap();
    journal.stream()
}

fn append(journal: &Journal, number: u64) {
    let mut frame = vec![0; HEADER];
    let record = LogRecord { observed_time_unix_nano: number, ..LogRecord::default() };
    record.encode(&mut frame).unwrap();
    journal.append(Append::MOMENT, &mut frame).unwrap();
}

/// Writes zeros over the frames of those numbers, found by hand, and says which there were.
fn wipe(stream: &Path, goes: impl Fn(u64) -> bool) -> BTreeSet<u64> {
    let mut wiped = BTreeSet::new();
    for path in std::fs::read_dir(stream).unwrap().map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "seg") {
            continue;
        }
        let mut content = std::fs::read(&path).unwrap();
        let word = |content: &[u8], at: usize| u32::from_le_bytes(content[at..at + 4].try_into().unwrap());
        let mut at = word(&content, 12) as usize;
        while at + 32 <= content.len() && word(&content, at) >> 31 == 1 {
            let size = (32 + (word(&content, at) & !(1 << 31)) as usize).next_multiple_of(32);
            let number = u64::from_le_bytes(content[at + 8..at + 16].try_into().unwrap());
            if goes(number) {
                content[at..at + size].fill(0);
                wiped.insert(number);
            }
            at += size;
        }
        std::fs::write(&path, content).unwrap();
    }
    wiped
}

#[derive(Debug, Clone, Default)]
struct Collector {
    of: Option<StreamId>,
    got: Arc<Mutex<Got>>,
}

#[derive(Debug, Default)]
struct Got {
    taken: BTreeSet<u64>,
    refused: BTreeSet<u64>,
    /// By cause: count, first, last.
    gaps: BTreeMap<String, Vec<(u64, u64, u64)>>,
    longest_gap: usize,
}

impl Got {
    /// The numbers that were told for that cause: each once, and as many as were counted.
    fn told(&self, cause: &str) -> BTreeSet<u64> {
        let gaps = &self.gaps[cause];
        let numbers: BTreeSet<_> = gaps.iter().flat_map(|(_, first, last)| *first..=*last).collect();
        assert_eq!(gaps.iter().map(|(count, ..)| count).sum::<u64>(), numbers.len() as u64, "{cause}");
        numbers
    }

    fn take(&mut self, of: &str, record: &LogRecord) {
        if text(record, "auditrail.gap.stream_id").as_deref() == Some(of) {
            let [count, first, last] =
                ["count", "first", "last"].map(|key| number(record, &format!("auditrail.gap.{key}")));
            let cause = text(record, "auditrail.gap.cause").unwrap();
            self.gaps.entry(cause).or_default().push((count, first, last));
            self.longest_gap = self.longest_gap.max(record.encoded_len());
        }
        if text(record, "auditrail.stream.id").as_deref() == Some(of) {
            self.taken.insert(number(record, "audit.sequence.number"));
        }
    }
}

fn value<'a>(record: &'a LogRecord, key: &str) -> Option<&'a Value> {
    record.attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}

fn text(record: &LogRecord, key: &str) -> Option<String> {
    match value(record, key)? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

fn number(record: &LogRecord, key: &str) -> u64 {
    match value(record, key) {
        Some(Value::IntValue(number)) => u64::try_from(*number).unwrap(),
        other => panic!("{key}: {other:?}"),
    }
}

impl Connector for Collector {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Collector {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(async move {
            let of = self.of.unwrap().to_string();
            let request = ExportLogsServiceRequest::decode(request).unwrap();
            let scopes = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
            let records: Vec<_> = scopes.flat_map(|logs| logs.log_records).collect();
            let is_refused = |record: &&LogRecord| {
                let is_of_the_dead = text(record, "auditrail.stream.id").as_deref() == Some(&of);
                is_of_the_dead && number(record, "audit.sequence.number") % 10_000 == 501
            };
            let mut got = self.got.lock().unwrap();
            if let Some(refused) = records.iter().find(is_refused) {
                if records.len() == 1 {
                    got.refused.insert(number(refused, "audit.sequence.number"));
                }
                return Err(ExportError::Rejected { reason: "no".into() });
            }
            records.iter().for_each(|record| got.take(&of, record));
            Ok(Accepted::default())
        })
    }
}
