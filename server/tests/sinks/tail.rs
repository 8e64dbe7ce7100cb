//! `auditrail tail`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use auditrail::config::{Environment, SinkKind};
use auditrail::record::EventName;
use auditrail::trail::{Actor, Call, Moment, TrailBuilder};
use auditrail::{Outcome, Trail};
use serde_json::{Value, json};

use crate::child::OwnChild;
use crate::rig::{LONG, auditrail, record, run, text, until};

/// Calls of two actors, one of which fails.
fn made(directory: &Path) -> PathBuf {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (actor, tool, outcome) in [
        ("alice", "close_ticket", Outcome::ok()),
        ("bob", "delete_station", Outcome::of(auditrail::record::Detail::ToolError)),
    ] {
        let trail = builder(directory).start().unwrap();
        runtime.block_on(async {
            let call = Call::mcp("tools/call").tool(tool).actor(Actor::asserted(actor));
            trail.begin(call).await.unwrap().finish(outcome).await;
            trail.flush(LONG).await.unwrap();
        });
    }
    directory.join("trail.jsonl")
}

fn builder(directory: &Path) -> TrailBuilder {
    let builder = Trail::builder("weather-mcp").environment(Environment::default()).directory(directory);
    builder.sinks([SinkKind::File]).on_notice(|_| ())
}

fn tail(arguments: &[&str]) -> (i32, String, String) {
    run(auditrail(&["tail"]).args(arguments))
}

pub(crate) fn prints_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = made(directory.path());
    let path = path.to_str().unwrap();
    let written = fs::read_to_string(path).unwrap();

    let (code, table, said) = tail(&[path]);
    assert_eq!((code, said.as_str()), (0, ""));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 9, "{table}");
    assert!(lines[0].starts_with("time ") && lines[0].contains("tool, method or state"), "{table}");
    let words: Vec<_> = lines[7].split_whitespace().collect();
    let expected = [
        "3",
        "ERROR",
        "mcp.tools.call",
        "response",
        "delete_station",
        "bob",
        "delete_station",
        "failure",
        "tool_error",
    ];
    assert_eq!(words[1..10], expected);
    assert!(words[0].ends_with('Z') && !table.contains('\u{1b}'), "no colours in a pipe: {table}");

    // A state directory is its file, and the last ones are the last lines.
    let (_, last, _) = tail(&[directory.path().to_str().unwrap(), "-n", "2"]);
    assert_eq!(last.lines().collect::<Vec<_>>(), [lines[0], lines[7], lines[8]]);
    let (code, none, _) = tail(&[path, "--lines", "0"]);
    assert_eq!((code, none.as_str()), (0, ""));

    let (_, otlp, _) = tail(&[path, "--format", "otlp", "-n", "100"]);
    assert_eq!(otlp, written, "what was read is what is printed");

    let (_, objects, _) = tail(&[path, "--format", "json"]);
    let objects: Vec<Value> = objects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 8);
    for (object, line) in objects.iter().zip(written.lines()) {
        let record = record(line);
        assert_eq!(object["event"], record["eventName"]);
        assert_eq!(object["service"], "weather-mcp");
        assert_eq!(object["attributes"]["audit.record.id"], text(&record, "audit.record.id"));
        assert_eq!(object["attributes"]["audit.sequence.number"].to_string(), text(&record, "audit.sequence.number"));
    }
}

pub(crate) fn filters() {
    let directory = tempfile::tempdir().unwrap();
    let path = made(directory.path());
    let path = path.to_str().unwrap();
    for (arguments, expected) in [
        (&["--tool", "close_ticket"][..], 2),
        (&["--actor", "bob"], 2),
        (&["--actor", "bob", "--outcome", "failure"], 1),
        (&["--outcome", "unknown", "-n", "1"], 1),
        (&["--tool", "close_ticket", "--actor", "bob"], 0),
    ] {
        let (code, shown, _) = tail(&[&[path, "--format", "json"], arguments].concat());
        assert_eq!((code, shown.lines().count()), (0, expected), "{arguments:?}: {shown}");
    }
    let (code, _, said) = tail(&[path, "--outcome", "bad"]);
    assert_eq!(code, 2);
    assert!(said.contains("success, failure, unknown"), "{said}");
}

pub(crate) fn follows_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    // As a sink of 1 MiB would rotate it, by hand, so that it is known when.
    let line = |number: u64| {
        json!({"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano": number.to_string()}]}]}]}).to_string()
            + "\n"
    };
    let append = |path: &Path, text: &str| {
        fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
    };
    append(&path, &(line(1) + &line(2)));
    let (_child, lines) = followed(&[path.to_str().unwrap(), "-n", "1"]);
    assert_eq!(lines.recv_timeout(LONG).unwrap(), "2");
    append(&path, &line(3));
    assert_eq!(lines.recv_timeout(LONG).unwrap(), "3");

    // Two rotations at once; the first half of a line comes before its second, and another line takes the place of one that
    // was torn.
    let at = |suffix: &str| directory.path().join(format!("trail.jsonl{suffix}"));
    append(&path, &line(4));
    fs::rename(&path, at(".1")).unwrap();
    append(&path, &line(5));
    fs::rename(at(".1"), at(".2")).unwrap();
    fs::rename(&path, at(".1")).unwrap();
    append(&path, &line(6)[..20]);
    let numbers: Vec<_> = (0..2).map(|_| lines.recv_timeout(LONG).unwrap()).collect();
    assert_eq!(numbers, ["4", "5"]);
    append(&path, &line(6)[20..]);
    assert_eq!(lines.recv_timeout(LONG).unwrap(), "6");

    // Moved elsewhere, and made anew after a while.
    fs::rename(&path, directory.path().join("elsewhere")).unwrap();
    append(&directory.path().join("elsewhere"), &line(7));
    assert_eq!(lines.recv_timeout(LONG).unwrap(), "7");
    append(&path, &line(8));
    assert_eq!(lines.recv_timeout(LONG).unwrap(), "8");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(&path, &line(9)[..40]);
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    append(&path, &line(10));
    assert_eq!(lines.recv_timeout(LONG).unwrap(), "10");
}

