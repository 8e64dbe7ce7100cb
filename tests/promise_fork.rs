//! A process that forks: the child writes nothing over its parent's records, keeps no lock of the parent's, says that it is not
//! audited, and can start a trail of its own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]
#![allow(unsafe_code, reason = "fork and what may follow it are called as C has them")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::journal::{Inspection, Owner};
use auditrail::record::{EventName, Record, StreamId};
use auditrail::serve::Receiver;
use auditrail::trail::{Call, Class, Moment, RecordCounts, WhenFull};

/// The child tries to write where its parent has written: of the parent everything arrives as it was, of the child what its own trail took.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_writes_nothing_to_its_parents_stream_and_may_have_its_own() {
    let directory = tempfile::tempdir().unwrap();
    let mut parent = Parent::forks(directory.path(), "writes");
    let said = parent.rest();
    assert!(parent.process.wait().unwrap().success(), "{said}");
    assert_eq!(said.matches("nothing is audited in this process: it was forked").count(), 1, "{said}");
    for fact in [
        "child: shed call runs",
        "child: critical call is refused",
        "child: waiting call is refused",
        "child: flush fails",
        "child: counts nothing",
        "child: own trail took 3 of 3",
        "child: done",
        "parent: done",
    ] {
        assert!(said.contains(fact), "{fact}: {said}");
    }
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for record in delivered(directory.path()).await {
        if let Some(text) = record.text("text") {
            let stream = record.text("auditrail.stream.id").unwrap().to_owned();
            texts.entry(stream).or_default().push(text.to_owned());
        }
    }
    let of_parent: Vec<_> = (0..PARENTS).map(|number| format!("parent {number}")).collect();
    let of_child: Vec<_> = (0..3).map(|number| format!("own {number}")).collect();
    let mut found: Vec<_> = texts.into_values().collect();
    found.sort_by_key(Vec::len);
    assert_eq!(found, [of_child, of_parent]);
}

/// Also one that has never looked at the trail.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_that_outlives_its_parent_keeps_no_lock_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut parent = Parent::forks(directory.path(), "lingers");
    parent.until("child: lingers");
    let stream = only_stream(directory.path());
    let inspection = Inspection::of(&directory.path().join("journal")).unwrap();
    assert_eq!(inspection.owner(stream), Owner::Alive, "the child has not taken it from its parent");
    parent.process.kill().unwrap();
    parent.process.wait().unwrap();
    assert_eq!(inspection.owner(stream), Owner::Gone);
    // The child lives: the streams of the dead are adopted, and the lock of the directory is free.
    let texts = delivered(directory.path()).await.into_iter().filter(|record| record.text("text").is_some());
    assert_eq!(texts.count() as u64, BEFORE);
    // It ends with this.
    drop(parent.process.stdin.take());
    assert!(parent.rest().contains("child: done"));
}

/// Whatever another thread of the parent holds in the moment of the fork: some hundred forks meet it holding each lock.
#[test]
fn a_child_that_asks_for_numbers_waits_for_no_lock_of_its_parent() {
    let directory = tempfile::tempdir().unwrap();
    let mut parent = Parent::forks(directory.path(), "counts");
    let said = parent.rest();
    assert!(parent.process.wait().unwrap().success(), "{said}");
    assert!(said.contains("parent: done"), "{said}");
}

/// A process that has started a trail, and forks.
struct Parent {
    process: Child,
    said: BufReader<ChildStderr>,
}

impl Parent {
    fn forks(directory: &Path, what: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_parent", "--ignored", "--nocapture"])
            .env(CHILD, what)
            .envs(SETTINGS.into_iter().zip([directory.as_os_str(), "1".as_ref(), "http://127.0.0.1:1".as_ref()]))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stderr.take().unwrap());
        Self { process, said }
    }

    fn until(&mut self, what: &str) {
        let mut line = String::new();
        while !line.contains(what) {
            line.clear();
            assert_ne!(self.said.read_line(&mut line).unwrap(), 0, "{what} was never said");
        }
    }

    /// Until nobody has it open any more, the child included.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        rest
    }
}

