//! Acknowledged records survive the process, however it ends: the next process of the service sends them with the
//! stream, the numbers, the ids and the Resource of the dead process, and answers the calls that it left open. Row
//! 18, and 17b from the sink's side.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "a test stops at what it did not expect; the helpers are shared; children speak by their output"
)]

#[path = "support/faulty_sink.rs"]
mod faulty_sink;
#[path = "suite/server.rs"]
mod server;
#[path = "suite/support.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use auditrail::Trail;
use auditrail::journal::{Append, BatchLimits, HEADER, Journal, JournalOptions, Kind, orphans};
use auditrail::policy::{Level, Policy, Rule};
use auditrail::record::{EventName, Record, Severity, Value, names};
use auditrail::ship::{encode_resource, encode_scope};
use auditrail::trail::{Call, Moment};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use self::faulty_sink::{FaultySink, Reply, Wire};
use self::server::{Everything, call, connect};
use self::support::{Bench, ending};

/// Far beyond what anything here takes; only there so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// Row 18: SIGTERM with 1 s budget.
#[tokio::test]
async fn at_sigterm_with_a_dead_collector_the_records_wait_for_the_next_process() {
    let mut session = Session::start(&nobody()).await;
    session.call(2, "ok").await;
    assert!(session.answer(2).await["error"].is_null());
    session.signal("-TERM").await;
    session.ended_well_and_left(&[("ok", "ok")]).await;
}

/// Row 18: stdin EOF.
#[tokio::test]
async fn at_the_end_of_standard_input_with_a_dead_collector_they_do_too() {
    let mut session = Session::start(&nobody()).await;
    session.call(2, "fails").await;
    assert_eq!(session.answer(2).await["result"]["isError"], true);
    session.input = None;
    session.ended_well_and_left(&[("fails", "tool_error")]).await;
}

/// Row 18: panic in a handler.
#[tokio::test]
async fn after_a_panic_in_a_handler_they_do_too_and_other_calls_are_answered() {
    let mut session = Session::start(&nobody()).await;
    session.call(2, "panics").await;
    session.call(3, "ok").await;
    assert!(session.answer(3).await["error"].is_null());
    session.signal("-TERM").await;
    session.ended_well_and_left(&[("ok", "ok"), ("panics", "panic")]).await;
}

/// Row 18: runtime dropped before the guard.
#[test]
fn when_the_runtime_is_dropped_before_the_trail_the_open_call_is_over_and_nothing_is_missing() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let first = Bench::on(directory.clone(), |builder| builder.flush_timeout(Duration::from_millis(50)));
    first.sunk.away.store(true, SeqCst);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let server = Everything::default();
        let client = connect(&first.trail, server.clone()).await;
        call(&client, "ok").await.expect("the answer is what it is");
        tokio::spawn(async move { call(&client, "slow").await });
        server.begun.notified().await;
    });
    drop(runtime);
    drop(first);
    let left = peek(directory.path());
    let second = Bench::on(directory, |builder| builder);
    let records = second.all_records();
    let of_first = of_stream(&records, &left.stream);
    assert_eq!(ids(&of_first), left.ids);
    assert_eq!(endings(&of_first, "slow").len(), 2, "both halves: {:?}", endings(&of_first, "slow"));
    assert_eq!(endings(&of_first, "ok"), ["", "ok"]);
    assert_eq!(state(of_first.last().unwrap()), ("stopped", ""));
}