/// `tail --follow`, and the times of what it prints, in nanoseconds.
fn followed(arguments: &[&str]) -> (OwnChild, Receiver<String>) {
    let mut child = OwnChild::spawn(auditrail(&["tail", "--follow", "--format", "otlp"]).args(arguments));
    let (told, lines) = channel();
    let output = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let record = record(&line);
            let number = text(&record, "audit.sequence.number");
            let time = record["timeUnixNano"].as_str().unwrap();
            drop(told.send(if number.is_empty() { time.to_owned() } else { number.to_owned() }));
        }
    });
    (child, lines)
}

pub(crate) fn follows_a_journal() {
    let directory = tempfile::tempdir().unwrap();
    // A collector that is not there: everything stays in the journal.
    let environment = Environment::from_iter([("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")]);
    let builder = Trail::builder("weather-mcp").directory(directory.path()).environment(environment);
    let trail = builder.on_notice(|_| ()).flush_timeout(std::time::Duration::ZERO).start().unwrap();
    let write =
        |number: i64| drop(trail.record(Moment::new(EventName::Context).attribute("number", number)).to_string());
    write(2);
    let before = trail.counts();
    let (_child, lines) = followed(&[directory.path().to_str().unwrap()]);
    for expected in ["1", "2"] {
        assert_eq!(lines.recv_timeout(LONG).unwrap(), expected);
    }
    // Far more than a segment.
    (3..=2000).for_each(write);
    for expected in 3..=2000 {
        assert_eq!(lines.recv_timeout(LONG).unwrap(), expected.to_string());
    }
    assert_eq!(trail.counts().delivered, before.delivered, "it settles nothing");
    drop(trail);
    assert_eq!(lines.recv_timeout(LONG).unwrap(), "2001", "the end");
    // And takes no lock: the stream is still there for the next process, which ships it.
    let (_, shown, _) = tail(&[directory.path().join("journal").to_str().unwrap(), "--format", "json", "-n", "5000"]);
    assert_eq!(shown.lines().count(), 2001);
    let (_, stat, _) =
        run(&mut auditrail(&["journal", "stat", "--format", "json", "--dir", directory.path().to_str().unwrap()]));
    let stat: Value = serde_json::from_str(&stat).unwrap();
    assert_eq!((&stat["streams"][0]["owner"], &stat["streams"][0]["pending"]), (&json!("gone"), &json!(2001)));
}

pub(crate) fn is_harmless() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trail.jsonl");
    let evil = "a\u{1b}[2J\u{9b}31m\u{202e}\u{7}b\nc";
    let keys = ["gen_ai.tool.name", "audit.actor.id", "audit.target.id", "audit.outcome", "auditrail.phase", evil];
    let attributes = keys.map(|key| json!({"key": key, "value": {"stringValue": evil}}));
    let record = json!({
        "timeUnixNano": "1", "severityText": evil, "eventName": evil, "body": {"stringValue": evil}, "attributes": attributes,
    });
    let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": evil}}]});
    let request = json!({"resourceLogs":[{"resource": resource, "scopeLogs":[{"scope": {"name": evil}, "logRecords":[record]}]}]});
    fs::write(&path, request.to_string() + "\n").unwrap();
    for format in ["text", "json", "otlp"] {
        let (code, shown, _) = tail(&[path.to_str().unwrap(), "--format", format]);
        assert_eq!(code, 0);
        let hidden: Vec<_> = shown.chars().filter(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}')).collect();
        assert!(hidden.is_empty(), "{format}: {hidden:?}");
        assert_eq!(shown.lines().count(), if format == "text" { 2 } else { 1 }, "{shown}");
        if format == "otlp" {
            let again: Value = serde_json::from_str(&shown).unwrap();
            assert_eq!(again["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"]["stringValue"], evil);
        }
    }
}

pub(crate) fn ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = made(directory.path());
    let name = path.to_str().unwrap();
    // Somebody has read enough.
    let mut child = OwnChild::spawn(&mut auditrail(&["tail", "-f", name]));
    let mut output = child.stdout.take().unwrap();
    output.read_exact(&mut [0; 10]).unwrap();
    drop(output);
    let line = fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned() + "\n";
    until("it ends by itself", || {
        fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(line.as_bytes()).unwrap();
        child.try_wait().unwrap().is_some()
    });
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "");

    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"no\n").unwrap();
    let (code, shown, said) = tail(&[name]);
    assert_eq!((code, shown.lines().count()), (3, 11), "{shown}");
    assert!(said.contains("1 line(s) are not OTLP JSON"), "{said}");
    for (arguments, code, expected) in [
        (&["/nowhere/at/all"][..], 1, "cannot be read"),
        (&["/proc"], 1, "neither a file trail.jsonl nor a journal"),
        (&["/dev/null"], 1, "not a regular file"),
        (&[], 2, "no source is named"),
    ] {
        let (found, _, said) = tail(arguments);
        assert_eq!(found, code, "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}
