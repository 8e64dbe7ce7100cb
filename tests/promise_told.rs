//! A loss is reported durably before anything is removed, even if the power fails at that moment.

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

#[path = "support/faulty_fs.rs"]
mod faulty_fs;
mod simulated;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::journal::{Append, Disk, File, Fs, HEADER, Identity, Journal, JournalOptions};
use auditrail::record::StreamId;
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};
use auditrail::trail::TrailBuilder;
use bytes::Bytes;

use self::faulty_fs::FaultyFs;
use self::simulated::{Death, SimulatedFs};

const LONG: Duration = Duration::from_secs(120);
const DIRECTORY: &str = "/state";
const DEAD: &[u8] = b"of the dead process";

/// Row 22: records of a stream that is adopted are damaged. When the first of its files goes, the power goes with it. Some
/// process tells of what was damaged, whoever comes.
#[test]
fn a_loss_is_told_durably_before_anything_of_the_stream_goes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for seed in 0..25 {
        let fs = SimulatedFs::new(seed, 512);
        let dead = die(Arc::new(fs.clone()), Path::new(DIRECTORY));
        fs.restart(Death::Kill);
        let holds = |path: &PathBuf| fs.content(path).is_some_and(|content| damaged(&content).is_some());
        let path = fs.paths().into_iter().find(holds).unwrap();
        fs.overwrite(&path, &damaged(&fs.content(&path).unwrap()).unwrap());
        let watched = Watched::new(&fs, dead);
        // It takes the records of the dead process, and nothing that tells of them.
        let first = Collector { only: Some(dead), ..Collector::default() };
        let trail = start(watched.clone(), &first);
        while !watched.is_struck() {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(trail);
        fs.restart(Death::Kill);
        assert!(!first.tells_of(dead), "{seed}");

        let second = Collector::default();
        let trail = start(fs.clone(), &second);
        runtime.block_on(trail.flush(LONG)).unwrap();
        drop(trail);
        assert!(second.tells_of(dead), "nobody tells what was lost of {dead} (seed {seed})");
    }
}

/// What tells of the loss cannot be made durable, as the disk syncs nothing of the process that adopts: then nothing of the
/// stream goes, and the next process tells.
#[test]
fn what_cannot_be_told_durably_is_not_removed() {
    let directory = tempfile::tempdir().unwrap();
    let dead = die(Arc::new(Disk::default()), directory.path());
    let stream = directory.path().join("journal/streams").join(dead.to_string());
    let segment = stream.join("0000000001.seg");
    std::fs::write(&segment, damaged(&std::fs::read(&segment).unwrap()).unwrap()).unwrap();

    let fs = FaultyFs::default();
    fs.fail_but_below(&stream);
    let (notices, said) = (Arc::new(Mutex::new(Vec::new())), dead.to_string());
    let first = Collector { only: Some(dead), ..Collector::default() };
    let heard = notices.clone();
    let trail = builder(directory.path(), fs, &first)
        .on_notice(move |notice| heard.lock().unwrap().push(notice.text.clone()))
        .start()
        .unwrap();
    // Either it says that the stream is left to the next process, or it has removed it.
    let is_left = |text: &String| text.contains(&said) && text.contains("the next process sees to it");
    while stream.exists() && !notices.lock().unwrap().iter().any(is_left) {
        std::thread::sleep(Duration::from_millis(1));
    }
    drop(trail);
    assert!(stream.exists(), "it is gone, and nothing durable tells of what was lost");
    assert!(!first.tells_of(dead));

    let second = Collector::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let trail = builder(directory.path(), Disk::default(), &second).start().unwrap();
    runtime.block_on(trail.flush(LONG)).unwrap();
    drop(trail);
    assert!(second.tells_of(dead));
    assert!(!stream.exists(), "all is told");
}