#[tokio::test]
async fn a_call_that_kill_9_left_open_is_answered_by_the_next_process_in_the_name_of_the_dead_one() {
    let mut session = Session::start(&nobody()).await;
    session.call(2, "ok").await;
    session.answer(2).await;
    session.call(3, "slow").await;
    session.hears("begun").await;
    session.server.kill().await.unwrap();

    let revived = Bench::on(session.directory.clone(), |builder| builder);
    let records = revived.all_records();
    let started = records.iter().find(|record| record.get(names::AUDITRAIL_STREAM_PREVIOUS_ID).is_some()).unwrap();
    let dead = started.text(names::AUDITRAIL_STREAM_PREVIOUS_ID).unwrap();
    assert_eq!(state(started), ("started", ""));
    assert_ne!(stream(started), dead);

    let of_dead = of_stream(&records, dead);
    let numbers: Vec<_> = of_dead.iter().map(|record| number(record)).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "all of them, in order");
    assert_eq!(state(of_dead[0]), ("started", ""));
    assert_eq!(state(of_dead.last().unwrap()), ("stopped", "interrupted"));
    assert_eq!(endings(&of_dead, "ok"), ["", "ok"]);
    let [request, response] = tool(&of_dead, "slow")[..] else { panic!("{of_dead:?}") };
    assert_eq!((ending(request).0, ending(response)), ("request", ("response", "unknown", "interrupted")));
    assert_eq!(response.text(names::AUDITRAIL_CALL_ID), request.text(names::AUDITRAIL_CALL_ID));
    assert_ne!(response.text(names::AUDIT_RECORD_ID), request.text(names::AUDIT_RECORD_ID));
    assert!(request.trace_id.is_some());
    assert_eq!((response.trace_id, response.span_id), (request.trace_id, request.span_id));
    assert_eq!(response.text(names::AUDITRAIL_CLIENT_NAME), request.text(names::AUDITRAIL_CLIENT_NAME));

    let resources = resources(&revived);
    assert_eq!(resources[dead], "of the dead", "the Resource is that of the process that died");
    assert_ne!(resources[stream(started)], "of the dead");
    let said = revived.said();
    assert!(said.iter().any(|text| text.contains("1 earlier process(es) were found in the journal")), "{said:?}");
    assert!(orphans(&JournalOptions::new(session.directory.path().join("journal"))).unwrap().is_empty(), "once");
}

/// What a policy decides by the outcome is an intent until then. A process that dies leaves nobody who decides, so the evidence
/// stays; calls that had ended are what the policy made of them.
#[tokio::test]
async fn a_call_that_was_an_intent_at_kill_9_gets_its_request_record_and_an_interrupted_answer() {
    let mut session = Session::start_as("child_that_serves_by_policy", &nobody()).await;
    for id in 2..20 {
        session.call(id, "ok").await;
        session.answer(id).await;
    }
    session.call(20, "fails").await;
    session.answer(20).await;
    session.call(21, "slow").await;
    session.hears("begun").await;
    session.server.kill().await.unwrap();

    let revived = Bench::on(session.directory.clone(), |builder| builder);
    let records = revived.all_records();
    let dead = stream(tool(&records.iter().collect::<Vec<_>>(), "slow")[0]);
    let of_dead = of_stream(&records, dead);
    let numbers: Vec<_> = of_dead.iter().map(|record| number(record)).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "an intent takes no number");
    let slow = tool(&of_dead, "slow");
    let [request, response] = slow[..] else { panic!("{slow:#?}") };
    assert_eq!((ending(request).0, ending(response)), ("request", ("response", "unknown", "interrupted")));
    assert_eq!(response.text(names::AUDITRAIL_CALL_ID), request.text(names::AUDITRAIL_CALL_ID));
    assert!(request.time_unix_nano <= response.time_unix_nano);
    assert!(slow.iter().all(|record| record.get("auditrail.intent").is_none()), "{slow:#?}");
    assert_eq!(endings(&of_dead, "fails"), ["", "tool_error"]);
    assert_eq!(endings(&of_dead, "ok"), [""; 0], "they succeeded, and the policy leaves that out");
    assert_eq!(state(of_dead.last().unwrap()), ("stopped", "interrupted"));
}

