use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value::Value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message as _;

use super::file::FileSink;
use super::json_lines;
use super::open_file::{Syncs, System};
use crate::config::{FileSettings, Notices};
use crate::ship::connector::{Accepted, ExportError, Sink as _};

/// What the stock collector 0.155 wrote with its `file` exporter when it was sent this, but for U+2028 and U+007F, which stand
/// there as they are. `tests/sinks` asks it itself.
const BY_THE_COLLECTOR: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"x<>&é\u001b\"\\/\n\t\u0008"}}]},"scopeLogs":[{"scope":{"name":"auditrail","version":"1"},"logRecords":[{"timeUnixNano":"1","observedTimeUnixNano":"2","severityNumber":9,"severityText":"INFO","body":{"stringValue":"b"},"attributes":[{"key":"a","value":{"intValue":"-1"}},{"key":"i0","value":{"intValue":"0"}},{"key":"d","value":{"doubleValue":0.0000012}},{"key":"d1","value":{"doubleValue":1}},{"key":"d0","value":{"doubleValue":0}},{"key":"b","value":{"boolValue":false}},{"key":"s","value":{"stringValue":""}},{"key":"arr","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}},{"key":"earr","value":{"arrayValue":{}}},{"key":"kv","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"x"}}]}}},{"key":"by","value":{"bytesValue":"AQI="}},{"key":"none","value":{}}],"droppedAttributesCount":2,"flags":1,"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","eventName":"ev"}],"schemaUrl":"u"}],"schemaUrl":"u"}]}
{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"x<>&é\u001b\"\\/\n\t\u0008"}}]},"scopeLogs":[{"scope":{"name":"auditrail","version":"1"},"logRecords":[{"timeUnixNano":"1","body":{}}],"schemaUrl":"u"}],"schemaUrl":"u"}]}
"#;

#[test]
fn lines_are_those_of_the_collector() {
    let written = json_lines(&everything()).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), BY_THE_COLLECTOR);
}

#[tokio::test]
async fn a_file_is_private_and_so_is_a_directory_that_is_made_for_it() {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = directory.path().join("made/for/it/trail.jsonl");
    append(&sink(&path, 10 << 20, 3), 1..=2).await.unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(numbers(&path), [1, 2]);

    // A group that reads it stays, nobody else does.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    append(&sink(&path, 10 << 20, 3), 3..=3).await.unwrap();
    assert_eq!(mode(&path), 0o640);
    assert_eq!(mode(directory.path()), 0o755, "a directory that was there is left as it was");
}

#[test]
fn what_is_not_a_file_of_its_own_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("settings"), "key = value\n").unwrap();
    symlink(at("settings"), at("link")).unwrap();
    symlink(at("nowhere"), at("dangling")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        at("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    for (name, problem) in [
        ("settings", "something else than OTLP JSON lines"),
        ("link", "symbolic link"),
        ("dangling", "symbolic link"),
        ("folder", "directory"),
        ("pipe", "not a regular file"),
    ] {
        let settings = settings(&at(name), 1 << 20, 1);
        let error = FileSink::open(settings, Notices::to(|_| ())).unwrap_err().to_string();
        assert!(error.contains(problem), "{name}: {error}");
    }
    assert_eq!(fs::read_to_string(at("settings")).unwrap(), "key = value\n");
    assert!(!at("nowhere").exists());
}

/// A line of another program counts without its end, too; and what is no line of ours is not ours to cut.
#[tokio::test]
async fn nothing_that_somebody_else_wrote_is_cut() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    append(&sink(&path, 10 << 20, 1), 1..=3).await.unwrap();
    let whole = fs::read(&path).unwrap();
    let ended = whole.trim_ascii_end();
    for last in [b"".as_slice(), b"\r", b"  "] {
        fs::write(&path, [ended, last].concat()).unwrap();
        append(&sink(&path, 10 << 20, 1), 7..=8).await.unwrap();
        assert_eq!(numbers(&path), [1, 2, 3, 7, 8]);
    }
    let foreign = [&whole, b"# a note of the operator".as_slice()].concat();
    fs::write(&path, &foreign).unwrap();
    append(&sink(&path, 10 << 20, 1), 7..=8).await.unwrap();
    let after = fs::read(&path).unwrap();
    assert!(after.starts_with(&[&foreign, b"\n{".as_slice()].concat()), "it stands on a line of its own");
    assert_eq!(
        after.iter().filter(|byte| **byte == b'\n').count(),
        whole.iter().filter(|byte| **byte == b'\n').count() + 1 + 2
    );
}

