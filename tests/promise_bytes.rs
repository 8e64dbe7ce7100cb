//! Promise "The same bytes": a record is shipped with the same bytes, its number and its stream among them, at every attempt:
//! the first, after halving, a retry, after a crash, and when it is replayed from quarantine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::journal::{Cause, Disk, Quarantine};
use auditrail::record::EventName;
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Replay, Sink};
use auditrail::trail::Moment;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;

/// Far beyond what anything here takes.
const LONG: Duration = Duration::from_secs(120);
const RECORDS: i64 = 40;
const POISON: &str = "poison";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_has_the_same_bytes_at_every_attempt() {
    let (directory, crashed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sink = Faulty::default();
    let trail = start(directory.path(), &sink);
    for number in 0..RECORDS {
        let text = if number == 17 { POISON } else { "harmless" };
        trail.record(Moment::new(EventName::Context).attribute("text", text).attribute("number", number));
    }
    while sink.count(|seen| seen.mood == Mood::Away && seen.sequence == 1) < 3 {
        drop(trail.flush(Duration::from_millis(50)).await);
    }
    // What a process leaves that is killed now: nothing was accepted, so nothing is settled.
    copy(directory.path(), crashed.path());

    sink.becomes(Mood::RefusesPoison);
    trail.flush(LONG).await.unwrap();
    // Here all that waits is one batch.
    sink.becomes(Mood::RefusesPoisonAgain);
    let heir = start(crashed.path(), &sink);
    heir.flush(LONG).await.unwrap();
    assert!(sink.count(|seen| seen.mood == Mood::RefusesPoisonAgain && seen.is_poison && seen.together > 20) > 0);
    assert!(sink.count(|seen| seen.mood == Mood::RefusesPoisonAgain && seen.is_poison && seen.together == 1) > 0);

    sink.becomes(Mood::Replayed);
    let shipped = sink.seen(|seen| seen.is_poison).remove(0);
    for directory in [&directory, &crashed] {
        let quarantine = Quarantine::of(Arc::new(Disk::default()), &directory.path().join("journal"));
        let name = quarantine.names().unwrap().remove(0);
        let kept = quarantine.read(&name).unwrap();
        assert_eq!((kept.cause, kept.entries.len()), (Cause::Refused, 1));
        assert_eq!(kept.entries[0].record, shipped.bytes, "quarantine has what was shipped");
        let (settings, to) = (trail.settings().logs.clone(), sink.clone());
        let replay = move || Replay::connect(&to, &settings).unwrap().replay(&quarantine, &name, LONG).unwrap();
        assert_eq!(std::thread::spawn(replay).join().unwrap(), 1);
    }

    let mut records = BTreeMap::<(String, i64), Vec<Seen>>::new();
    // Behind these, the process that was not killed in truth and its heir say different things.
    for seen in sink.seen(|seen| seen.sequence <= RECORDS + 1) {
        records.entry((seen.stream.clone(), seen.sequence)).or_default().push(seen);
    }
    for ((stream, sequence), seen) in &records {
        let ids: BTreeSet<_> = seen.iter().map(|seen| &seen.id).collect();
        assert_eq!(ids.len(), 1, "{stream} {sequence} is one record");
        assert!(seen.iter().all(|again| again.bytes == seen[0].bytes), "{stream} {sequence}");
    }
    let of_poison: BTreeSet<_> = sink.seen(|seen| seen.is_poison).iter().map(|seen| seen.mood).collect();
    assert!(of_poison.is_superset(&[Mood::RefusesPoison, Mood::RefusesPoisonAgain, Mood::Replayed].into()));
    let by_both = (1..=RECORDS + 1).map(|sequence| &records[&(shipped.stream.clone(), sequence)]);
    for seen in by_both {
        assert!(seen.iter().any(|seen| seen.mood == Mood::RefusesPoison));
        assert!(
            seen.iter().any(|seen| seen.mood == Mood::RefusesPoisonAgain),
            "after the crash it has number and stream of before"
        );
    }
}

/// A file of version 1 has records as they stood in the journal: they get number and stream when they are replayed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_earlier_version_set_aside_is_replayed_with_the_bytes_that_it_shipped() {
    let directory = tempfile::tempdir().unwrap();
    let sink = Faulty::default();
    sink.becomes(Mood::RefusesPoison);
    let trail = start(directory.path(), &sink);
    trail.record(Moment::new(EventName::Context).attribute("text", POISON));
    trail.flush(LONG).await.unwrap();
    let shipped = sink.seen(|seen| seen.is_poison).remove(0);

    let quarantine = Quarantine::of(Arc::new(Disk::default()), &directory.path().join("journal"));
    let name = quarantine.names().unwrap().remove(0);
    let path = directory.path().join(format!("journal/quarantine/{name}.rec"));
    fs::write(&path, of_version_1(&fs::read(&path).unwrap(), &shipped.bytes)).unwrap();
    assert_eq!(quarantine.read(&name).unwrap().shipped_to, None);
    sink.becomes(Mood::Replayed);
    let (settings, to) = (trail.settings().logs.clone(), sink.clone());
    let replay = move || Replay::connect(&to, &settings).unwrap().replay(&quarantine, &name, LONG).unwrap();
    assert_eq!(std::thread::spawn(replay).join().unwrap(), 1);
    let replayed = sink.seen(|seen| seen.is_poison).pop().unwrap();
    assert_eq!((replayed.mood, replayed.bytes), (Mood::Replayed, shipped.bytes));
}