/// Whatever had become of an intent when the process died, also if it had been carried to another segment.
#[test]
fn an_intent_is_kept_answered_or_gone_as_the_dead_process_left_it() {
    for is_carried in [false, true] {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let mut options = JournalOptions::new(directory.path().join("journal"));
        options.resource = encode_resource(&[("service.instance.id".into(), "of the dead".into())]);
        options.scope = encode_scope();
        options.segment_bytes = Some(512 << 10);
        let opened = Journal::open(options).unwrap();
        let (journal, dead) = (opened.journal.clone(), opened.journal.stream().to_string());
        let frame_of = |tool: &str, end: &[u8]| {
            let mut frame = vec![0; HEADER];
            request_of(tool).encode(&mut frame);
            frame.extend_from_slice(end);
            frame
        };
        let moments = || {
            // More than a segment.
            for _ in 0..if is_carried { 60 } else { 0 } {
                let mut long = request_of("filler");
                long.body = Some(Value::from("x".repeat(20_000)));
                let mut frame = vec![0; HEADER];
                long.encode(&mut frame);
                journal.append(Append::MOMENT, &mut frame).unwrap();
            }
        };
        let intend = |tool: &str| journal.append(Append::INTENT, &mut frame_of(tool, MARK)).unwrap();
        let [open, requested, withdrawn, answered] = ["open", "requested", "withdrawn", "answered"].map(intend);
        assert!([open, requested, withdrawn, answered].iter().all(|intent| intent.sequence == 0));
        moments();
        journal.append(Append::request_of(requested.call.unwrap()), &mut frame_of("requested", &[])).unwrap();
        let mut nothing = vec![0; HEADER + 1];
        journal.append(Append::withdrawal(withdrawn.call.unwrap()), &mut nothing).unwrap();
        journal.append(Append::response(answered.call), &mut frame_of("answered", &[])).unwrap();
        assert_eq!(journal.usage().open_calls, 2);
        moments();
        let segments = std::fs::read_dir(directory.path().join(format!("journal/streams/{dead}"))).unwrap();
        let segments =
            segments.filter(|file| file.as_ref().unwrap().path().extension() == Some("seg".as_ref())).count();
        assert_eq!(segments > 3, is_carried, "{segments} segments");
        drop((journal, opened));

        let bench = Bench::on(directory, |builder| builder);
        let records = bench.all_records();
        let of_dead = of_stream(&records, &dead);
        let ends = |name: &str| tool(&of_dead, name).into_iter().map(ending).collect::<Vec<_>>();
        let interrupted = ("response", "unknown", "interrupted");
        assert_eq!(ends("open"), [("request", "unknown", ""), interrupted], "carried: {is_carried}");
        assert_eq!(ends("requested"), [("request", "unknown", ""), interrupted], "carried: {is_carried}");
        assert_eq!(ends("withdrawn"), [], "carried: {is_carried}");
        assert_eq!(ends("answered"), [("request", "unknown", "")], "what stood for its answer, carried: {is_carried}");
        let numbers: Vec<_> = of_dead.iter().map(|record| number(record)).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "carried: {is_carried}");
        let kept = tool(&of_dead, "open")[0];
        let (mut sent, mut written) = (kept.clone(), request_of("open"));
        let shipped = [names::AUDIT_SEQUENCE_NUMBER, names::AUDITRAIL_STREAM_ID];
        sent.attributes.retain(|(key, _)| !shipped.contains(&key.as_ref()));
        written.attributes.retain(|(key, _)| !shipped.contains(&key.as_ref()));
        assert_eq!(sent, written, "as it was encoded");
    }
}

/// The request record of a call of that tool.
fn request_of(tool: &str) -> Record {
    let text = |key: &'static str, value: &str| (key.into(), Value::from(value.to_owned()));
    Record {
        time_unix_nano: 1_796_000_000_000_000_000,
        observed_time_unix_nano: 1_796_000_000_000_000_000,
        event_name: "auditrail.mcp.tools.call".into(),
        severity: Severity::INFO,
        body: Some(Value::from(format!("tools/call {tool}"))),
        attributes: vec![
            text(names::AUDIT_RECORD_ID, &format!("01900000-0000-7000-8000-{:0>12x}", tool.len())),
            text(names::AUDITRAIL_PHASE, "request"),
            text(names::AUDIT_OUTCOME, "unknown"),
            text(names::GEN_AI_TOOL_NAME, tool),
        ],
        dropped_attributes_count: 0,
        flags: 0,
        trace_id: None,
        span_id: None,
    }
}

/// The attribute `auditrail.intent` = true behind a record (`docs/format.md`): field 6, a key and a bool.
const MARK: &[u8] = b"\x32\x16\x0a\x10auditrail.intent\x12\x02\x10\x01";