/// Not a test of its own: the process that forks.
#[test]
#[ignore = "started by the other tests"]
fn the_parent() {
    let Some((_, what)) = std::env::vars().find(|(name, _)| name == CHILD) else { return };
    let waits = Class { when_full: WhenFull::Wait, deadline: Duration::from_secs(600), ..Class::CRITICAL };
    let class_of = move |call: &Call| match call.name() {
        Some("critical") => Class::CRITICAL,
        Some("waits") => waits,
        _ => Class::default(),
    };
    let trail = Trail::builder("weather-mcp").environment(environment()).classify(class_of).start().unwrap();
    (0..BEFORE).for_each(|number| record(&trail, &format!("parent {number}")));
    // The child begins when all of the parent stands there, where it would write.
    let (mut hears, mut tells) = std::io::pipe().unwrap();
    // Somebody else in the parent is busy with the trail whenever it forks.
    let (forked, busy) = (AtomicBool::new(false), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !forked.load(Ordering::Relaxed) {
                let _counts = trail.counts();
                busy.store(true, Ordering::Relaxed);
            }
        });
        while !busy.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        if what == "counts" {
            let ended: Vec<_> = (0..FORKS).map(|_| a_child_counts(&trail)).collect();
            forked.store(true, Ordering::Relaxed);
            assert_eq!(ended, [0; FORKS], "how they ended");
            return;
        }
        // SAFETY: the child goes on in this thread alone, as a host's would, and ends by `_exit`.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            match what.as_str() {
                "writes" => {
                    hears.read_exact(&mut [0]).unwrap();
                    tries_to_write(&trail);
                }
                _ => lingers(),
            }
            say("child: done");
            // SAFETY: as C has it.
            unsafe { libc::_exit(0) };
        }
        forked.store(true, Ordering::Relaxed);
        if what == "writes" {
            (BEFORE..PARENTS).for_each(|number| record(&trail, &format!("parent {number}")));
            tells.write_all(b"!").unwrap();
        }
        // SAFETY: the child is this process's.
        unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    });
    drop(trail);
    say("parent: done");
}

/// Without the variables that control tests, which are no settings of a trail.
fn environment() -> Environment {
    std::env::vars_os().filter(|(name, _)| SETTINGS.iter().any(|setting| name == setting)).collect()
}

/// Gives how the child has ended: 0, or by the alarm if it stands still.
fn a_child_counts(trail: &Trail) -> i32 {
    // SAFETY: the child goes on in this thread alone, takes no lock, and ends by `_exit` or the signal.
    unsafe {
        let child = libc::fork();
        assert!(child >= 0);
        if child == 0 {
            libc::alarm(STANDS_STILL);
            trail.report_counts();
            let counts_nothing = trail.counts() == RecordCounts::default();
            libc::_exit(i32::from(!counts_nothing));
        }
        let mut status = -1;
        libc::waitpid(child, &raw mut status, 0);
        status
    }
}

fn tries_to_write(inherited: &Trail) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for number in 0..50 {
        record(inherited, &format!("by the parent's trail {number}"));
    }
    let begins = |tool: &'static str| runtime.block_on(inherited.begin(Call::mcp("tools/call").tool(tool))).is_ok();
    if begins("sheds") {
        say("child: shed call runs");
    }
    if !begins("critical") {
        say("child: critical call is refused");
    }
    if !begins("waits") {
        say("child: waiting call is refused");
    }
    if runtime.block_on(inherited.flush(Duration::from_secs(600))).is_err() {
        say("child: flush fails");
    }
    if inherited.counts() == RecordCounts::default() {
        say("child: counts nothing");
    }
    let own = Trail::builder("weather-mcp").environment(environment()).start().unwrap();
    (0..3).for_each(|number| record(&own, &format!("own {number}")));
    // Its `started` besides.
    say(&format!("child: own trail took {} of 3", own.counts().acknowledged - 1));
    drop(own);
    // As a host that ends: neither waits for threads that are not there.
    drop(inherited.clone());
}

fn lingers() {
    say("child: lingers");
    let _end = std::io::stdin().read(&mut [0]);
}

/// In one piece, without a lock that a thread of the parent may have held.
fn say(text: &str) {
    let mut out = std::fs::File::options().append(true).open("/dev/stderr").unwrap();
    out.write_all(format!("{text}\n").as_bytes()).unwrap();
}

fn record(trail: &Trail, text: &str) {
    trail.record(Moment::new(EventName::Context).attribute("text", text.to_owned()));
}

/// What waits in the journal, sent by a process of the service that starts now.
async fn delivered(directory: &Path) -> Vec<Record> {
    let receiver = Receiver::builder().start().await.unwrap();
    let environment = Environment::from_iter([("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap())]);
    let builder = Trail::builder("weather-mcp").environment(environment).directory(directory);
    let trail = builder.on_notice(|_| ()).start().unwrap();
    trail.flush(Duration::from_secs(100)).await.unwrap();
    drop(trail);
    receiver.records().into_iter().map(|received| Record::from_proto(received.record.clone()).unwrap()).collect()
}

fn only_stream(directory: &Path) -> StreamId {
    let mut streams = std::fs::read_dir(directory.join("journal/streams")).unwrap();
    StreamId::parse(streams.next().unwrap().unwrap().file_name().to_str().unwrap()).unwrap()
}

const SETTINGS: [&str; 3] = ["AUDITRAIL_DIR", "AUDITRAIL_FLUSH_TIMEOUT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const CHILD: &str = "WHAT_THE_CHILD_DOES";
const FORKS: usize = 300;
/// Seconds, of which a child that waits for nothing needs none.
const STANDS_STILL: u32 = 60;
const BEFORE: u64 = 40;
const PARENTS: u64 = 200;
