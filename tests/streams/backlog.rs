//! Many streams of dead processes: a few are in hand at a time, and every process delivers some.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::journal::{ADOPTION_DESCRIPTORS, Append, HEADER, Journal, JournalOptions};
use auditrail::opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use auditrail::ship::{Accepted, Connector, ExportFuture, Sink};
use bytes::Bytes;
use prost::Message as _;

const LONG: Duration = Duration::from_secs(300);
/// The locked files, the mark, two segments and the one that is read, of the process's own stream; one that is being made.
const OWN_DESCRIPTORS: usize = 8;

/// A start with a hundred dead streams: all arrive, the descriptors are bounded at every request.
pub fn a_backlog_of_many_streams_takes_few_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    die(directory.path(), 0..100);
    let collector = Collector::at(directory.path());
    let trail = start(directory.path(), &collector, |_| ());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(trail.flush(LONG)).unwrap();
    drop(trail);
    collector.has_all(100);
    assert!(streams(directory.path()).is_empty());
    let most = *collector.descriptors.lock().unwrap().iter().max().unwrap();
    assert!(most <= ADOPTION_DESCRIPTORS + OWN_DESCRIPTORS, "{most} descriptors");
}

/// Processes that end as soon as they have begun: each takes some of the backlog with it.
pub fn a_backlog_shrinks_with_every_process_however_short_it_lives() {
    let directory = tempfile::tempdir().unwrap();
    die(directory.path(), 0..24);
    let collector = Collector::at(directory.path());
    let mut before = 24;
    while before > 0 {
        drop(start(directory.path(), &collector, |_| ()));
        let left = streams(directory.path()).len();
        assert!(left + 4 <= before || left == 0, "{left} of {before} are left");
        before = left;
    }
    collector.has_all(24);
}

/// One that cannot be opened is said, and holds up no other.
pub fn a_stream_that_cannot_be_opened_is_said() {
    let directory = tempfile::tempdir().unwrap();
    die(directory.path(), 0..3);
    let stream = streams(directory.path()).remove(1);
    fs::rename(stream.join("stream"), stream.join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("elsewhere", stream.join("stream")).unwrap();
    let notices = Arc::new(Mutex::new(Vec::new()));
    let collector = Collector::at(directory.path());
    let said = notices.clone();
    let trail = start(directory.path(), &collector, move |text| said.lock().unwrap().push(text));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(trail.flush(LONG)).unwrap();
    drop(trail);
    assert_eq!(streams(directory.path()), [stream.clone()]);
    let id = stream.file_name().unwrap().to_str().unwrap().to_owned();
    let said = notices.lock().unwrap();
    assert!(said.iter().any(|text| text.contains(&id) && text.contains("left alone")), "{said:?}");
}

/// Processes that died with two records each.
fn die(directory: &Path, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let mut options = JournalOptions::new(directory.join("journal"));
        options.background = false;
        let journal = Journal::open(options).unwrap().journal;
        for record in 0..2 {
            let text = format!("{number}-{record}");
            let mut frame = vec![0; HEADER];
            // `LogRecord.severity_text`.
            frame.extend([0x1a, u8::try_from(text.len()).unwrap()]);
            frame.extend(text.as_bytes());
            journal.append(Append::MOMENT, &mut frame).unwrap();
        }
        journal.commit().unwrap();
    }
}

fn streams(directory: &Path) -> Vec<PathBuf> {
    let mut streams: Vec<_> =
        fs::read_dir(directory.join("journal/streams")).unwrap().map(|entry| entry.unwrap().path()).collect();
    streams.sort();
    streams
}

fn start(directory: &Path, collector: &Collector, notice: impl Fn(String) + Send + Sync + 'static) -> Trail {
    let builder =
        Trail::builder("backlog").environment(Environment::default()).directory(directory).flush_timeout(LONG);
    builder.connector(collector.clone()).on_notice(move |said| notice(said.text.clone())).start().unwrap()
}

#[derive(Debug, Clone)]
struct Collector {
    directory: PathBuf,
    got: Arc<Mutex<BTreeMap<String, usize>>>,
    /// How many of this process lead to the directory, at each request.
    descriptors: Arc<Mutex<Vec<usize>>>,
}

impl Collector {
    fn at(directory: &Path) -> Self {
        Self { directory: directory.canonicalize().unwrap(), got: Arc::default(), descriptors: Arc::default() }
    }

    fn has_all(&self, processes: usize) {
        let got = self.got.lock().unwrap();
        for name in (0..processes).flat_map(|number| (0..2).map(move |record| format!("{number}-{record}"))) {
            assert_eq!(got.get(&name), Some(&1), "{name} arrives once");
        }
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
            let open =
                fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
            self.descriptors.lock().unwrap().push(open.filter(|to| to.starts_with(&self.directory)).count());
            let request = ExportLogsServiceRequest::decode(request).unwrap();
            let scopes = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
            for record in scopes.flat_map(|logs| logs.log_records) {
                *self.got.lock().unwrap().entry(record.severity_text).or_default() += 1;
            }
            Ok(Accepted::default())
        })
    }
}