/// What a proxy of a later version writes before it passes a call on.
#[test]
fn an_intent_that_nobody_answered_is_answered_too() {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let mut options = JournalOptions::new(directory.path().join("journal"));
    options.resource = encode_resource(&[("service.instance.id".into(), "of the dead".into())]);
    options.scope = encode_scope();
    let opened = Journal::open(options).unwrap();
    let dead = opened.journal.stream().to_string();
    // The request of some other trail, as it stands in a record.
    let other = Bench::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let begun = runtime.block_on(other.trail.begin(Call::mcp("tools/call").tool("intended"))).unwrap();
    let call_id = begun.call_id().to_string();
    let mut request =
        other.records().into_iter().find(|record| record.event_name == "auditrail.mcp.tools.call").unwrap();
    let ours = [names::AUDIT_SEQUENCE_NUMBER, names::AUDITRAIL_STREAM_ID];
    request.attributes.retain(|(key, _)| !ours.contains(&key.as_ref()));
    let mut frame = vec![0; HEADER];
    request.encode(&mut frame);
    opened.journal.append(Append { kind: Kind::Intent, ..Append::REQUEST }, &mut frame).unwrap();
    drop(opened);

    let bench = Bench::on(directory, |builder| builder);
    let records = bench.all_records();
    let of_dead = of_stream(&records, &dead);
    assert_eq!(of_dead.len(), 2, "the answer and the end: {of_dead:?}");
    assert_eq!(ending(of_dead[0]), ("response", "unknown", "interrupted"));
    assert_eq!(of_dead[0].text(names::AUDITRAIL_CALL_ID), Some(call_id.as_str()));
    assert_eq!(of_dead[0].text(names::GEN_AI_TOOL_NAME), Some("intended"));
    assert_eq!(state(of_dead[1]), ("stopped", "interrupted"));
    assert_eq!(resources(&bench)[&dead], "of the dead");
}

/// Row 17b with a process that dies: whatever was acknowledged arrives, and no number ever means two records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_after_half_was_shipped_loses_nothing_and_uses_no_number_twice() {
    for round in 0..5_usize {
        // Some requests are taken, then nobody is there, so that some of the stream is shipped and some is not.
        let sink =
            FaultySink::start(
                Wire::Open,
                move |_, nth| {
                    if nth < 1 + round || nth > 20 { Reply::Take } else { Reply::Unavailable }
                },
            )
            .await;
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let mut child = child("child_that_records", &directory, &sink.endpoint());
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = Vec::new();
        let mut nothing_taken = true;
        while acknowledged.len() < 2000 + 500 * round || nothing_taken {
            if acknowledged.len() % 100 == 0 {
                nothing_taken = sink.taken().is_empty();
            }
            let line = output.next_line().await.unwrap().expect("it goes on until it is killed");
            acknowledged.extend(line.strip_prefix("recorded ").map(ToOwned::to_owned));
        }
        child.kill().await.unwrap();
        while let Ok(Some(line)) = output.next_line().await {
            // A line may be torn, and then nobody was told.
            acknowledged.extend(line.strip_prefix("recorded ").filter(|id| id.len() == 36).map(ToOwned::to_owned));
        }
        let before: BTreeSet<String> = sink.taken().into_iter().collect();

        let trail = Trail::builder("weather").directory(directory.path()).endpoint(sink.endpoint());
        let trail = trail.on_notice(|_| ()).start().unwrap();
        while trail.flush(Duration::from_millis(200)).await.is_err() {}
        let taken = sink.arrived().into_iter().filter(|arrived| arrived.reply == Reply::Take);
        let mut records = BTreeMap::<(String, i64), BTreeSet<String>>::new();
        for arrived in taken {
            let stream = arrived.streams.first().unwrap().clone();
            for (number, id) in arrived.numbers.iter().zip(arrived.ids) {
                records.entry((stream.clone(), *number)).or_default().insert(id);
            }
        }
        assert!(records.values().all(|ids| ids.len() == 1), "round {round}: no number means two records");
        let ids: Vec<&String> = records.values().flatten().collect();
        let unique: BTreeSet<&String> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "round {round}: no record has two numbers");
        assert!(acknowledged.iter().all(|id| unique.contains(id)), "round {round}");
        assert!(!before.is_empty() && before.len() < unique.len(), "round {round}: {} before", before.len());
    }
}

