//! Processes that start in the same moment where others have died: each stream is adopted by one of them, and each call that
//! was left open is answered once.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, OtlpSettings};
use auditrail::journal::{BatchLimits, orphans};
use auditrail::opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use auditrail::record::{EventName, Record};
use auditrail::ship::{Accepted, Connector, ExportFuture, Sink};
use auditrail::trail::{Call, Moment};
use bytes::Bytes;
use prost::Message as _;

use crate::child::OwnChild;
use crate::taken::{Taken, check};

const LONG: Duration = Duration::from_secs(300);
/// What a child does: `die`, `look` or `drain`; and as which of them.
const ROLE: &str = "AUDITRAIL_TEST_ROLE";
const DIRECTORY: &str = "AUDITRAIL_TEST_DIRECTORY";
const RACERS: usize = 6;
const DEAD: usize = 12;
const ONCE: &str = "processes_that_look_at_the_same_moment_adopt_each_stream_once";
const ANSWERED: &str = "processes_that_start_together_send_all_once_and_answer_each_open_call_once";

/// Row 10. Nobody lets go before everybody has looked: what was not settled waits for the next.
pub fn processes_that_look_at_the_same_moment_adopt_each_stream_once() {
    if play() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    die(directory.path(), ONCE);
    let mut race = Race::ready(directory.path(), "look", ONCE);
    race.go();
    race.wait_for("looked");
    let adopted: Vec<String> = race.files("looked").flat_map(|said| lines(&said)).collect();
    race.end();
    assert_eq!(adopted.len(), DEAD, "{adopted:?}");
    assert_eq!(adopted.iter().collect::<BTreeSet<_>>().len(), DEAD, "{adopted:?}");
    assert_eq!(fs::read_dir(directory.path().join("journal/streams")).unwrap().count(), DEAD, "they wait");
}

/// Rows 10 and 17b: whole trails, each with a collector that writes down what it takes.
pub fn processes_that_start_together_send_all_once_and_answer_each_open_call_once() {
    if play() {
        return;
    }
    for _ in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        die(directory.path(), ANSWERED);
        let mut race = Race::ready(directory.path(), "drain", ANSWERED);
        race.go();
        race.end();
        let taken: Vec<Taken> =
            race.files("sink").flat_map(|said| lines(&said)).map(|line| Taken::parse(&line)).collect();
        let dead = check(&taken, &lines(&directory.path().join("told")));
        assert_eq!(dead.len(), DEAD);
        let interrupted = taken.iter().filter(|one| one.what == "stopped interrupted");
        assert_eq!(interrupted.map(|one| one.stream.as_str()).collect::<BTreeSet<_>>(), dead, "and nobody else is");
        assert_eq!(fs::read_dir(directory.path().join("journal/streams")).unwrap().count(), 0, "nothing is left");
    }
}

