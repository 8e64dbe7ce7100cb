//! The end of a dead process's stream comes after everything that the process wrote. It is written when that has been
//! read, and once, even if adopting processes die themselves.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    dead_code,
    missing_debug_implementations,
    unreachable_pub,
    reason = "a test stops at what it did not expect, and shares modules with others"
)]

mod simulated;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::journal::{Append, BatchLimits, HEADER, Journal, JournalOptions, orphans};
use auditrail::opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use auditrail::opentelemetry_proto::tonic::common::v1::any_value::Value;
use auditrail::opentelemetry_proto::tonic::logs::v1::LogRecord;
use auditrail::record::StreamId;
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};
use bytes::Bytes;
use prost::Message as _;

use self::simulated::{Death, SimulatedFs};

const LONG: Duration = Duration::from_secs(120);
const DIRECTORY: &str = "/state";

/// More than four batches wait while the collector is away: none of the processes that come and go writes an end, and none
/// leaves anything behind. The first that reads all of it writes the answer and the end, behind all.
#[test]
fn the_end_comes_behind_a_backlog_that_was_read() {
    let fs = SimulatedFs::new(1, 512);
    let dead = die(&fs, RECORDS);
    let before = files_of(&fs, dead);
    for _ in 0..5 {
        let away = Collector { is_away: true, ..Collector::default() };
        let trail = start(&fs, &away).unwrap();
        away.was_asked_for(dead, 4);
        drop(trail);
        fs.restart(Death::Kill);
        assert_eq!(files_of(&fs, dead), before, "nothing is written to the stream before all of it is read");
    }

    let collector = Collector::default();
    let trail = start(&fs, &collector).unwrap();
    flush(&trail);
    drop(trail);
    let came = collector.of(dead);
    assert_eq!(came.len() as u64, RECORDS + 2);
    let numbers: Vec<_> = came.keys().copied().collect();
    assert_eq!(numbers, (1..=RECORDS + 2).collect::<Vec<_>>());
    assert_eq!(came[&(RECORDS + 1)].iter().map(|said| &said.what[..]).collect::<Vec<_>>(), ["response"]);
    assert_eq!(came[&(RECORDS + 2)].iter().map(|said| &said.what[..]).collect::<Vec<_>>(), ["stopped"]);
    assert_eq!(files_of(&fs, dead), BTreeSet::new());
}

/// As far as the collector was asked, the end is written though the collector has settled nothing: what is left is only to be
/// sent.
#[test]
fn what_is_read_ahead_has_its_end_though_the_collector_is_away() {
    let fs = SimulatedFs::new(2, 512);
    let dead = die(&fs, 5);
    let away = Collector { is_away: true, ..Collector::default() };
    let trail = start(&fs, &away).unwrap();
    away.was_asked_for(dead, 2);
    drop(trail);
    fs.restart(Death::PowerLoss);
    let asked = away.asked_of(dead);
    assert_eq!(asked.keys().copied().collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());

    let collector = Collector::default();
    let trail = start(&fs, &collector).unwrap();
    flush(&trail);
    drop(trail);
    assert_eq!(collector.of(dead), asked, "the same answer and the same end");
}

/// The adopter dies in any of its operations on the disk, by a kill or with the power. Whoever comes next finishes: nothing of
/// the dead process is missing, each number has one record or is told, the call has one answer, the stream one end, behind all
/// others.
#[test]
fn an_adopter_that_dies_anywhere_leaves_a_stream_that_the_next_one_finishes() {
    let mut died_in_hand = 0;
    for operations in 0..OPERATIONS {
        for (seed, death) in [(operations, Death::Kill), (operations + 1000, Death::PowerLoss)] {
            let fs = SimulatedFs::new(seed, 512);
            let dead = die(&fs, 5);
            let collector = Collector::default();
            fs.die_after(operations);
            if let Ok(trail) = start(&fs, &collector) {
                // It ends well, or is late, as the process has died.
                let _flushed = runtime().block_on(trail.flush(Duration::from_millis(50)));
                drop(trail);
            }
            died_in_hand += u32::from(fs.is_dead() && !files_of(&fs, dead).is_empty());
            fs.restart(death);

            let trail = start(&fs, &collector).unwrap();
            flush(&trail);
            drop(trail);
            let came = collector.of(dead);
            let what: Vec<_> = came.values().flatten().map(|said| &said.what[..]).collect();
            let wanted = ["moment", "moment", "request", "moment", "moment", "response", "stopped"];
            assert_eq!(what, wanted, "{operations} {death:?}: {came:?}");
            // An answer that was lost with the power, and never shipped, is told and made again.
            let told = collector.told_of(dead);
            let last = *came.keys().next_back().unwrap();
            let all: Vec<_> = came.keys().copied().chain(told).collect::<BTreeSet<_>>().into_iter().collect();
            assert_eq!(all, (1..=last).collect::<Vec<_>>(), "{operations} {death:?}: {came:?}");
            assert!(death == Death::PowerLoss || last == 7, "{operations}: {came:?}");
            assert_eq!(files_of(&fs, dead), BTreeSet::new(), "{operations} {death:?}");
        }
    }
    assert!(died_in_hand > 20, "the deaths come while the stream is in hand: {died_in_hand}");
}