/// An MCP server on standard input and output, as a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of the tests above"]
async fn child_that_serves() {
    let trail = Trail::builder("weather").resource("service.instance.id", "of the dead").start().unwrap();
    let _telemetry = trail.install_tracing().unwrap();
    let server = Everything::default();
    let begun = server.begun.clone();
    tokio::spawn(async move {
        begun.notified().await;
        eprintln!("begun");
    });
    trail.serve_stdio(server).await.unwrap();
}

/// As above, and the policy leaves out what succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of the tests above"]
async fn child_that_serves_by_policy() {
    let good = Rule::named("good").tool("*").outcome("success").level(Level::None);
    let policy = Policy::builder().rule(good).build().unwrap();
    let builder = Trail::builder("weather").resource("service.instance.id", "of the dead").policy(policy);
    let trail = builder.start().unwrap();
    let _telemetry = trail.install_tracing().unwrap();
    let server = Everything::default();
    let begun = server.begun.clone();
    tokio::spawn(async move {
        begun.notified().await;
        eprintln!("begun");
    });
    trail.serve_stdio(server).await.unwrap();
}

/// Says what was acknowledged, until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of the tests above"]
async fn child_that_records() {
    let trail = Trail::builder("weather").on_notice(|_| ()).start().unwrap();
    let mut refused = 0;
    loop {
        let id = trail.record(Moment::new(EventName::Context));
        // It writes as fast as it can; what a slow disk makes it refuse was not acknowledged.
        if std::mem::replace(&mut refused, trail.counts().refused) == refused {
            println!("recorded {id}");
        }
    }
}

fn child(name: &str, directory: &TempDir, endpoint: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--ignored", "--nocapture"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("AUDITRAIL_DIR", directory.path())
        .env("AUDITRAIL_FLUSH_TIMEOUT", "1000")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// An endpoint at which nobody listens.
fn nobody() -> String {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}")
}

/// A client of a server that is a process.
struct Session {
    server: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    directory: Arc<TempDir>,
}

impl Session {
    async fn start(endpoint: &str) -> Self {
        Self::start_as("child_that_serves", endpoint).await
    }

    async fn start_as(name: &str, endpoint: &str) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let mut server = child(name, &directory, endpoint);
        let (input, output) = (server.stdin.take(), server.stdout.take().unwrap());
        let mut session = Self { server, input, output: BufReader::new(output).lines(), directory };
        let client = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
        session.send(json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client })).await;
        assert!(session.answer(1).await["error"].is_null());
        session.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        session
    }

    async fn send(&mut self, message: serde_json::Value) {
        self.input.as_mut().unwrap().write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn call(&mut self, id: u64, tool: &str) {
        let call = json!({ "name": tool, "arguments": {} });
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": call })).await;
    }

    /// The answer to that request; what the test runner of the child prints is passed over.
    async fn answer(&mut self, id: u64) -> serde_json::Value {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await.expect("in time").unwrap();
            let line = line.expect("an answer");
            let Some(begin) = line.find('{') else { continue };
            let message: serde_json::Value = serde_json::from_str(&line[begin..]).unwrap();
            if message["id"] == id {
                return message;
            }
        }
    }

    async fn hears(&mut self, word: &str) {
        let mut lines = BufReader::new(self.server.stderr.as_mut().unwrap()).lines();
        while lines.next_line().await.unwrap().expect(word) != word {}
    }

    async fn signal(&self, signal: &str) {
        let pid = self.server.id().unwrap().to_string();
        assert!(Command::new("sh").args(["-c", "kill \"$@\"", "kill", signal, &pid]).status().await.unwrap().success());
    }

    /// The process ends by itself; all that it acknowledged arrives from the next one, once, as it was.
    async fn ended_well_and_left(mut self, calls: &[(&str, &str)]) {
        let status = tokio::time::timeout(PATIENCE, self.server.wait()).await.expect("it ends by itself").unwrap();
        let mut said = String::new();
        self.server.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        assert!(status.success(), "{status}: {said}");
        let left = peek(self.directory.path());
        let announced = format!("{} audit record(s) were not delivered within 1s", left.ids.len());
        assert!(said.contains(&announced), "{announced}: {said}");

        let revived = Bench::on(self.directory.clone(), |builder| builder);
        let records = revived.all_records();
        let of_dead = of_stream(&records, &left.stream);
        assert_eq!(ids(&of_dead), left.ids, "exactly these, in order");
        for (name, detail) in calls {
            assert_eq!(endings(&of_dead, name), ["", *detail], "{name}");
        }
        assert_eq!(state(of_dead.last().unwrap()), ("stopped", ""), "it ended as it should");
        assert_eq!(resources(&revived)[&left.stream], "of the dead");
        let started = records.iter().find(|record| stream(record) != left.stream).unwrap();
        assert_eq!(started.text(names::AUDITRAIL_STREAM_PREVIOUS_ID), Some(left.stream.as_str()));
    }
}