#[tokio::test]
async fn a_line_whose_writer_was_killed_is_cut_before_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    append(&sink(&path, 10 << 20, 1), 1..=3).await.unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in (0..whole.len()).step_by(97) {
        fs::write(&path, &whole[..cut]).unwrap();
        append(&sink(&path, 10 << 20, 1), 7..=8).await.unwrap();
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count() as u64;
        let lines = lines + u64::from(whole[cut] == b'\n');
        assert_eq!(numbers(&path), (1..=lines).chain(7..=8).collect::<Vec<_>>(), "cut at {cut}");
    }
}

#[tokio::test]
async fn files_are_rotated_by_size_and_the_oldest_goes_when_one_is_too_many() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    let (told, notices) = notices();
    let sink = FileSink::open(settings(&path, 1000, 2), notices).unwrap();
    for number in 1..=12 {
        append(&sink, number..=number).await.unwrap();
    }
    let at = |suffix: &str| directory.path().join(format!("trail.jsonl{suffix}"));
    assert!(!at(".3").exists());
    let [oldest, older, newest] = [at(".2"), at(".1"), path].map(|path| {
        assert!(fs::metadata(&path).unwrap().len() <= 1000);
        assert_eq!(mode(&path), 0o600);
        numbers(&path)
    });
    let kept = [oldest, older, newest].concat();
    assert_eq!(kept, (kept[0]..=12).collect::<Vec<_>>(), "in order, without a gap");
    assert_eq!(told.lock().unwrap().len(), 1, "once: {told:?}");
    assert!(told.lock().unwrap()[0].contains("AUDITRAIL_FILE_KEEP"), "{told:?}");
}

#[tokio::test]
async fn what_logrotate_does_costs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    let sink = sink(&path, 10 << 20, 3);
    append(&sink, 1..=2).await.unwrap();
    // `create`
    fs::rename(&path, directory.path().join("moved")).unwrap();
    fs::write(&path, "").unwrap();
    append(&sink, 3..=4).await.unwrap();
    // `nocreate`
    fs::rename(&path, directory.path().join("moved-2")).unwrap();
    append(&sink, 5..=6).await.unwrap();
    // `copytruncate`
    fs::copy(&path, directory.path().join("copied")).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(&sink, 7..=8).await.unwrap();
    let all = ["moved", "moved-2", "copied", "trail.jsonl"].map(|name| numbers(&directory.path().join(name)));
    assert_eq!(all, [[1, 2], [3, 4], [5, 6], [7, 8]]);
}

#[tokio::test]
async fn who_holds_the_lock_is_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    let sink = sink(&path, 10 << 20, 3);
    append(&sink, 1..=1).await.unwrap();
    let other = fs::File::open(&path).unwrap();
    other.lock().unwrap();
    let refused = append(&sink, 2..=2).await.unwrap_err();
    assert!(matches!(&refused, ExportError::Retry { reason, .. } if reason.contains("lock")), "{refused:?}");
    assert_eq!(numbers(&path), [1]);
    drop(other);
    append(&sink, 2..=2).await.unwrap();
    assert_eq!(numbers(&path), [1, 2]);
}