/// The file with one record as an earlier version wrote it (`docs/format.md`): without the two attributes that are appended
/// on shipping.
fn of_version_1(file: &[u8], shipped: &Bytes) -> Vec<u8> {
    let record = LogRecord::decode(shipped.clone()).unwrap();
    // Key and length take a byte each.
    let appended: usize = record.attributes.iter().rev().take(2).map(|attribute| 2 + attribute.encoded_len()).sum();
    let own = &shipped[..shipped.len() - appended];
    assert!(file.ends_with(shipped), "the one entry");
    let mut file = file[..file.len() - shipped.len() - 4].to_vec();
    file.extend(u32::try_from(own.len()).unwrap().to_le_bytes());
    file.extend(own);
    file[8..10].copy_from_slice(&1_u16.to_le_bytes());
    file.drain(80..96);
    file[76..80].fill(0);
    let crc = crc32fast::hash(&file);
    file[76..80].copy_from_slice(&crc.to_le_bytes());
    file
}

fn start(directory: &Path, sink: &Faulty) -> Trail {
    Trail::builder("weather")
        .directory(directory)
        .environment(Environment::default())
        .flush_timeout(Duration::from_millis(10))
        .connector(sink.clone())
        .on_notice(|_| ())
        .start()
        .unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to)
        } else {
            assert!(fs::copy(entry.path(), to).is_ok())
        }
    }
}

/// What the sink does; also names the part of the story in which it saw a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Mood {
    #[default]
    Away,
    RefusesPoison,
    RefusesPoisonAgain,
    Replayed,
}

/// A record as it came.
#[derive(Debug, Clone)]
struct Seen {
    mood: Mood,
    /// How many came in that request.
    together: usize,
    bytes: Bytes,
    stream: String,
    sequence: i64,
    id: String,
    is_poison: bool,
}

/// Keeps the bytes of everything that it was sent, and takes it or not.
#[derive(Debug, Clone, Default)]
struct Faulty {
    mood: Arc<Mutex<Mood>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Faulty {
    fn becomes(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn seen(&self, wanted: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| wanted(seen)).cloned().collect()
    }

    fn count(&self, wanted: impl Fn(&Seen) -> bool) -> usize {
        self.seen(wanted).len()
    }
}

impl Connector for Faulty {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Faulty {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        let mood = *self.mood.lock().unwrap();
        let records = records_of(&request);
        let together = records.len();
        let seen: Vec<_> = records
            .into_iter()
            .map(|(bytes, record)| Seen {
                mood,
                together,
                bytes,
                stream: text(&record, "auditrail.stream.id"),
                sequence: number(&record, "audit.sequence.number"),
                id: text(&record, "audit.record.id"),
                is_poison: record.attributes.iter().any(|attribute| attribute.key == "text")
                    && text(&record, "text") == POISON,
            })
            .collect();
        let has_poison = seen.iter().any(|seen| seen.is_poison);
        self.seen.lock().unwrap().extend(seen);
        let answer = match mood {
            Mood::Away => Err(ExportError::Retry { reason: "away".into(), after: None }),
            Mood::RefusesPoison | Mood::RefusesPoisonAgain if has_poison => {
                Err(ExportError::Rejected { reason: POISON.into() })
            }
            Mood::RefusesPoison | Mood::RefusesPoisonAgain | Mood::Replayed => Ok(Accepted::default()),
        };
        Box::pin(async move { answer })
    }
}

/// The bytes of each record, by walking the wire format: and what prost makes of the request.
fn records_of(request: &Bytes) -> Vec<(Bytes, LogRecord)> {
    let resource_logs = fields(request, 1);
    let scope_logs = resource_logs.iter().flat_map(|resource| fields(resource, 2));
    let bytes: Vec<_> = scope_logs.flat_map(|scope| fields(&scope, 2)).collect();
    let decoded = ExportLogsServiceRequest::decode(request.clone()).unwrap();
    let scopes = decoded.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
    let records: Vec<_> = scopes.flat_map(|scope| scope.log_records).collect();
    assert_eq!(bytes.len(), records.len());
    for (bytes, record) in bytes.iter().zip(&records) {
        assert_eq!(LogRecord::decode(bytes.clone()).unwrap(), *record);
    }
    bytes.into_iter().zip(records).collect()
}

/// The contents of the fields with a length and that number. All fields here have a length.
fn fields(message: &Bytes, wanted: u64) -> Vec<Bytes> {
    let (mut at, mut found) = (0, Vec::new());
    while at < message.len() {
        let key = varint(message, &mut at);
        assert_eq!(key & 7, 2, "it has a length");
        let length = usize::try_from(varint(message, &mut at)).unwrap();
        if key >> 3 == wanted {
            found.push(message.slice(at..at + length));
        }
        at += length;
    }
    found
}

fn varint(bytes: &Bytes, at: &mut usize) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[*at];
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

/// The one value of an attribute.
fn value(record: &LogRecord, key: &str) -> Value {
    let values: Vec<_> = record.attributes.iter().filter(|attribute| attribute.key == key).collect();
    assert_eq!(values.len(), 1, "{key}");
    values[0].value.clone().unwrap().value.unwrap()
}

fn text(record: &LogRecord, key: &str) -> String {
    match value(record, key) {
        Value::StringValue(text) => text,
        other => panic!("{key} is {other:?}"),
    }
}

fn number(record: &LogRecord, key: &str) -> i64 {
    match value(record, key) {
        Value::IntValue(number) => number,
        other => panic!("{key} is {other:?}"),
    }
}