/// What stands in the journal.
struct Left {
    stream: String,
    ids: Vec<String>,
}

/// Reads the one stream in a directory, which has ended, and leaves it as it is.
fn peek(directory: &Path) -> Left {
    let options = JournalOptions::new(directory.join("journal"));
    let [orphan] = <[_; 1]>::try_from(orphans(&options).unwrap()).expect("one stream");
    let stream = orphan.stream().to_string();
    let mut adopted = orphan.adopt(&options).unwrap().unwrap();
    assert!(!adopted.needs_end && adopted.open.is_empty());
    let mut ids = Vec::new();
    while let Some(batch) = adopted.reader.next(BatchLimits { records: 100, bytes: 1 << 20 }) {
        let records = batch.entries.iter().map(|entry| Record::decode(&entry.record).unwrap());
        ids.extend(records.map(|record| record.text(names::AUDIT_RECORD_ID).unwrap().to_owned()));
    }
    Left { stream, ids }
}

fn of_stream<'a>(records: &'a [Record], id: &str) -> Vec<&'a Record> {
    records.iter().filter(|record| stream(record) == id).collect()
}

fn stream(record: &Record) -> &str {
    record.text(names::AUDITRAIL_STREAM_ID).unwrap()
}

fn number(record: &Record) -> u64 {
    match record.get(names::AUDIT_SEQUENCE_NUMBER) {
        Some(Value::Int(number)) => u64::try_from(*number).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn ids(records: &[&Record]) -> Vec<String> {
    records.iter().map(|record| record.text(names::AUDIT_RECORD_ID).unwrap().to_owned()).collect()
}

fn tool<'a>(records: &[&'a Record], name: &str) -> Vec<&'a Record> {
    records.iter().copied().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(name)).collect()
}

fn endings<'a>(records: &[&'a Record], name: &str) -> Vec<&'a str> {
    tool(records, name).into_iter().map(|record| ending(record).2).collect()
}

/// State and error of a lifecycle record.
fn state(record: &Record) -> (&str, &str) {
    let text = |name| record.text(name).unwrap_or_default();
    (text(names::AUDITRAIL_LIFECYCLE_STATE), text(names::ERROR_TYPE))
}

/// `service.instance.id` of the Resource of each stream.
fn resources(bench: &Bench) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for resource_logs in bench.sunk.requests().into_iter().flat_map(|request| request.resource_logs) {
        let attributes = resource_logs.resource.unwrap().attributes;
        let instance = attributes.into_iter().find(|attribute| attribute.key == "service.instance.id").unwrap();
        let Some(opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue(instance)) =
            instance.value.unwrap().value
        else {
            panic!("no text")
        };
        let records = resource_logs.scope_logs.into_iter().flat_map(|scope| scope.log_records);
        for record in records {
            let stream = stream(&Record::from_proto(record).unwrap()).to_owned();
            assert_eq!(all.entry(stream).or_insert_with(|| instance.clone()), &instance);
        }
    }
    all
}
