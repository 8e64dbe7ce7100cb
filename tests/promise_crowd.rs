//! Many short-lived processes next to many dead streams, with a collector that comes and goes: everything arrives,
//! once by record id, and no process needs more than 64 descriptors.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    dead_code,
    missing_debug_implementations,
    unreachable_pub,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

#[path = "support/child.rs"]
mod child;
#[path = "support/faulty_sink.rs"]
mod faulty_sink;
#[path = "support/taken.rs"]
mod taken;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::record::{EventName, Outcome, Record, RecordId};
use auditrail::trail::{Call, Moment};
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};

use self::child::OwnChild;
use self::faulty_sink::{FaultySink, Reply, Wire};
use self::taken::{Taken, by_number, check};

const TEST: &str = "short_lived_processes_deliver_all_once_with_a_collector_that_comes_and_goes";
/// What a child does, and as which of them.
const ROLE: &str = "AUDITRAIL_TEST_ROLE";
const DIRECTORY: &str = "AUDITRAIL_TEST_DIRECTORY";
const ENDPOINT: &str = "AUDITRAIL_TEST_ENDPOINT";
/// How much happens: `AUDITRAIL_CROWD` is the number of processes; there are five times as many dead streams.
const CROWD: &str = "AUDITRAIL_CROWD";
const USUALLY: usize = 40;
const STREAMS_A_PROCESS: usize = 5;
/// Dead streams are those of processes that had many trails each.
const TRAILS: usize = 25;
const AT_ONCE: usize = 6;
const DESCRIPTORS: usize = 64;
const LONG: Duration = Duration::from_secs(300);
/// What a process has for its last records, and for what earlier ones left.
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn short_lived_processes_deliver_all_once_with_a_collector_that_comes_and_goes() {
    if let Ok(role) = std::env::var(ROLE) {
        return play(&role);
    }
    let processes = std::env::var(CROWD).ok().and_then(|many| many.parse().ok()).unwrap_or(USUALLY);
    let dead = STREAMS_A_PROCESS * processes;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let weather = Arc::new(AtomicUsize::new(0));
    let answers = weather.clone();
    let sink = runtime.block_on(FaultySink::start(Wire::Refused, move |_, _| {
        if Weather::of(answers.load(Ordering::SeqCst)) == Weather::Busy { Reply::Unavailable } else { Reply::Take }
    }));
    let directory = tempfile::tempdir().unwrap();
    let crowd = Crowd { directory: directory.path(), endpoint: sink.endpoint() };

    crowd.die(dead);
    let left = crowd.streams();
    assert!(left.len() >= dead, "{} streams", left.len());
    let mut running = Vec::new();
    for number in 0..processes {
        sink.set_wire(Weather::of(number).wire());
        weather.store(number, Ordering::SeqCst);
        running.push(crowd.spawn(if number % 10 == 7 { "killed" } else { "live" }, number));
        while running.len() >= AT_ONCE {
            reap(&mut running);
        }
    }
    while !running.is_empty() {
        reap(&mut running);
    }
    let waiting = crowd.streams().len();
    weather.store(0, Ordering::SeqCst);
    sink.set_wire(Wire::Open);
    running.push(crowd.spawn("last", processes));
    while !running.is_empty() {
        reap(&mut running);
    }

    assert_eq!(crowd.streams(), Vec::<PathBuf>::new(), "the last has seen to everything");
    assert_eq!(crowd.quarantined(), 0);
    let taken = sink.records().into_iter().map(|record| Taken::of(&Record::from_proto(record).unwrap())).collect();
    let (taken, again) = by_number(taken);
    let told = crowd.said("told");
    let of_told = check(&taken, &told);
    assert_eq!(of_told.len(), dead.next_multiple_of(TRAILS) + processes + 1, "each stream wrote something");
    assert_eq!(taken.iter().map(|one| &one.stream).collect::<BTreeSet<_>>().len(), of_told.len());
    assert!(!taken.iter().any(|one| one.what == "auditrail.gap"), "nothing was lost");
    let most = crowd.said("descriptors").iter().map(|most| most.parse().unwrap()).max().unwrap_or(0);
    assert!((1..=DESCRIPTORS).contains(&most), "{most} descriptors");
    eprintln!(
        "{} records of {} streams by {processes} processes: {} acknowledged ones arrived, {again} came again, {waiting} streams \
         were left to the last, {most} descriptors at most",
        taken.len(),
        of_told.len(),
        told.len(),
    );
}

/// What the collector does while so many processes have begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fine,
    /// Nobody listens.
    Away,
    /// 503.
    Busy,
    /// It takes requests, and its answers do not arrive.
    Mute,
}

impl Weather {
    fn of(begun: usize) -> Self {
        match begun % 20 {
            0..8 => Self::Fine,
            8..12 => Self::Away,
            12..16 => Self::Busy,
            _ => Self::Mute,
        }
    }

    const fn wire(self) -> Wire {
        match self {
            Self::Fine | Self::Busy => Wire::Open,
            Self::Away => Wire::Refused,
            Self::Mute => Wire::ResetOnceTaken,
        }
    }
}

struct Crowd<'d> {
    directory: &'d Path,
    endpoint: String,
}