/// Who waited for the lock of a file that others have moved in the meantime writes to the one that is at the path by then.
#[tokio::test]
async fn a_file_that_was_moved_while_its_lock_was_waited_for_gets_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (path, moved) = (directory.path().join("trail.jsonl"), directory.path().join("trail.jsonl.1"));
    let sink = sink(&path, 10 << 20, 3);
    append(&sink, 1..=1).await.unwrap();
    let other = fs::File::open(&path).unwrap();
    other.lock().unwrap();
    let waiting = tokio::spawn({
        let sink = sink.clone();
        async move { append(&sink, 2..=2).await }
    });
    // It has the file open, beside this test.
    while !waiting.is_finished() && open_descriptors(&path) < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fs::rename(&path, &moved).unwrap();
    drop(other);
    waiting.await.unwrap().unwrap();
    assert_eq!((numbers(&moved), numbers(&path)), (vec![1], vec![2]));
}

#[tokio::test]
async fn what_cannot_be_made_durable_is_not_taken_and_leaves_nothing() {
    for (broken, names) in [("file", true), ("directory", true), ("file", false)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trail.jsonl");
        let disk = FlakyDisk::default();
        let sink = disk.sink(&path);
        if !names {
            append(&sink, 1..=1).await.unwrap();
        }
        let before = fs::read(&path).unwrap();
        *disk.broken.lock().unwrap() = Some(broken);
        for _ in 0..2 {
            let refused = append(&sink, 2..=4).await.unwrap_err();
            assert!(
                matches!(&refused, ExportError::Retry { reason, .. } if reason.contains("it is broken")),
                "{refused:?}"
            );
            assert_eq!(fs::read(&path).unwrap(), before, "{broken}");
        }
        *disk.broken.lock().unwrap() = None;
        disk.done.lock().unwrap().clear();
        append(&sink, 2..=4).await.unwrap();
        assert_eq!(numbers(&path), if names { vec![2, 3, 4] } else { vec![1, 2, 3, 4] }, "{broken}");
        let done: &[&str] = if names { &["file", "directory"] } else { &["file"] };
        assert_eq!(*disk.done.lock().unwrap(), done, "{broken}");
    }
}

/// Whoever wrote the first lines may have been killed before the name of the file was durable.
#[tokio::test]
async fn the_name_of_a_file_that_another_has_begun_is_made_durable() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    append(&sink(&path, 10 << 20, 3), 1..=1).await.unwrap();
    let disk = FlakyDisk::default();
    let sink = disk.sink(&path);
    append(&sink, 2..=2).await.unwrap();
    append(&sink, 3..=3).await.unwrap();
    assert_eq!(*disk.done.lock().unwrap(), ["file", "directory", "file"], "once");
    // Another process has rotated, and begun the next.
    fs::rename(&path, directory.path().join("trail.jsonl.1")).unwrap();
    append(&self::sink(&path, 10 << 20, 3), 4..=4).await.unwrap();
    disk.done.lock().unwrap().clear();
    append(&sink, 5..=5).await.unwrap();
    assert_eq!(*disk.done.lock().unwrap(), ["file", "directory"]);
    assert_eq!(numbers(&path), [4, 5]);
}

#[tokio::test]
async fn what_is_no_request_is_refused_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    let answer = sink(&path, 10 << 20, 3).export(Bytes::from_static(b"\xff\xff")).await;
    assert!(matches!(answer, Err(ExportError::Rejected { .. })), "{answer:?}");
    assert_eq!(fs::metadata(&path).unwrap().size(), 0);
}

fn sink(path: &Path, max_bytes: u64, keep: u32) -> FileSink {
    FileSink::open(settings(path, max_bytes, keep), Notices::to(|_| ())).unwrap()
}

/// How often this process has a file open.
fn open_descriptors(path: &Path) -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    open.filter(|target| target == path).count()
}

/// A disk that fails when it is told to, and says what it has made durable.
#[derive(Debug, Clone, Default)]
struct FlakyDisk {
    broken: Arc<Mutex<Option<&'static str>>>,
    done: Arc<Mutex<Vec<&'static str>>>,
}

impl FlakyDisk {
    fn sink(&self, path: &Path) -> FileSink {
        FileSink::open_on(Box::new(self.clone()), settings(path, 10 << 20, 3), Notices::to(|_| ())).unwrap()
    }

