//! Many streams of dead processes: a few are in hand at a time, and every process delivers some.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::journal::{ADOPTION_DESCRIPTORS, Append, Disk, File, Fs, HEADER, Identity, Journal, JournalOptions};
use auditrail::opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use auditrail::ship::{Accepted, Connector, ExportFuture, Sink};
use auditrail::trail::TrailBuilder;
use bytes::Bytes;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
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

/// What is wanting in this process says nothing of a stream: it is looked for again, by this process.
pub fn a_stream_that_no_descriptor_is_left_for_is_adopted_later() {
    // The file that says whose it is, how far it is shipped and numbered, its segment, the lock of the directory, the listing.
    for wanting in ["stream", "cursor", "mark", "seg", "lock", "streams"] {
        let directory = tempfile::tempdir().unwrap();
        die(directory.path(), 0..6);
        let notices = Arc::new(Mutex::new(Vec::<String>::new()));
        let collector = Collector::at(directory.path());
        let short = Short { of: Arc::new(Mutex::new(Some(wanting))), disk: Disk::default(), own: Arc::default() };
        let (said, fs) = (notices.clone(), short.clone());
        let builder = builder(directory.path(), &collector, move |text| said.lock().unwrap().push(text));
        let trail = builder.fs(fs).start().unwrap();
        let is_said =
            || notices.lock().unwrap().iter().any(|text| text.contains("cannot be opened now, and are tried again"));
        let begun = Instant::now();
        while !is_said() {
            assert!(begun.elapsed() < LONG, "{wanting}: {:?}", notices.lock().unwrap());
            std::thread::yield_now();
        }
        assert!(collector.got.lock().unwrap().keys().all(|name| !name.contains('-')), "{wanting}: none is adopted");
        *short.of.lock().unwrap() = None;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let flushed = runtime.block_on(trail.flush(LONG)).unwrap();
        assert_eq!(flushed.unreadable_streams, 0, "{wanting}");
        drop(trail);
        collector.has_all(6);
        assert!(streams(directory.path()).is_empty(), "{wanting}");
        let said = notices.lock().unwrap();
        assert_eq!(said.iter().filter(|text| text.contains("cannot be opened now")).count(), 1, "once: {said:?}");
    }
}

/// The real disk, but the process has no descriptors left for the streams of others.
#[derive(Debug, Clone)]
struct Short {
    /// For which files.
    of: Arc<Mutex<Option<&'static str>>>,
    disk: Disk,
    /// What this process has made itself.
    own: Arc<Mutex<Vec<PathBuf>>>,
}

impl Short {
    fn check(&self, path: &Path) -> io::Result<()> {
        let wanting = *self.of.lock().unwrap();
        let is_own = self.own.lock().unwrap().iter().any(|own| path.starts_with(own));
        let is_of = |wanting: &str| [path.file_name(), path.extension()].contains(&Some(wanting.as_ref()));
        match wanting {
            Some(wanting) if !is_own && is_of(wanting) && !self.own.lock().unwrap().is_empty() => {
                Err(io::Error::from_raw_os_error(24))
            }
            _ => Ok(()),
        }
    }
}

impl Fs for Short {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.create_dir(path)
    }

    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>> {
        self.disk.create_segment(path, length)
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.check(path)?;
        // The last file that a start makes.
        if path.file_name().is_some_and(|name| name == "previous") {
            let own = self.disk.list(&path.with_file_name("streams"))?.pop().unwrap();
            self.own.lock().unwrap().push(path.with_file_name("streams").join(own));
        }
        self.disk.open_or_create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.check(path)?;
        self.disk.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.disk.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.check(path)?;
        self.disk.list(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.disk.identity(path)
    }
}

/// One that cannot be opened is said, and holds up no other; the metric counts it.
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
    let exporter = InMemoryMetricExporter::default();
    let reader = PeriodicReader::builder(exporter.clone()).with_interval(LONG).build();
    let provider = SdkMeterProvider::builder().with_reader(reader).build();
    trail.observe(&provider.meter("test"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(trail.flush(LONG)).unwrap().unreadable_streams, 1);
    provider.force_flush().unwrap();
    assert_eq!(left_alone(&exporter), [("{stream}".to_owned(), 1)]);
    drop(trail);
    assert_eq!(streams(directory.path()), std::slice::from_ref(&stream));
    let id = stream.file_name().unwrap().to_str().unwrap().to_owned();
    let said = notices.lock().unwrap();
    assert!(said.iter().any(|text| text.contains(&id) && text.contains("left alone")), "{said:?}");
}

/// Processes that died with two records each.
/// A sink that was taken out of the settings: whoever did that hears what it does not get, and its cursor holds nothing.
pub fn a_sink_that_is_taken_out_is_said_and_holds_nothing() {
    let directory = tempfile::tempdir().unwrap();
    die(directory.path(), 0..1);
    let stream = streams(directory.path()).pop().unwrap();
    // It has what the collector has: nothing.
    fs::copy(stream.join("cursor"), stream.join("cursor-file")).unwrap();
    let (collector, said) = (Collector::at(directory.path()), Arc::<Mutex<Vec<String>>>::default());
    let notices = said.clone();
    let trail = start(directory.path(), &collector, move |text| notices.lock().unwrap().push(text));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(trail.flush(LONG)).unwrap();
    drop(trail);
    collector.has_all(1);
    assert!(streams(directory.path()).is_empty());
    let of_it = format!(
        "2 record(s) of stream {} are not shipped to the sink file: this process does not ship to it; they leave the journal \
         when the others have them",
        stream.file_name().unwrap().to_str().unwrap()
    );
    let said = said.lock().unwrap();
    assert_eq!(said.iter().filter(|text| **text == of_it).count(), 1, "{said:?}");
}

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
    builder(directory, collector, notice).start().unwrap()
}

fn builder(directory: &Path, collector: &Collector, notice: impl Fn(String) + Send + Sync + 'static) -> TrailBuilder {
    let builder =
        Trail::builder("backlog").environment(Environment::default()).directory(directory).flush_timeout(LONG);
    builder.connector(collector.clone()).on_notice(move |said| notice(said.text.clone()))
}

/// Unit and value of the metric, as the reader of a meter provider has it.
fn left_alone(exporter: &InMemoryMetricExporter) -> Vec<(String, i64)> {
    let mut numbers = Vec::new();
    for resource in exporter.get_finished_metrics().unwrap() {
        for metric in resource.scope_metrics().flat_map(|scope| scope.metrics()) {
            if let ("auditrail.journal.left_alone", AggregatedMetrics::I64(MetricData::Sum(sum))) =
                (metric.name(), metric.data())
            {
                numbers.extend(sum.data_points().map(|point| (metric.unit().to_owned(), point.value())));
            }
        }
    }
    numbers
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