/// A process that died with three records.
fn die(fs: Arc<dyn Fs>, directory: &Path) -> StreamId {
    let mut options = JournalOptions::new(directory.join("journal"));
    (options.fs, options.background, options.resource) = (fs, false, Bytes::from_static(b""));
    let journal = Journal::open(options).unwrap().journal;
    for number in 0..3_u8 {
        let mut frame = vec![0; HEADER];
        // `LogRecord.severity_text`, so that it can be decoded.
        let text = [DEAD, &[b'0' + number]].concat();
        frame.extend([0x1a, u8::try_from(text.len()).unwrap()]);
        frame.extend(text);
        journal.append(Append::MOMENT, &mut frame).unwrap();
    }
    journal.commit().unwrap();
    journal.stream()
}

/// The content of a segment, with its second record damaged; `None` if it is not there.
fn damaged(content: &[u8]) -> Option<Vec<u8>> {
    let mut content = content.to_vec();
    let at = content.windows(DEAD.len() + 1).position(|at| at == [DEAD, b"1"].concat())?;
    content[at] ^= 1;
    Some(content)
}

fn start(fs: impl Fs, collector: &Collector) -> Trail {
    builder(Path::new(DIRECTORY), fs, collector).start().unwrap()
}

fn builder(directory: &Path, fs: impl Fs, collector: &Collector) -> TrailBuilder {
    let builder = Trail::builder("told").environment(Environment::default()).directory(directory).fs(fs);
    builder.connector(collector.clone()).on_notice(|_| ()).flush_timeout(Duration::from_millis(100))
}

#[derive(Debug, Clone, Default)]
struct Collector {
    /// Requests with records of other streams are never answered.
    only: Option<StreamId>,
    got: Arc<Mutex<Vec<Bytes>>>,
}

impl Collector {
    /// Whether a gap record about the stream has come.
    fn tells_of(&self, stream: StreamId) -> bool {
        self.got.lock().unwrap().iter().any(|request| names(request, b"auditrail.gap.stream_id", stream))
    }
}

/// Whether an attribute of a record in the request is that stream.
fn names(request: &[u8], key: &[u8], stream: StreamId) -> bool {
    let id = stream.to_string().into_bytes();
    let mut places = request.windows(key.len()).enumerate().filter(|(_, at)| *at == key);
    places.any(|(at, _)| request[at..].windows(id.len()).take(60).any(|at| at == id))
}

impl Connector for Collector {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Collector {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(async move {
            if self.only.is_some_and(|only| !names(&request, b"auditrail.stream.id", only)) {
                return std::future::pending::<Result<Accepted, ExportError>>().await;
            }
            self.got.lock().unwrap().push(request);
            Ok(Accepted::default())
        })
    }
}

/// The disk, which loses its power when the first file of a stream is removed.
#[derive(Debug, Clone)]
struct Watched {
    fs: SimulatedFs,
    stream: PathBuf,
    struck: Arc<AtomicBool>,
}

impl Watched {
    fn new(fs: &SimulatedFs, stream: StreamId) -> Self {
        let stream = Path::new(DIRECTORY).join("journal/streams").join(stream.to_string());
        Self { fs: fs.clone(), stream, struck: Arc::default() }
    }

    fn is_struck(&self) -> bool {
        self.struck.load(Ordering::SeqCst)
    }
}

impl Fs for Watched {
    fn remove(&self, path: &Path) -> io::Result<()> {
        let all_zero = self.fs.content(path).is_some_and(|content| content.iter().all(|byte| *byte == 0));
        if path.starts_with(&self.stream) && !all_zero && !self.struck.swap(true, Ordering::SeqCst) {
            self.fs.remove(path)?;
            self.fs.restart(Death::PowerLoss);
            self.fs.die_after(0);
            return Err(io::Error::other("the power is gone"));
        }
        self.fs.remove(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.fs.create_dir(path)
    }

    fn create_segment(&self, path: &Path, length: u64) -> io::Result<Arc<dyn File>> {
        self.fs.create_segment(path, length)
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.fs.open_or_create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn File>> {
        self.fs.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.fs.rename(from, to)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.fs.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.fs.sync_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        self.fs.list(path)
    }

    fn identity(&self, path: &Path) -> io::Result<Identity> {
        self.fs.identity(path)
    }
}