    fn sync(&self, what: &'static str, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        if *self.broken.lock().unwrap() == Some(what) {
            return Err(io::Error::other("it is broken"));
        }
        sync()?;
        self.done.lock().unwrap().push(what);
        Ok(())
    }
}

impl Syncs for FlakyDisk {
    fn sync_file(&self, file: &fs::File) -> io::Result<()> {
        self.sync("file", || System.sync_file(file))
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.sync("directory", || System.sync_directory(path))
    }
}

fn settings(path: &Path, max_bytes: u64, keep: u32) -> FileSettings {
    FileSettings { path: path.to_owned(), max_bytes, keep }
}

fn notices() -> (Arc<Mutex<Vec<String>>>, Notices) {
    let told = Arc::<Mutex<Vec<String>>>::default();
    let heard = told.clone();
    (told, Notices::to(move |notice| heard.lock().unwrap().push(notice.text.clone())))
}

async fn append(sink: &FileSink, numbers: std::ops::RangeInclusive<u64>) -> Result<Accepted, ExportError> {
    let records = numbers.map(|number| LogRecord { time_unix_nano: number, ..LogRecord::default() }).collect();
    sink.export(request(records).into()).await
}

/// The times of the records in a file, as serde reads it.
fn numbers(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    let number = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let time = &line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["timeUnixNano"];
        time.as_str().unwrap().parse().unwrap()
    };
    text.lines().map(number).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn everything() -> Vec<u8> {
    let text = |text: &str| Value::StringValue(text.into());
    let entry = |(key, value): (&str, Option<Value>)| KeyValue {
        key: key.into(),
        value: value.map(|value| AnyValue { value: Some(value) }),
        key_strindex: 0,
    };
    let any = |value| AnyValue { value: Some(value) };
    let attributes = [
        ("a", Some(Value::IntValue(-1))),
        ("i0", Some(Value::IntValue(0))),
        ("d", Some(Value::DoubleValue(0.000_001_2))),
        ("d1", Some(Value::DoubleValue(1.0))),
        ("d0", Some(Value::DoubleValue(0.0))),
        ("b", Some(Value::BoolValue(false))),
        ("s", Some(text(""))),
        ("arr", Some(Value::ArrayValue(ArrayValue { values: vec![any(text("x"))] }))),
        ("earr", Some(Value::ArrayValue(ArrayValue { values: vec![] }))),
        ("kv", Some(Value::KvlistValue(KeyValueList { values: vec![entry(("k", Some(text("x"))))] }))),
        ("by", Some(Value::BytesValue(vec![1, 2]))),
        ("none", None),
    ];
    let record = LogRecord {
        time_unix_nano: 1,
        observed_time_unix_nano: 2,
        severity_number: 9,
        severity_text: "INFO".into(),
        body: Some(any(text("b"))),
        attributes: attributes.into_iter().map(entry).collect(),
        dropped_attributes_count: 2,
        flags: 1,
        trace_id: hex_bytes("0af7651916cd43dd8448eb211c80319c"),
        span_id: hex_bytes("b7ad6b7169203331"),
        event_name: "ev".into(),
    };
    request(vec![record, LogRecord { time_unix_nano: 1, ..LogRecord::default() }])
}

fn request(log_records: Vec<LogRecord>) -> Vec<u8> {
    let name = AnyValue { value: Some(Value::StringValue("x<>&é\u{1b}\"\\/\n\t\u{8}".into())) };
    let scope =
        InstrumentationScope { name: "auditrail".into(), version: "1".into(), ..InstrumentationScope::default() };
    let of_resource = ResourceLogs {
        resource: Some(Resource {
            attributes: vec![KeyValue { key: "service.name".into(), value: Some(name), key_strindex: 0 }],
            ..Resource::default()
        }),
        scope_logs: vec![ScopeLogs { scope: Some(scope), log_records, schema_url: "u".into() }],
        schema_url: "u".into(),
    };
    ExportLogsServiceRequest { resource_logs: vec![of_resource] }.encode_to_vec()
}

fn hex_bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