/// The header of the last segment is gone, and what it carried with it, so that the segment before it tells which call is open:
/// that stays until the call is answered, whoever reads and settles all of it meanwhile.
#[test]
fn what_tells_of_an_open_call_stays_until_it_is_answered() {
    let fs = SimulatedFs::new(3, 512);
    let options = options(&fs);
    let journal = Journal::open(options.clone()).unwrap().journal;
    let stream = journal.stream();
    append(&journal, Append::REQUEST, "request", 1);
    // Two segments of 64 KiB.
    (2..1000).for_each(|number| append(&journal, Append::MOMENT, "moment", number));
    journal.commit().unwrap();
    fs.restart(Death::Kill);
    let second = Path::new(DIRECTORY).join("journal/streams").join(stream.to_string()).join("0000000002.seg");
    let mut content = fs.content(&second).unwrap();
    content[..4096].fill(0x5a);
    fs.overwrite(&second, &content);

    for _ in 0..3 {
        let mut adopted = orphans(&options).unwrap().pop().unwrap().adopt(&options).unwrap().unwrap();
        assert_eq!((adopted.open.len(), adopted.needs_end), (1, true));
        while let Some(batch) = adopted.reader.next(BatchLimits { records: 100, bytes: 1 << 20 }) {
            adopted.settler.settle(batch.entries.last().unwrap().sequence);
        }
        assert!(adopted.reader.is_at_end());
        drop(adopted);
        fs.restart(Death::Kill);
    }
    let collector = Collector::default();
    let trail = start(&fs, &collector).unwrap();
    flush(&trail);
    drop(trail);
    let what: Vec<_> = collector.of(stream).into_values().flatten().map(|said| said.what).collect();
    assert_eq!(what, ["response", "stopped"]);
}

/// Behind a torn end it is guessed how many records stood there. Every adopter that does not come to write the end guesses the
/// same.
#[test]
fn the_numbers_of_a_torn_end_are_guessed_once() {
    let fs = SimulatedFs::new(4, 512);
    let dead = die(&fs, 5);
    let first = Path::new(DIRECTORY).join("journal/streams").join(dead.to_string()).join("0000000001.seg");
    let mut content = fs.content(&first).unwrap();
    let end = content.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    content[end.next_multiple_of(32)..][..640].fill(0x5a);
    fs.overwrite(&first, &content);
    fs.overwrite(&first.with_file_name("mark"), &[]);
    let mut numbers = BTreeSet::new();
    for _ in 0..4 {
        let mut adopted = orphans(&options(&fs)).unwrap().pop().unwrap().adopt(&options(&fs)).unwrap().unwrap();
        assert_eq!(adopted.reader.next(BatchLimits { records: 3, bytes: 1 << 20 }).unwrap().entries[0].sequence, 1);
        numbers.insert(adopted.journal.usage().appended);
        drop(adopted);
        fs.restart(Death::PowerLoss);
    }
    assert_eq!(numbers.len(), 1, "{numbers:?}");
    assert!(numbers.first() > Some(&5));
}

/// A sector of the stream can never be read. What else is in it arrives, it gets its end, and it goes.
#[test]
fn a_stream_with_a_sector_that_cannot_be_read_is_drained_to_its_end() {
    let fs = SimulatedFs::new(5, 512);
    let dead = die(&fs, 200);
    let first = Path::new(DIRECTORY).join("journal/streams").join(dead.to_string()).join("0000000001.seg");
    fs.break_block(&first, 4096);
    let collector = Collector::default();
    let trail = start(&fs, &collector).unwrap();
    flush(&trail);
    drop(trail);
    let came = collector.of(dead);
    assert!(came.len() > 100 && came.len() < 202, "{}", came.len());
    assert_eq!(came.keys().next_back(), Some(&202));
    assert_eq!(files_of(&fs, dead), BTreeSet::new());
}

/// A process that dies with that many records; the third opens a call that nobody answers.
fn die(fs: &SimulatedFs, records: u64) -> StreamId {
    let journal = Journal::open(options(fs)).unwrap().journal;
    for number in 1..=records {
        let (what, text) = if number == 3 { (Append::REQUEST, "request") } else { (Append::MOMENT, "moment") };
        append(&journal, what, text, number);
        if number % 5000 == 0 {
            journal.commit().unwrap();
        }
    }
    journal.commit().unwrap();
    fs.restart(Death::Kill);
    journal.stream()
}

fn append(journal: &Journal, what: Append, text: &str, number: u64) {
    let mut frame = vec![0; HEADER];
    let record = LogRecord { severity_text: text.into(), observed_time_unix_nano: number, ..LogRecord::default() };
    record.encode(&mut frame).unwrap();
    journal.append(what, &mut frame).unwrap();
}

