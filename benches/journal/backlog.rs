//! P7 and P8: a process starts with a large backlog of one that was killed, and drains it.
//!
//! Each measurement is a process of its own, as it is about that process's memory, on hard links of the same segments,
//! from the disk and from the page cache. The peer is what a disk and a checksum cost without a
//! journal: the same files, read in pieces of the same size.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::journal::{self, Append, BatchLimits, HEADER, Journal, JournalOptions};
use auditrail::serve::Receiver;
use rustix::fs::{Advice, fadvise};

use crate::samples::{LENGTHS, Null, record};

/// The first argument of a process that measures one thing.
pub(crate) const CHILD: &str = "--child";

pub(crate) fn run(quick: bool, arguments: &[String]) {
    let asked = arguments.iter().skip_while(|argument| *argument != "--backlog").nth(1).map(|size| bytes(size));
    let size = asked.unwrap_or(if quick { 64 << 20 } else { 1 << 30 });
    let directory = tempfile::tempdir().unwrap();
    let original = directory.path().join("original");
    measure(&["fill", path(&original), &size.to_string()]);
    println!("P7, P8 backlog of {} MB, records of {} bytes", size / 1_000_000, LENGTHS[1]);
    let copy = |name: &str| {
        let copy = directory.path().join(name);
        link_all(&original, &copy);
        copy
    };
    let [raw, warm_raw] = ["cold", "warm"].map(|pages| measure(&["raw", path(&copy(&format!("raw-{pages}"))), pages]));
    let [reader, warm] = ["cold", "warm"].map(|pages| measure(&["reader", path(&copy(pages)), pages]));
    let null = measure(&["trail", path(&copy("null"))]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let receiver = runtime.block_on(Receiver::builder().start()).unwrap();
    let sent = measure(&["trail", path(&copy("sent")), &receiver.grpc_endpoint().unwrap()]);

    for (pages, ours, raw) in [("from the disk", &reader, &raw), ("from the page cache", &warm, &warm_raw)] {
        println!(
            "P7 {pages:<20} Reader::next and settle {:6.0} MB/s   read and checksum alone {:6.0} MB/s   ratio {:.2}",
            ours.rate(size),
            raw.rate(size),
            ours.rate(size) / raw.rate(size)
        );
    }
    println!("   (must 300 MB/s, or what the disk gives)");
    println!("   the shipper, from the disk into a sink that takes everything {:6.0} MB/s", null.rate(size));
    println!("   the shipper, over gRPC into a receiver that decodes          {:6.0} MB/s", sent.rate(size));
    println!(
        "P8 open, orphans, adopt {:.3} s   (must 2)   the whole trail {:.3} s",
        reader.start.as_secs_f64(),
        null.start.as_secs_f64()
    );
    println!(
        "P8 RssAnon, at most: reader {} KiB, shipper {} KiB, over gRPC {} KiB   (must {} KiB)",
        reader.memory,
        null.memory,
        sent.memory,
        64 * 1024
    );
}

/// One measurement, in this process.
pub(crate) fn child(what: &str, rest: &[String]) {
    let directory = Path::new(rest.first().expect("a directory"));
    let argument = rest.get(1);
    let memory = Memory::watch();
    let (start, took) = match what {
        "fill" => fill(directory, argument.unwrap().parse().unwrap()),
        "raw" => raw(directory, argument),
        "reader" => reader(directory, argument),
        "trail" => trail(directory, argument),
        other => panic!("no measurement {other}"),
    };
    println!("{} {} {}", start.as_nanos(), took.as_nanos(), memory.most());
}

struct Figures {
    start: Duration,
    took: Duration,
    /// The most RssAnon, in KiB.
    memory: u64,
}

impl Figures {
    #[expect(clippy::cast_precision_loss, reason = "bytes of a backlog")]
    fn rate(&self, size: u64) -> f64 {
        size as f64 / 1e6 / self.took.as_secs_f64()
    }
}

fn measure(arguments: &[&str]) -> Figures {
    let own = std::env::current_exe().unwrap();
    let output = Command::new(own).arg(CHILD).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut figures = text.split_whitespace().map(|figure| figure.parse().unwrap());
    let mut next = || figures.next().unwrap();
    Figures { start: Duration::from_nanos(next()), took: Duration::from_nanos(next()), memory: next() }
}

fn options(directory: &Path) -> JournalOptions {
    let mut options = JournalOptions::new(directory.join("journal"));
    options.max_bytes = u64::MAX / 4;
    options
}

/// A stream with that many bytes of records, whose owner ends without a word.
fn fill(directory: &Path, size: u64) -> (Duration, Duration) {
    let opened = Journal::open(options(directory)).unwrap();
    let original = [vec![0; HEADER], record(LENGTHS[1])].concat();
    let mut frame = original.clone();
    for number in 0..size / LENGTHS[1] as u64 {
        frame.truncate(original.len());
        opened.journal.append(Append::MOMENT, &mut frame).unwrap();
        if number % 4096 == 4095 {
            opened.journal.commit().unwrap();
        }
    }
    opened.journal.commit().unwrap();
    // Nothing is dropped: the stream stays as a killed process leaves it.
    std::mem::forget(opened);
    (Duration::ZERO, Duration::ZERO)
}

fn raw(directory: &Path, pages: Option<&String>) -> (Duration, Duration) {
    get_pages(directory, pages);
    let begun = Instant::now();
    let mut checksum = 0;
    for segment in segments(directory) {
        let file = fs::File::open(segment).unwrap();
        let mut at = 0;
        loop {
            let mut chunk = vec![0; LIMITS.bytes];
            let read = file.read_at(&mut chunk, at).unwrap();
            if read == 0 {
                break;
            }
            checksum ^= crc32fast::hash(chunk.get(..read).unwrap());
            at += read as u64;
        }
    }
    std::hint::black_box(checksum);
    (Duration::ZERO, begun.elapsed())
}

fn reader(directory: &Path, pages: Option<&String>) -> (Duration, Duration) {
    get_pages(directory, pages);
    let options = options(directory);
    let begun = Instant::now();
    let _own = Journal::open(options.clone()).unwrap();
    let orphans = journal::orphans(&options).unwrap();
    let adopted: Vec<_> = orphans.into_iter().filter_map(|orphan| orphan.adopt(&options).unwrap()).collect();
    let start = begun.elapsed();
    let begun = Instant::now();
    let mut records = 0;
    for mut one in adopted {
        while let Some(batch) = one.reader.next(LIMITS) {
            records += batch.entries.len();
            one.settler.settle(batch.entries.last().unwrap().sequence);
        }
    }
    assert!(records > 0, "there is a backlog");
    (start, begun.elapsed())
}

fn trail(directory: &Path, endpoint: Option<&String>) -> (Duration, Duration) {
    forget_pages(directory);
    let builder = Trail::builder("bench")
        .directory(directory)
        .environment(Environment::default())
        .journal_max_bytes(u64::MAX / 4)
        .on_notice(|_| ());
    let begun = Instant::now();
    let trail = match endpoint {
        Some(endpoint) => builder.endpoint(endpoint),
        None => builder.connector(Null::Takes),
    };
    let trail = trail.start().expect("no mistake");
    let start = begun.elapsed();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(trail.flush(Duration::from_secs(3600))).expect("the sink takes everything");
    (start, begun.elapsed())
}

/// In the page cache, or not: the disk has its own limits.
fn get_pages(directory: &Path, pages: Option<&String>) {
    match pages.map(String::as_str) {
        Some("warm") => segments(directory).iter().for_each(|segment| drop(fs::read(segment).unwrap())),
        _ => forget_pages(directory),
    }
}

/// A backlog is older than the page cache.
fn forget_pages(directory: &Path) {
    for segment in segments(directory) {
        let file = fs::File::open(segment).unwrap();
        file.sync_data().unwrap();
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    }
}

/// All files of streams that are segments.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let streams = fs::read_dir(directory.join("journal/streams")).unwrap();
    let mut segments: Vec<_> = streams
        .flat_map(|stream| fs::read_dir(stream.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| is_segment(path))
        .collect();
    segments.sort();
    segments
}

fn is_segment(path: &Path) -> bool {
    fs::metadata(path).unwrap().len() > 65_536
}

/// Segments are linked, as they are only read and removed; the rest is copied.
fn link_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            link_all(&entry.path(), &target);
        } else if is_segment(&entry.path()) {
            fs::hard_link(entry.path(), target).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Watches the memory of this process that is no file's.
struct Memory {
    most: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Memory {
    fn watch() -> Self {
        let (most, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (seen, ends) = (most.clone(), stop.clone());
        let thread = thread::spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                seen.fetch_max(anonymous(), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(5));
            }
        });
        Self { most, stop, thread }
    }

    fn most(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.most.load(Ordering::Relaxed)
    }
}

/// RssAnon in KiB.
fn anonymous() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// A number of bytes such as `10G` or `64M`.
fn bytes(text: &str) -> u64 {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let shift = match text.chars().last() {
        Some('K') => 10,
        Some('M') => 20,
        Some('G') => 30,
        _ => 0,
    };
    digits.parse::<u64>().expect("such as 10G") << shift
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a temporary directory is ASCII")
}

/// As the shipper reads.
const LIMITS: BatchLimits = BatchLimits { records: 2000, bytes: 512 * 1024 };
