//! An operator sees what a journal holds and what is wrong with it, ships what dead processes left, and handles what the
//! collector refused: by the real binary, against journals of the library, with the embedded receiver as the collector.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at what it did not expect"
)]

mod operable;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, Overrides, Settings};
use auditrail::journal::{Disk, Inspection, Quarantine};
use auditrail::record::{EventName, Record, StreamId};
use auditrail::serve::Receiver;
use auditrail::ship::{Replay, ReplayError};
use auditrail::trail::Moment;
use serde_json::Value;

use self::operable::{MOMENTS, Orphan, auditrail, journal_of, json, left, quarantined, service_of};

/// The first record, the moments, and a request.
const WRITTEN: u64 = 2 + MOMENTS;

#[test]
fn stat_tells_of_living_and_dead_streams_and_touches_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut orphan = Orphan::alive(directory.path());
    let (code, stat) = json(directory.path(), &["stat"]);
    assert_eq!(code, 0);
    let stream = &stat["streams"][0];
    assert_eq!(stream["owner"], "alive");
    assert_eq!(stream["process"], orphan.process());
    assert_eq!(stream["service"], "weather-mcp");
    assert_eq!([&stream["first"], &stream["settled"], &stream["next"]], [1, 0, WRITTEN + 1]);
    assert_eq!([&stream["pending"], &stream["open_calls"]], [WRITTEN, 1]);
    assert_eq!([&stream["ended"], &stream["unreadable"]], [&Value::Bool(false), &Value::Null]);
    assert!(stream["oldest_age_seconds"].as_f64().unwrap() >= 0.0);
    let (code, fsck) = json(directory.path(), &["fsck"]);
    assert_eq!((code, fsck["problems"].as_array().unwrap().len()), (0, 0), "{fsck}");

    orphan.kill();
    // Rights that the journal itself would take away.
    fs::set_permissions(orphan.segment(), fs::Permissions::from_mode(0o640)).unwrap();
    let before = state_of(directory.path());
    let (code, stat) = json(directory.path(), &["stat"]);
    assert_eq!((code, &stat["streams"][0]["owner"]), (0, &Value::from("gone")));
    assert_eq!([json(directory.path(), &["fsck"]).0, json(directory.path(), &["quarantine", "list"]).0], [0, 0]);
    assert_eq!(state_of(directory.path()), before, "an inspection changes no file, no rights, no time");

    let human = auditrail(directory.path(), &["stat"]);
    let text = String::from_utf8(human.stdout).unwrap();
    for word in ["weather-mcp", "gone", &format!("pending   {WRITTEN} record(s)"), "1 open", "not ended"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn inspections_are_in_nobodys_way_and_see_no_ghosts() {
    let directory = tempfile::tempdir().unwrap();
    drop(start(directory.path()));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let look = || {
            let inspection = Inspection::of(&journal_of(directory.path())).unwrap();
            while !stop.load(Ordering::Relaxed) {
                inspection.stat().unwrap();
                inspection.check(|problem| panic!("{problem:?}"), |_, _| ()).unwrap();
            }
        };
        scope.spawn(look);
        scope.spawn(look);
        for _ in 0..8 {
            let trail = start(directory.path());
            for number in 0..2000_i64 {
                trail.record(Moment::new(EventName::Context).attribute("number", number));
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn fsck_names_what_is_wrong_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut orphan = Orphan::alive(directory.path());
    orphan.kill();
    let segment = orphan.segment();
    let sound = fs::read(&segment).unwrap();
    assert_eq!(json(directory.path(), &["fsck"]).0, 0);

    let place = find(&sound, b"moment-07");
    flip(&segment, place);
    let problem = only_problem(directory.path(), "payload_damaged");
    assert_eq!((&problem["first"], &problem["last"]), (&Value::from(9), &Value::from(9)), "behind `started`, from 0");
    let frame = usize::try_from(problem["offset"].as_u64().unwrap()).unwrap();
    assert!(frame < place && place - frame < 4096);

    fs::write(&segment, &sound).unwrap();
    flip(&segment, frame + 10);
    let problem = only_problem(directory.path(), "frame_damaged");
    assert_eq!((&problem["first"], &problem["offset"]), (&Value::from(9), &Value::from(frame)));
    let again = fs::read(&segment).unwrap();
    assert_ne!(again, sound, "it is still damaged");

    fs::write(&segment, &sound).unwrap();
    flip(&segment, 20);
    only_problem(directory.path(), "header_damaged");

    fs::write(&segment, &sound).unwrap();
    let stream = segment.parent().unwrap();
    fs::write(stream.join("cursor"), b"auditcur and no more").unwrap();
    only_problem(directory.path(), "cursor_damaged");
    fs::write(stream.join("cursor"), b"").unwrap();

    // A cursor of this very stream that names a record which is not there.
    fs::write(stream.join("cursor"), operable::cursor(&orphan, WRITTEN + 7)).unwrap();
    only_problem(directory.path(), "cursor_astray");
    fs::write(stream.join("cursor"), b"").unwrap();

    let owner = fs::read(stream.join("stream")).unwrap();
    fs::write(stream.join("stream"), b"").unwrap();
    only_problem(directory.path(), "owner_damaged");
    fs::write(stream.join("stream"), owner).unwrap();

    fs::write(stream.join("notes.txt"), b"").unwrap();
    only_problem(directory.path(), "stranger");
    fs::remove_file(stream.join("notes.txt")).unwrap();

    fs::write(journal_of(directory.path()).join("quarantine/x.rec"), b"auditqua").unwrap();
    only_problem(directory.path(), "quarantine_damaged");
}

#[test]
fn fsck_misses_what_was_removed() {
    let directory = tempfile::tempdir().unwrap();
    let first = operable::segments(directory.path(), 4)[1].clone();
    assert_eq!(json(directory.path(), &["fsck"]).0, 0);
    fs::remove_file(first).unwrap();
    let problem = only_problem(directory.path(), "missing");
    let (first, last) = (problem["first"].as_u64().unwrap(), problem["last"].as_u64().unwrap());
    assert!(1 < first && first < last, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_ships_what_a_dead_process_left_as_its_own() {
    let receiver = Receiver::builder().start().await.unwrap();
    let endpoint = receiver.grpc_endpoint().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut orphan = Orphan::alive(directory.path());
    let (code, nothing) = json(directory.path(), &["drain", "--endpoint", &endpoint]);
    assert_eq!((code, &nothing["records"]), (0, &Value::from(0)), "its owner lives");
    orphan.kill();

    // Nobody is there: all of it waits, and nothing is wrong with the journal.
    let (code, late) = json(directory.path(), &["drain", "--endpoint", "http://127.0.0.1:1", "--timeout", "3s"]);
    assert_eq!((code, &late["pending"], &late["delivered"]), (3, &Value::from(WRITTEN + 2), &Value::from(0)));
    assert_eq!(late["streams"][0]["answered"], 1);
    assert_eq!(json(directory.path(), &["fsck"]).0, 0);

    let (code, report) = json(directory.path(), &["drain", "--endpoint", &endpoint, "--timeout", "60s"]);
    assert_eq!(code, 0, "{report}");
    assert_eq!([&report["pending"], &report["quarantined"], &report["lost"]], [0, 0, 0]);
    assert_eq!(report["delivered"], report["records"]);
    assert_eq!(report["streams"].as_array().unwrap().len(), 2, "that of the drain before, too");
    let of_the_dead = receiver.records().into_iter().filter(|record| service_of(record) == "weather-mcp");
    assert_eq!(of_the_dead.count() as u64, WRITTEN + 2, "with the answer to the open call and the end of the stream");
    assert_eq!(json(directory.path(), &["stat"]).1["streams"].as_array().unwrap().len(), 0);

    let (code, ledger) = json(directory.path(), &["ledger"]);
    let removed = ledger["streams"].as_array().unwrap();
    assert_eq!((code, removed.len(), &ledger["dropped"]), (0, 3, &Value::from(0)), "with those of the drains");
    let last =
        removed.iter().find(|stream| stream["stream"] == late["streams"][0]["stream"]).map(|stream| &stream["last"]);
    assert_eq!(last, Some(&Value::from(WRITTEN + 2)));
    let human = auditrail(directory.path(), &["ledger"]);
    assert!(String::from_utf8(human.stdout).unwrap().contains("3 stream(s) of"));

    let human = auditrail(directory.path(), &["drain"]);
    assert!(String::from_utf8(human.stdout).unwrap().contains("nothing to drain"));
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantine_is_shown_replayed_and_discarded() {
    let receiver = Receiver::builder().start().await.unwrap();
    let endpoint = receiver.grpc_endpoint().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let stream = quarantined(directory.path(), &[("first\u{1b}[2J", 2), ("second", 1)]).await;

    let (code, list) = json(directory.path(), &["quarantine", "list"]);
    let files = list["files"].as_array().unwrap();
    assert_eq!((code, files.len()), (0, 2), "{list}");
    assert_eq!((&files[0]["cause"], &files[1]["cause"]), (&"refused".into(), &"partly_refused".into()));
    assert_eq!(files[0]["service"], "weather-mcp");
    assert_eq!(json(directory.path(), &["stat"]).1["quarantine"]["records"], 4);

    let [first, second] = [0, 1].map(|file: usize| files[file]["name"].as_str().unwrap().to_owned());
    let (_, shown) = json(directory.path(), &["quarantine", "show", &first]);
    assert_eq!(shown["entries"][0]["record"]["attributes"]["text"], "first\u{1b}[2J");
    let human = String::from_utf8(auditrail(directory.path(), &["quarantine", "show", &first]).stdout).unwrap();
    assert!(human.contains("= first\\u{1b}[2J") && !human.contains('\u{1b}'), "{human}");

    let away = auditrail(
        directory.path(),
        &["quarantine", "replay", "--all", "--endpoint", "http://127.0.0.1:1", "--timeout", "200ms"],
    );
    assert_eq!(away.status.code(), Some(3));
    assert_eq!(json(directory.path(), &["quarantine", "list"]).1["files"].as_array().unwrap().len(), 2);

    let (code, replayed) = json(directory.path(), &["quarantine", "replay", &first, "--endpoint", &endpoint]);
    assert_eq!((code, &replayed["files"][0]["delivered"]), (0, &Value::from(2)), "{replayed}");
    assert_eq!(receiver.records().len(), 2);
    for (sequence, received) in (1..).zip(receiver.records()) {
        let record = Record::from_proto(received.record.clone()).unwrap();
        assert_eq!(record.get("audit.sequence.number"), Some(&auditrail::record::Value::Int(sequence)));
        assert_eq!(record.text("auditrail.stream.id"), Some(stream.to_string().as_str()));
        assert_eq!(service_of(&received), "weather-mcp");
    }

    let asked = auditrail(directory.path(), &["quarantine", "discard", &second]);
    assert_eq!(asked.status.code(), Some(2), "nobody is there to be asked");
    assert_eq!(json(directory.path(), &["quarantine", "discard", "--yes", &second, "nothing"]).0, 1, "all or none");
    assert_eq!(json(directory.path(), &["quarantine", "list"]).1["files"].as_array().unwrap().len(), 1);
    assert_eq!(json(directory.path(), &["quarantine", "discard", "--yes", &format!("{second}.rec")]).0, 0);
    assert_eq!(json(directory.path(), &["quarantine", "list"]).1["files"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn what_the_collector_takes_only_in_part_stays_in_quarantine() {
    let directory = tempfile::tempdir().unwrap();
    quarantined(directory.path(), &[("text", 2)]).await;
    let journal = journal_of(directory.path());
    let kept = tokio::task::spawn_blocking(move || {
        let overrides = Overrides { service_name: Some("operator".into()), ..Overrides::default() };
        let environment = Environment::from_iter([("HOME", "/nowhere")]);
        let settings = Settings::read(&overrides, &environment).unwrap();
        let quarantine = Quarantine::of(Arc::new(Disk::default()), &journal);
        let name = quarantine.names().unwrap().remove(0);
        let replay = Replay::connect(&operable::TakesAllButOne, &settings.logs).unwrap();
        let error = replay.replay(&quarantine, &name, Duration::from_secs(9)).unwrap_err();
        assert!(matches!(error, ReplayError::Partly { rejected: 1, records: 2 }), "{error}");
        quarantine.names().unwrap().len()
    });
    assert_eq!(kept.await.unwrap(), 1);
}

#[test]
fn mistakes_are_named_and_make_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let elsewhere = directory.path().join("typo");
    for (arguments, code, word) in [
        (&["drain"][..], 1, "there is no journal"),
        (&["quarantine", "discard", "x", "--yes"], 1, "there is no journal"),
        (&["drain", "--timeout", "5"], 2, "30s"),
        (&["quarantine", "replay"], 2, "required"),
        (&["stats"], 2, "stat"),
        (&["stat", "--format", "xml"], 2, "json"),
    ] {
        let output = auditrail(&elsewhere, arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
    assert!(!elsewhere.exists());

    drop(start(directory.path()));
    let inside = auditrail(&journal_of(directory.path()), &["stat"]);
    assert!(
        String::from_utf8(inside.stderr).unwrap().contains(directory.path().to_str().unwrap()),
        "it names the parent"
    );
    let output = auditrail(directory.path(), &["quarantine", "show", "../../x"]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let directory = tempfile::tempdir().unwrap();
    drop(start(directory.path()));
    let mut child =
        operable::command(directory.path(), &["stat"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

/// `a/b` and `a_b` had one directory. Each has its own now, and what waits in the old one is sent by whose it is.
#[tokio::test(flavor = "multi_thread")]
async fn services_that_shared_a_directory_find_what_they_left_there() {
    let receiver = Receiver::builder().start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("auditrail");
    left(&state.join("a_b"), "a/b", 3);
    left(&state.join("a_b"), "a_b", 2);
    let stat = |service: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_auditrail"));
        command.args(["journal", "stat", "--format", "json", "--service", service]);
        let output = command.env_clear().env("XDG_STATE_HOME", directory.path()).output().unwrap();
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    assert_eq!(stat("a/b")["streams"].as_array().unwrap().len(), 2, "there is no other yet");
    let variables = [
        ("XDG_STATE_HOME", directory.path().to_str().unwrap().to_owned()),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.grpc_endpoint().unwrap()),
    ];
    // Of either service so many records that were left.
    let of = || {
        let records = receiver.records();
        let left = |service: &str| {
            let own = records.iter().filter(|record| service_of(record) == service);
            own.filter(|record| Record::decode(&record.bytes).unwrap().text("text").is_some()).count()
        };
        [left("a/b"), left("a_b")]
    };
    for (service, expected) in [("a/b", [3, 0]), ("a_b", [3, 2])] {
        let environment = Environment::from_iter(variables.clone());
        let trail = Trail::builder(service).environment(environment).flush_timeout(Duration::from_secs(100)).start();
        let trail = trail.unwrap();
        trail.flush(Duration::from_secs(100)).await.unwrap();
        drop(trail);
        assert_eq!(of(), expected, "{service}");
    }
    assert!(state.join("a%2Fb/journal/streams").is_dir());
    assert_eq!(stat("a/b")["streams"].as_array().unwrap().len(), 0);
    assert_eq!(stat("a_b")["streams"].as_array().unwrap().len(), 0, "nothing is left");
}

/// Not a test of its own: the process that the others kill.
#[test]
#[ignore = "started by the other tests"]
fn the_writer() {
    operable::write_until_killed();
}

/// A trail whose collector is away, and that does not wait for it.
fn start(directory: &Path) -> Trail {
    let environment = Environment::from_iter([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")]);
    let builder = Trail::builder("weather-mcp").environment(environment).directory(directory).on_notice(|_| ());
    builder.flush_timeout(Duration::ZERO).start().unwrap()
}

fn only_problem(directory: &Path, kind: &str) -> Value {
    let (code, fsck) = json(directory, &["fsck"]);
    let problems = fsck["problems"].as_array().unwrap();
    assert_eq!((code, problems.len(), &problems[0]["kind"]), (3, 1, &Value::from(kind)), "{fsck}");
    let human = String::from_utf8(auditrail(directory, &["fsck"]).stdout).unwrap();
    assert!(human.contains(kind) && human.contains(problems[0]["do"].as_str().unwrap()), "{human}");
    if let Some(stream) = problems[0]["stream"].as_str() {
        assert!(StreamId::parse(stream).is_some());
    }
    problems[0].clone()
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 0x40;
    fs::write(file, bytes).unwrap();
}

/// Every file with its number, rights, length and time of the last change.
fn state_of(directory: &Path) -> Vec<String> {
    let mut state = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let (path, metadata) = {
            let entry = entry.unwrap();
            (entry.path(), entry.metadata().unwrap())
        };
        let (inode, mode, length) = (metadata.ino(), metadata.mode(), metadata.len());
        state.push(format!("{} {inode} {mode:o} {length} {:?}", path.display(), metadata.modified().unwrap()));
        if metadata.is_dir() {
            state.extend(state_of(&path));
        }
    }
    state.sort();
    state
}