impl Crowd<'_> {
    /// Processes that are all there before the first is killed, so that none sees to another's streams.
    fn die(&self, streams: usize) {
        let makers = streams.div_ceil(TRAILS);
        let mut children: Vec<_> = (0..makers).map(|number| self.spawn("die", number)).collect();
        for (number, child) in children.iter_mut().enumerate() {
            while !self.directory.join(format!("dying-{number}")).exists() {
                assert!(child.try_wait().unwrap().is_none(), "it lives until it is killed");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn spawn(&self, role: &str, number: usize) -> OwnChild {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args([TEST, "--exact", "--nocapture"])
            .env(ROLE, format!("{role} {number}"))
            .env(DIRECTORY, self.directory)
            .env(ENDPOINT, &self.endpoint)
            .stdout(Stdio::null());
        OwnChild::spawn(&mut child)
    }

    fn streams(&self) -> Vec<PathBuf> {
        let streams = fs::read_dir(self.directory.join("journal/streams")).unwrap();
        streams.map(|stream| stream.unwrap().path()).collect()
    }

    fn quarantined(&self) -> usize {
        fs::read_dir(self.directory.join("journal/quarantine")).map_or(0, Iterator::count)
    }

    /// All lines of the files of that kind.
    fn said(&self, kind: &str) -> Vec<String> {
        let files = fs::read_dir(self.directory).unwrap().map(|file| file.unwrap());
        let files = files.filter(|file| file.file_name().to_str().unwrap().starts_with(kind));
        let texts = files.map(|file| fs::read_to_string(file.path()).unwrap());
        texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }
}

/// Waits for one that has ended: orderly, or by the signal that it has sent itself.
fn reap(running: &mut Vec<OwnChild>) {
    let before = running.len();
    while running.len() == before {
        running.retain_mut(|child| match child.try_wait().unwrap() {
            None => true,
            Some(status) => {
                assert!(status.success() || status.signal() == Some(9), "{status}");
                false
            }
        });
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What this process is there for.
fn play(role: &str) {
    let (role, number) = role.split_once(' ').unwrap();
    let directory = PathBuf::from(std::env::var(DIRECTORY).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = Told(File::create(directory.join(format!("told-{role}-{number}"))).unwrap());
    if role == "die" {
        let trails: Vec<_> = (0..TRAILS).map(|_| start(&directory, SHORT, &Said::default())).collect();
        for trail in &trails {
            runtime.block_on(told.leave(trail));
        }
        fs::write(directory.join(format!("dying-{number}")), "").unwrap();
        loop {
            std::thread::park();
        }
    }
    // So the kernel refuses what would be one more.
    let most = Some(DESCRIPTORS as u64);
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
    let descriptors = Descriptors::watch();
    let said = Said::default();
    let trail = start(&directory, if role == "last" { LONG } else { SHORT }, &said);
    runtime.block_on(told.work(&trail));
    assert_eq!(trail.counts().refused, 0);
    if role == "killed" {
        runtime.block_on(told.leave(&trail));
        // While they are shipped, and segments go.
        let burst = 300 * (1 + number.parse::<usize>().unwrap() / 10 % 5);
        (0..burst).for_each(|_| told.record(trail.record(Moment::new(EventName::Context))));
        kill_process(getpid(), Signal::KILL).unwrap();
    }
    if role == "last" {
        assert_eq!(runtime.block_on(trail.flush(LONG)).unwrap().unreadable_streams, 0);
    }
    drop(trail);
    let most = descriptors.most();
    fs::write(directory.join(format!("descriptors-{number}")), format!("{most}\n")).unwrap();
    let said = said.lock();
    assert!(!said.iter().any(|text| text.contains("left alone") || text.contains("open files")), "{said:?}");
}

fn start(directory: &Path, flush: Duration, said: &Said) -> Trail {
    let heard = said.clone();
    Trail::builder("crowd")
        .environment(Environment::default())
        .directory(directory)
        .endpoint(std::env::var(ENDPOINT).unwrap())
        .flush_timeout(flush)
        .on_notice(move |notice| heard.lock().push(notice.text.clone()))
        .start()
        .unwrap()
}

/// The notices of a process.
#[derive(Clone, Default)]
struct Said(Arc<Mutex<Vec<String>>>);

impl Said {
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap()
    }
}

/// What a process writes down once the trail has taken it.
struct Told(File);

impl Told {
    async fn work(&self, trail: &Trail) {
        for _ in 0..3 {
            self.record(trail.record(Moment::new(EventName::Context)));
        }
        let call = trail.begin(Call::mcp("tools/call").tool("whole")).await.unwrap();
        self.call(call.call_id());
        call.finish(Outcome::ok()).await;
    }

    /// What somebody else has to end.
    async fn leave(&self, trail: &Trail) {
        self.record(trail.record(Moment::new(EventName::Context)));
        let call = trail.begin(Call::mcp("tools/call").tool("interrupted")).await.unwrap();
        self.call(call.call_id());
        std::mem::forget(call);
    }

    fn record(&self, id: RecordId) {
        self.line(&format!("record {id}"));
    }

    fn call(&self, id: RecordId) {
        self.line(&format!("call {id}"));
    }

    fn line(&self, text: &str) {
        (&self.0).write_all(format!("{text}\n").as_bytes()).unwrap();
    }
}

/// Counts what is open all the time.
struct Descriptors {
    most: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Descriptors {
    fn watch() -> Self {
        let (most, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let (noted, stop) = (most.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                // Where it cannot be listed there is none left for that.
                let open = fs::read_dir("/proc/self/fd").map_or(DESCRIPTORS + 1, Iterator::count);
                noted.fetch_max(open, Ordering::SeqCst);
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        Self { most, over, thread }
    }

    fn most(self) -> usize {
        self.over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        self.most.load(Ordering::SeqCst)
    }
}