fn options(fs: &SimulatedFs) -> JournalOptions {
    let mut options = JournalOptions::new(Path::new(DIRECTORY).join("journal"));
    (options.fs, options.background, options.segment_bytes) = (Arc::new(fs.clone()), false, Some(0));
    options
}

/// The names and contents of a stream's files, but for how far it is settled.
fn files_of(fs: &SimulatedFs, stream: StreamId) -> BTreeSet<(String, u32)> {
    let within = Path::new(DIRECTORY).join("journal/streams").join(stream.to_string());
    let paths = fs.paths().into_iter().filter(|path| path.starts_with(&within) && *path != within);
    let is_place = |name: &str| ["cursor", "mark"].contains(&name);
    paths
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let crc = if is_place(&name) { 0 } else { crc32fast::hash(&fs.content(&path).unwrap()) };
            (name, crc)
        })
        .collect()
}

fn start(fs: &SimulatedFs, collector: &Collector) -> Result<Trail, auditrail::trail::StartError> {
    let builder = Trail::builder("adopted").environment(Environment::default()).directory(DIRECTORY).fs(fs.clone());
    builder.connector(collector.clone()).on_notice(|_| ()).flush_timeout(Duration::from_millis(20)).start()
}

fn flush(trail: &Trail) {
    runtime().block_on(trail.flush(LONG)).unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// What came of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    what: String,
    /// What tells it from others: its own id, or the number that the dead process gave it.
    id: String,
}

type Records = BTreeMap<u64, BTreeSet<Said>>;

#[derive(Debug, Clone, Default)]
struct Collector {
    /// It never answers.
    is_away: bool,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    /// By stream.
    asked: BTreeMap<String, Records>,
    /// The numbers that gap records tell of.
    told: BTreeMap<String, BTreeSet<u64>>,
    requests: BTreeMap<String, usize>,
}

impl Collector {
    fn of(&self, stream: StreamId) -> Records {
        assert!(!self.is_away);
        self.asked_of(stream)
    }

    fn asked_of(&self, stream: StreamId) -> Records {
        self.state.0.lock().unwrap().asked.get(&stream.to_string()).cloned().unwrap_or_default()
    }

    fn told_of(&self, stream: StreamId) -> BTreeSet<u64> {
        self.state.0.lock().unwrap().told.get(&stream.to_string()).cloned().unwrap_or_default()
    }

    /// Waits until that many requests with records of the stream have come.
    fn was_asked_for(&self, stream: StreamId, requests: usize) {
        let (state, changed) = &*self.state;
        let is_missing =
            |state: &mut State| state.requests.get(&stream.to_string()).copied().unwrap_or_default() < requests;
        let waited = changed.wait_timeout_while(state.lock().unwrap(), LONG, is_missing).unwrap().1;
        assert!(!waited.timed_out());
    }

    fn take(&self, request: Bytes) {
        let request = ExportLogsServiceRequest::decode(request).unwrap();
        let mut state = self.state.0.lock().unwrap();
        let mut streams = BTreeSet::new();
        let scopes = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
        for record in scopes.flat_map(|logs| logs.log_records) {
            let stream = text(&record, "auditrail.stream.id").unwrap();
            let what = text(&record, "auditrail.phase").or_else(|| text(&record, "auditrail.lifecycle.state"));
            let said = Said {
                what: what.unwrap_or_else(|| record.severity_text.clone()),
                id: text(&record, "audit.record.id").unwrap_or_else(|| record.observed_time_unix_nano.to_string()),
            };
            if let Some(of) = text(&record, "auditrail.gap.stream_id") {
                let numbers = number(&record, "auditrail.gap.first")..=number(&record, "auditrail.gap.last");
                state.told.entry(of).or_default().extend(numbers);
            }
            let of = state.asked.entry(stream.clone()).or_default();
            of.entry(number(&record, "audit.sequence.number")).or_default().insert(said);
            streams.insert(stream);
        }
        for stream in streams {
            *state.requests.entry(stream).or_default() += 1;
        }
        self.state.1.notify_all();
    }
}

fn text(record: &LogRecord, key: &str) -> Option<String> {
    let attribute = record.attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

fn number(record: &LogRecord, key: &str) -> u64 {
    let attribute = record.attributes.iter().find(|attribute| attribute.key == key).unwrap();
    match attribute.value.as_ref().unwrap().value.as_ref().unwrap() {
        Value::IntValue(number) => u64::try_from(*number).unwrap(),
        other => panic!("{other:?}"),
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
            self.take(request);
            if self.is_away {
                return std::future::pending::<Result<Accepted, ExportError>>().await;
            }
            Ok(Accepted::default())
        })
    }
}

/// More than four batches of 2000.
const RECORDS: u64 = 8100;
/// As many as an adopter does, at least.
const OPERATIONS: u64 = 160;
