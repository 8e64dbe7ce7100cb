//! The binary, a process that is killed, and a quarantine.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use auditrail::Trail;
use auditrail::config::OtlpSettings;
use auditrail::journal::{Append, BatchLimits, HEADER, Journal, JournalOptions, Opened, Refused};
use auditrail::record::{EventName, Record, Severity, StreamId, Value, names};
use auditrail::serve::ReceivedRecord;
use auditrail::ship::{
    Accepted, Connector, Envelope, ExportFuture, Shipment, Sink, Stamp, encode_resource, encode_scope,
};
use auditrail::trail::{Call, Moment};
use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::any_value;

/// Records that a writer makes before its call.
pub(crate) const MOMENTS: u64 = 20;

/// `auditrail journal …` with nothing of this process's settings.
pub(crate) fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auditrail"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("OTEL_") || name.starts_with("AUDITRAIL_")) {
            command.env_remove(name);
        }
    }
    command.arg("journal").args(arguments).arg("--dir").arg(directory);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn auditrail(directory: &Path, arguments: &[&str]) -> Output {
    command(directory, arguments).output().unwrap()
}

/// The exit code and what was printed; null if nothing was.
pub(crate) fn json(directory: &Path, arguments: &[&str]) -> (i32, serde_json::Value) {
    let output = command(directory, arguments).args(["--format", "json"]).output().unwrap();
    let value = match output.stdout.is_empty() {
        true => serde_json::Value::Null,
        false => serde_json::from_slice(&output.stdout).unwrap(),
    };
    (output.status.code().unwrap(), value)
}

pub(crate) fn journal_of(directory: &Path) -> PathBuf {
    directory.join("journal")
}

/// A process with a trail, an open call, and no collector.
pub(crate) struct Orphan {
    child: Child,
    directory: PathBuf,
}

impl Orphan {
    pub(crate) fn alive(directory: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_writer", "--ignored", "--nocapture"])
            .env("AUDITRAIL_DIR", directory)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains(READY)), "the writer has ended");
        Self { child, directory: directory.to_owned() }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Its first segment.
    pub(crate) fn segment(&self) -> PathBuf {
        let mut streams = std::fs::read_dir(journal_of(&self.directory).join("streams")).unwrap();
        streams.next().unwrap().unwrap().path().join("0000000001.seg")
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[expect(clippy::print_stdout, reason = "how the test hears that it has written")]
pub(crate) fn write_until_killed() {
    if !std::env::vars_os().any(|(name, _)| name == "AUDITRAIL_DIR") {
        return;
    }
    let trail = Trail::builder("weather-mcp").on_notice(|_| ()).start().unwrap();
    for number in 0..MOMENTS {
        trail.record(Moment::new(EventName::Context).attribute("text", format!("moment-{number:02}")));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _call = runtime.block_on(trail.begin(Call::mcp("tools/call").tool("current_weather"))).unwrap();
    println!("{READY}");
    // It ends with the test that has started it, whatever becomes of that.
    let _end = std::io::stdin().read_line(&mut String::new());
    std::process::abort();
}

/// A stream of which the sink refused some batches of two: so many records of each. Its owner is gone.
pub(crate) async fn quarantined(directory: &Path, batches: &[(&str, u64)]) -> StreamId {
    let mut options = JournalOptions::new(journal_of(directory));
    options.resource = encode_resource(&[("service.name".into(), "weather-mcp".into())]);
    options.scope = encode_scope();
    let Opened { journal, mut reader, mut settler, keeper, .. } = Journal::open(options).unwrap();
    for (text, refused) in batches {
        for _ in 0..2 {
            let mut frame = vec![0; HEADER];
            record(text).encode(&mut frame);
            journal.append(Append::MOMENT, &mut frame).unwrap();
        }
        journal.commit().unwrap();
        let batch = reader.next(BatchLimits { records: 2, bytes: 1 << 20 }).unwrap();
        let envelope = Envelope::new(reader.resource().clone(), reader.scope().clone());
        let shipment = Shipment::stamped(envelope, &Stamp::of(journal.stream()), &batch.entries);
        let (entries, refused) = (&shipment.records(&(0..shipment.len())), *refused);
        settler.quarantine(Refused { entries, refused, reason: "InvalidArgument: no" }).unwrap();
        settler.settle(entries.last().unwrap().sequence);
    }
    drop(keeper);
    journal.stream()
}

/// A stream of a service with so many records, whose owner is gone.
pub(crate) fn left(directory: &Path, service: &str, records: usize) {
    let mut options = JournalOptions::new(journal_of(directory));
    options.resource = encode_resource(&[("service.name".into(), service.into())]);
    options.scope = encode_scope();
    let Opened { journal, keeper, .. } = Journal::open(options).unwrap();
    for number in 0..records {
        let mut frame = vec![0; HEADER];
        record(&format!("{service} {number}")).encode(&mut frame);
        journal.append(Append::MOMENT, &mut frame).unwrap();
    }
    journal.commit().unwrap();
    drop(keeper);
}

/// A stream with so many segments that nobody owns, oldest first.
pub(crate) fn segments(directory: &Path, count: usize) -> Vec<PathBuf> {
    let mut options = JournalOptions::new(journal_of(directory));
    options.resource = encode_resource(&[("service.name".into(), "weather-mcp".into())]);
    (options.segment_bytes, options.background) = (Some(0), false);
    let opened = Journal::open(options).unwrap();
    let stream = journal_of(directory).join("streams").join(opened.journal.stream().to_string());
    loop {
        let mut frame = vec![0; HEADER];
        record(&"x".repeat(4000)).encode(&mut frame);
        opened.journal.append(Append::MOMENT, &mut frame).unwrap();
        opened.journal.commit().unwrap();
        let names = std::fs::read_dir(&stream).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> =
            names.filter(|path| path.extension().is_some_and(|extension| extension == "seg")).collect();
        segments.sort();
        if segments.len() > count {
            return segments;
        }
    }
}

/// A sound cursor of a writer's stream that says so much is settled (`src/journal/format/cursor.rs` has the bytes).
pub(crate) fn cursor(orphan: &Orphan, sequence: u64) -> Vec<u8> {
    let segment = std::fs::read(orphan.segment()).unwrap();
    let numbers = [1, 4096, sequence].map(u64::to_le_bytes).concat();
    let mut bytes = [b"auditcur", numbers.as_slice(), &segment[16..32], &[0; 4]].concat();
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// A collector that refuses one record of each request.
#[derive(Debug)]
pub(crate) struct TakesAllButOne;

impl Connector for TakesAllButOne {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(Self))
    }
}

impl Sink for TakesAllButOne {
    fn export(&self, _: Bytes) -> ExportFuture<'_> {
        Box::pin(async { Ok(Accepted::but(1)) })
    }
}

fn record(text: &str) -> Record {
    Record {
        time_unix_nano: 1_700_000_000_000_000_000,
        observed_time_unix_nano: 1_700_000_000_000_000_000,
        event_name: EventName::Context.as_str().into(),
        severity: Severity { number: 9, text: "INFO".into() },
        body: Some(Value::from("context")),
        attributes: vec![("text".into(), Value::from(text.to_owned()))],
        dropped_attributes_count: 0,
        flags: 0,
        trace_id: None,
        span_id: None,
    }
}

/// `service.name` of the process that made a record.
pub(crate) fn service_of(record: &ReceivedRecord) -> String {
    let name = record.resource.attributes.iter().find(|attribute| attribute.key == names::SERVICE_NAME).unwrap();
    match name.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(name)) => name.clone(),
        other => panic!("{other:?}"),
    }
}

const READY: &str = "the writer has written";