/// One process with so many trails that die with it, each with two records and two open calls.
fn die(directory: &Path, test: &str) {
    let mut child = spawn(directory, "die", 0, test);
    wait_for(&directory.join("dying-0"), &mut [&mut child]);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What this process is there for, if it is a child. Says whether it was.
fn play() -> bool {
    let (Ok(role), Ok(directory)) = (std::env::var(ROLE), std::env::var(DIRECTORY)) else { return false };
    let (directory, (role, number)) = (PathBuf::from(directory), role.split_once(' ').unwrap());
    let say = |what: &str, text: &str| {
        // Whole, or not there.
        fs::write(directory.join("new").with_extension(number), text).unwrap();
        fs::rename(directory.join("new").with_extension(number), directory.join(format!("{what}-{number}"))).unwrap();
    };
    let gate = |name: &str| File::open(directory.join(name)).unwrap().lock_shared().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match role {
        "die" => {
            let told = runtime.block_on(leave(&directory));
            fs::write(directory.join("told"), told).unwrap();
            say("dying", "");
            loop {
                std::thread::park();
            }
        }
        "look" => {
            say("ready", "");
            gate("start");
            let held = look(&directory);
            let streams: Vec<_> = held.iter().map(|adopted| adopted.reader.stream().to_string()).collect();
            say("looked", &streams.join("\n"));
            gate("end");
        }
        _ => {
            let sink = Arc::new(File::create(directory.join(format!("sink-{number}"))).unwrap());
            say("ready", "");
            gate("start");
            let trail = start(&directory, Collector(Some(sink)));
            let left_alone = runtime.block_on(trail.flush(LONG)).unwrap().unreadable_streams;
            assert_eq!(left_alone, 0);
            drop(trail);
        }
    }
    true
}

/// Trails that end with the process.
async fn leave(directory: &Path) -> String {
    let mut told = String::new();
    for _ in 0..DEAD {
        let trail = start(directory, Collector(None));
        for _ in 0..2 {
            writeln!(told, "record {}", trail.record(Moment::new(EventName::Context))).unwrap();
            let open = trail.begin(Call::mcp("tools/call").tool("interrupted")).await.unwrap();
            writeln!(told, "call {}", open.call_id()).unwrap();
            std::mem::forget(open);
        }
        std::mem::forget(trail);
    }
    told
}

fn look(directory: &Path) -> Vec<auditrail::journal::Adopted> {
    let options = auditrail::journal::JournalOptions::new(directory.join("journal"));
    let mut held = Vec::new();
    for orphan in orphans(&options).unwrap() {
        let mut adopted = orphan.adopt(&options).unwrap().unwrap();
        let batch = adopted.reader.next(BatchLimits { records: 9, bytes: 1 << 20 }).unwrap();
        assert_eq!((batch.entries.len(), adopted.open.len()), (5, 2));
        held.push(adopted);
    }
    held
}

fn start(directory: &Path, collector: Collector) -> Trail {
    let builder = Trail::builder("race").environment(Environment::default()).directory(directory);
    builder.connector(collector).on_notice(|_| ()).flush_timeout(LONG).start().unwrap()
}

/// Children that wait for a start, which is a lock that the parent has.
struct Race<'d> {
    directory: &'d Path,
    children: Vec<OwnChild>,
    gates: Vec<File>,
}

impl<'d> Race<'d> {
    fn ready(directory: &'d Path, role: &str, test: &str) -> Self {
        let gates = ["start", "end"].map(|name| {
            let gate = File::create(directory.join(name)).unwrap();
            gate.lock().unwrap();
            gate
        });
        let children = (0..RACERS).map(|number| spawn(directory, role, number, test)).collect();
        let mut race = Self { directory, children, gates: gates.into() };
        race.wait_for("ready");
        race
    }

    fn go(&mut self) {
        self.gates.remove(0).unlock().unwrap();
    }

    fn wait_for(&mut self, what: &str) {
        let mut children: Vec<_> = self.children.iter_mut().collect();
        for number in 0..RACERS {
            wait_for(&self.directory.join(format!("{what}-{number}")), &mut children);
        }
    }

    fn files(&self, what: &str) -> impl Iterator<Item = PathBuf> {
        (0..RACERS).map(move |number| self.directory.join(format!("{what}-{number}")))
    }

    fn end(&mut self) {
        self.gates.clear();
        for child in &mut self.children {
            assert!(child.wait().unwrap().success());
        }
    }
}

fn spawn(directory: &Path, role: &str, number: usize, test: &str) -> OwnChild {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact"]).env(ROLE, format!("{role} {number}")).env(DIRECTORY, directory).stdout(Stdio::null());
    OwnChild::spawn(&mut child)
}

fn wait_for(path: &Path, children: &mut [&mut OwnChild]) {
    while !path.exists() {
        for child in &mut *children {
            assert!(child.try_wait().unwrap().is_none_or(|status| status.success()), "{} is awaited", path.display());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// Writes down what it takes; without a file it never answers.
#[derive(Debug, Clone)]
struct Collector(Option<Arc<File>>);

impl Connector for Collector {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Collector {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(async move {
            let Some(file) = &self.0 else { return std::future::pending().await };
            let request = ExportLogsServiceRequest::decode(request).unwrap();
            let scopes = request.resource_logs.into_iter().flat_map(|logs| logs.scope_logs);
            let mut text = String::new();
            for record in scopes.flat_map(|logs| logs.log_records) {
                Taken::of(&Record::from_proto(record).unwrap()).write(&mut text);
            }
            (&**file).write_all(text.as_bytes()).unwrap();
            Ok(Accepted::default())
        })
    }
}
