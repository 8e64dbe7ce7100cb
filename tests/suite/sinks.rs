//! Records go where the operator wants them: to a file, to the collector, to both, to the host's log; or nowhere, and then the
//! trail says so. What is read is what stands in the file, by serde, which shares no code with the sink.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::config::{Auditing, Environment, SinkKind};
use auditrail::journal::{Inspection, SinkName};
use auditrail::record::{EventName, Value, names};
use auditrail::trail::{Moment, TrailBuilder};
use auditrail::{Acknowledge, Call, Class, Outcome, RefusalKind, Trail, WhenFull};
use serde_json::Value as Json;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::support::{Bench, tracer};

const LONG: Duration = Duration::from_secs(120);

fn moment(number: i64) -> Moment {
    Moment::new(EventName::Context).attribute("number", number)
}

fn write(trail: &Trail, numbers: std::ops::Range<i64>) {
    for number in numbers {
        trail.record(moment(number));
    }
}

fn quiet(directory: &Path) -> TrailBuilder {
    Trail::builder("files").environment(Environment::default()).directory(directory).on_notice(|_| ())
}

#[tokio::test]
async fn a_file_is_enough() {
    let directory = tempfile::tempdir().unwrap();
    let trail = quiet(directory.path()).sinks([SinkKind::File]).start().unwrap();
    let call = trail.begin(Call::mcp("tools/call").tool("close_ticket")).await.unwrap();
    let id = call.call_id();
    call.finish(Outcome::ok()).await;
    trail.flush(LONG).await.unwrap();
    let counts = trail.counts();
    assert_eq!((counts.acknowledged, counts.delivered, counts.pending), (3, 3, 0));
    let path = trail.settings().sinks.file.as_ref().unwrap().path.clone();
    assert_eq!(path, directory.path().join("trail.jsonl"));
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    drop(trail);

    let records = records(&path);
    let told: Vec<_> = records.iter().map(|record| text(record, "auditrail.event").to_owned()).collect();
    let call_event = "auditrail.mcp.tools.call";
    assert_eq!(told, ["auditrail.lifecycle", call_event, call_event, "auditrail.lifecycle"]);
    let numbers: Vec<_> =
        records.iter().map(|record| attribute(record, "audit.sequence.number")["intValue"].clone()).collect();
    assert_eq!(numbers, ["1", "2", "3", "4"], "integers of 64 bits are strings");
    let response = &records[2];
    assert_eq!(text(response, "auditrail.call.id"), id.to_string());
    assert_eq!(text(response, "gen_ai.tool.name"), "close_ticket");
    assert_eq!(response["severityNumber"], 9);
    assert!(attribute(response, "auditrail.duration")["doubleValue"].is_f64());
    assert_eq!(text(response, "auditrail.stream.id").len(), 36);
    assert!(streams(directory.path()).is_empty(), "all is settled, and the stream is gone");
}

#[tokio::test]
async fn a_file_and_the_collector_have_the_same() {
    let bench = Bench::with(|builder| builder.sinks([SinkKind::Otlp, SinkKind::File]));
    write(&bench.trail, 0..50);
    let received = bench.all_records();
    let written = records(&bench.directory.path().join("trail.jsonl"));
    assert_eq!(received.len(), 51);
    assert_eq!(written.len(), received.len());
    for (json, record) in written.iter().zip(&received) {
        assert_eq!(json["timeUnixNano"], record.time_unix_nano.to_string());
        assert_eq!(json["observedTimeUnixNano"], record.observed_time_unix_nano.to_string());
        assert_eq!(json["eventName"], *record.event_name);
        assert_eq!(json["severityText"], *record.severity.text);
        let attributes = json["attributes"].as_array().unwrap();
        assert_eq!(attributes.len(), record.attributes.len());
        for (entry, (key, value)) in attributes.iter().zip(&record.attributes) {
            let (kind, found) = entry["value"].as_object().unwrap().iter().next().unwrap();
            let (expected, text) = match value {
                Value::Int(number) => ("intValue", number.to_string()),
                Value::Str(text) => ("stringValue", text.to_string()),
                other => panic!("{other:?}"),
            };
            assert_eq!((entry["key"].as_str().unwrap(), kind.as_str(), found), (&**key, expected, &Json::from(text)));
        }
    }
}

#[tokio::test]
async fn each_sink_goes_on_without_the_other() {
    let bench = Bench::with(|builder| builder.sinks([SinkKind::Otlp, SinkKind::File]));
    let path = bench.directory.path().join("trail.jsonl");
    bench.sunk.away.store(true, Ordering::SeqCst);
    write(&bench.trail, 0..50);
    until(|| records(&path).len() == 51).await;
    assert_eq!(bench.trail.counts().pending, 51, "the collector has none of them");
    let settled = || {
        let stat = Inspection::of(&bench.directory.path().join("journal")).unwrap().stat().unwrap();
        stat.streams[0].sinks.iter().map(|sink| (sink.sink, sink.settled)).collect::<Vec<_>>()
    };
    until(|| settled() == [(SinkName::OTLP, 0), (SinkName::FILE, 51)]).await;
    bench.sunk.away.store(false, Ordering::SeqCst);
    assert_eq!(bench.all_records().len(), 51);
    assert_eq!(records(&path).len(), 51, "once each");
    assert_eq!(bench.trail.counts().pending, 0);

    // And the other way round: the file is replaced by something that is none.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    write(&bench.trail, 50..60);
    until(|| bench.sunk.records().len() == 61).await;
    let away = format!("the file {} does not take audit records", path.display());
    until(|| bench.said().iter().any(|text| text.contains(&away))).await;
    assert_eq!(bench.trail.counts().pending, 10);
    fs::remove_dir(&path).unwrap();
    // What the trail tells of that goes there, too.
    bench.trail.flush(LONG).await.unwrap();
    let again = records(&path);
    let numbers: Vec<_> = again.iter().filter_map(|record| attribute(record, "number")["intValue"].as_str()).collect();
    assert_eq!(numbers, (50..60).map(|number| number.to_string()).collect::<Vec<_>>());
    let back = format!("the file {} takes audit records again", path.display());
    assert!(bench.said().contains(&back), "{:?}", bench.said());
}

/// The dead process shipped to the collector alone, which was away.
#[tokio::test]
async fn what_dead_processes_left_goes_to_every_sink_once() {
    let dead = Bench::new();
    dead.sunk.away.store(true, Ordering::SeqCst);
    write(&dead.trail, 0..30);
    let _open = dead.trail.begin(Call::mcp("tools/call").tool("current_weather")).await.unwrap();
    until(|| synced(dead.directory.path()) == 32).await;
    // A copy is nobody's: no process has its lock.
    let copy = Arc::new(tempfile::tempdir().unwrap());
    copy_all(dead.directory.path(), copy.path());

    let next = Bench::on(copy, |builder| builder.sinks([SinkKind::Otlp, SinkKind::File]));
    next.trail.flush(LONG).await.unwrap();
    let own = |record: &Json| {
        text(record, "auditrail.lifecycle.state") == "started"
            && attribute(record, "auditrail.stream.previous_id").is_object()
    };
    let mut written = records(&next.directory.path().join("trail.jsonl"));
    written.retain(|record| !own(record));
    assert_eq!(written.len(), 34, "32 and an answer and the end");
    let ids: BTreeMap<_, _> = written.iter().map(|record| (text(record, "audit.record.id").to_owned(), ())).collect();
    assert_eq!(ids.len(), 34, "once each");
    assert_eq!(text(&written[32], "auditrail.outcome.detail"), "interrupted");
    assert_eq!(text(&written[33], "auditrail.lifecycle.state"), "stopped");
    let received: BTreeMap<_, _> = next
        .sunk
        .records()
        .iter()
        .filter_map(|record| Some((record.text(names::AUDIT_RECORD_ID)?.to_owned(), ())))
        .filter(|(id, ())| ids.contains_key(id))
        .collect();
    assert_eq!(received, ids, "the collector has them, too");
}

#[tokio::test]
async fn remote_means_a_collector() {
    let directory = tempfile::tempdir().unwrap();
    let remote = Class { acknowledge: Acknowledge::Remote, when_full: WhenFull::Refuse, ..Class::default() };
    let builder = || quiet(directory.path()).sinks([SinkKind::File]);
    let at_start = [builder().class(remote), builder().classes([Class::default(), remote])];
    for builder in at_start {
        let error = builder.start().unwrap_err().to_string();
        assert!(error.contains("a file on this machine is not a second place"), "{error}");
    }
    // What only the hook knows.
    let trail = builder().classify(move |_| remote).start().unwrap();
    let refused = trail.begin(Call::mcp("tools/call")).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Unrecorded);
    quiet(directory.path()).sinks([SinkKind::File]).class(Class::CRITICAL).start().unwrap();
}

#[tokio::test]
async fn a_trail_that_is_switched_off_says_so_and_nothing_else() {
    let bench = Bench::with(|builder| builder.auditing(Auditing::Off));
    let call = bench.trail.begin(Call::mcp("tools/call").tool("close_ticket")).await.unwrap();
    call.finish(Outcome::ok()).await;
    bench.trail.record(moment(1));
    bench.trail.report_counts();
    let records = bench.all_records();
    let [record] = &records[..] else { panic!("{records:#?}") };
    assert_eq!(record.event_name, "auditrail.lifecycle");
    assert_eq!(record.text(names::AUDITRAIL_LIFECYCLE_STATE), Some("disabled"));
    assert_eq!(record.body.as_ref().and_then(Value::as_str), Some("lifecycle: disabled"));
    assert_eq!(record.text(names::SERVICE_NAME), Some("bench"));
    let counts = bench.trail.counts();
    assert_eq!((counts.emitted, counts.acknowledged, counts.refused, counts.delivered), (1, 1, 0, 1));
    let said = bench.said();
    assert!(said[0].contains("AUDITRAIL_DISABLED"), "{said:?}");
    assert!(said.iter().all(|text| !text.contains("left out")), "{said:?}");
    let Bench { trail, sunk, directory, .. } = bench;
    drop(trail);
    assert_eq!(sunk.records().len(), 1, "it is the last");
    assert!(streams(directory.path()).is_empty(), "and nobody has to end the stream");
}

/// The switch is about what happens from now on.
#[tokio::test]
async fn what_waits_in_the_journal_is_shipped_where_auditing_is_off() {
    let dead = Bench::new();
    dead.sunk.away.store(true, Ordering::SeqCst);
    write(&dead.trail, 0..30);
    until(|| synced(dead.directory.path()) == 31).await;
    let copy = Arc::new(tempfile::tempdir().unwrap());
    copy_all(dead.directory.path(), copy.path());

    let off = Bench::on(copy, |builder| builder.sinks([SinkKind::Otlp, SinkKind::File]).auditing(Auditing::Off));
    write(&off.trail, 100..130);
    off.trail.flush(LONG).await.unwrap();
    let wanted: Vec<_> = (0..30).map(|number: i64| number.to_string()).collect();
    let written = records(&off.directory.path().join("trail.jsonl"));
    let numbers = |record: &Json| attribute(record, "number")["intValue"].as_str().map(str::to_owned);
    assert_eq!(written.iter().filter_map(numbers).collect::<Vec<_>>(), wanted);
    let received = off.sunk.records();
    let numbers: Vec<_> = received.iter().filter_map(|record| record.get("number")).collect();
    assert_eq!(numbers, (0..30).map(Value::Int).collect::<Vec<_>>().iter().collect::<Vec<_>>());
}

/// Nobody is sent to look at records that there are not.
#[tokio::test]
async fn unverified_actors_are_no_alarm_where_auditing_is_off() {
    let alarm = auditrail::identity::UnverifiedAlarm::new(0.5, 4);
    let expired = || Some(auditrail::Actor::unknown(auditrail::identity::UnverifiedReason::Expired));
    for (auditing, alarms) in [(Auditing::On, 1), (Auditing::Off, 0), (Auditing::OffForAll, 0)] {
        let bench = Bench::with(|builder| builder.auditing(auditing).actor(move |_| expired()).unverified_alarm(alarm));
        for _ in 0..20 {
            bench.trail.begin(Call::mcp("tools/call")).await.unwrap().finish(Outcome::ok()).await;
        }
        let records = bench.all_records();
        let told = records.iter().filter(|record| record.text(names::ERROR_TYPE) == Some("actors_unverified")).count();
        assert_eq!(told, alarms, "{auditing:?}");
        let said = bench.said().iter().filter(|said| said.contains("of the last 4 calls")).count();
        assert_eq!(said, alarms, "{auditing:?}");
        assert!(auditing == Auditing::On || records.len() == 1, "{auditing:?}: {records:#?}");
    }
}

#[tokio::test]
async fn events_that_may_go_unrecorded_are_no_error_where_auditing_is_off() {
    let builds = |auditing| Bench::with(move |builder| builder.auditing(auditing));
    let critical = || moment(1).class(Class::CRITICAL);
    let off = builds(Auditing::Off);
    off.trail.record_durably(moment(1)).await.unwrap();
    let error = off.trail.record_durably(critical()).await.unwrap_err().to_string();
    assert!(error.contains("auditing is switched off"), "{error}");
    let off_for_all = builds(Auditing::OffForAll);
    off_for_all.trail.record_durably(critical()).await.unwrap();
    assert_eq!((off.all_records().len(), off_for_all.all_records().len()), (1, 1));
}

#[tokio::test]
async fn calls_that_must_not_run_unrecorded_do_not_run_unless_all_may() {
    let directory = tempfile::tempdir().unwrap();
    let builder = |value: &str| {
        let environment = Environment::from_iter([("AUDITRAIL_DISABLED", value), ("AUDITRAIL_SINK", "file")]);
        quiet(directory.path()).environment(environment)
    };
    let waits = Class { when_full: WhenFull::Wait, ..Class::default() };
    for class in [Class::CRITICAL, waits] {
        let error = builder("true").class(class).start().unwrap_err().to_string();
        assert!(error.contains("AUDITRAIL_DISABLED=\"true\"") && error.contains("set all"), "{error}");
        assert!(builder("TRUE").classes([class]).start().is_err());
        let trail = builder("true").classify(move |_| class).start().unwrap();
        let refused = trail.begin(Call::mcp("tools/call")).await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Unrecorded);
        let trail = builder("all").class(class).classify(move |_| class).start().unwrap();
        trail.begin(Call::mcp("tools/call")).await.unwrap().finish(Outcome::ok()).await;
    }
    assert!(builder("no").start().unwrap_err().to_string().contains("set true, all or false"));
    builder("false").class(Class::CRITICAL).start().unwrap();
}

/// Who may call does not depend on who writes it down.
#[tokio::test]
async fn a_denied_call_is_denied_where_auditing_is_off() {
    let deny = |_: &Call| auditrail::Decision::Deny { reason: "no".into(), rule: None };
    let bench = Bench::with(|builder| builder.auditing(Auditing::OffForAll).authorize(deny));
    let refused = bench.trail.begin(Call::mcp("tools/call")).await.unwrap_err();
    assert_eq!(refused.kind, RefusalKind::Denied);
    assert_eq!(bench.all_records().len(), 1);
}

#[tokio::test]
async fn the_hosts_log_has_copies_that_never_come_back() {
    let (tracer, spans) = tracer();
    let heard = Heard::default();
    let otel = tracing_opentelemetry::layer().with_tracer(tracer);
    // The trail starts inside the subscriber of this test, which other threads do not have.
    let base = tracing_subscriber::registry().with(heard.clone());
    let guard = tracing::subscriber::set_default(base.with(otel));
    let bench = Bench::with(|builder| builder.sinks([SinkKind::Otlp, SinkKind::Log]));
    let inner =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(heard.clone()).with(bench.trail.layer()));
    let call = bench.trail.begin(Call::mcp("tools/call").tool("close_ticket")).await.unwrap();
    call.finish(Outcome::of(auditrail::record::Detail::ToolError)).await;
    let records = bench.all_records();
    until(|| heard.0.lock().unwrap().len() >= 3).await;
    drop((inner, guard));
    assert_eq!(records.len(), 3, "a copy is not recorded again: {records:#?}");
    let heard = heard.0.lock().unwrap();
    assert_eq!(heard.len(), 3, "{heard:#?}");
    for (event, record) in heard.iter().zip(&records) {
        assert_eq!(event["record_id"], record.text(names::AUDIT_RECORD_ID).unwrap());
        assert_eq!(event["message"], record.body.as_ref().and_then(Value::as_str).unwrap());
        assert!(!event.contains_key("span"), "{event:?}");
    }
    assert_eq!((&*heard[2]["tool"], &*heard[2]["outcome"], &*heard[2]["level"]), ("close_ticket", "failure", "ERROR"));
    assert_eq!(heard[2]["number"], "3");
    assert!(spans.all().iter().all(|span| span.events.iter().all(|event| !event.name.contains("close_ticket: "))));
}

/// What the log layer of a host sees of copies.
#[derive(Debug, Clone, Default)]
struct Heard(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

impl<S: tracing::Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() != "auditrail::record" {
            return;
        }
        let mut fields = BTreeMap::from([("level".to_owned(), event.metadata().level().to_string())]);
        if !event.is_root() {
            fields.insert("span".into(), String::new());
        }
        event.record(&mut Fields(&mut fields));
        self.0.lock().unwrap().push(fields);
    }
}

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }
}

#[test]
fn a_mistake_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    for (variables, expected) in [
        (&[("AUDITRAIL_SINK", "stdout")][..], "belongs to MCP over stdio"),
        (
            &[("AUDITRAIL_SINK", "otlp,fiel")],
            "entry 2: there is no such sink; set one or more of otlp, file, stderr and log",
        ),
        (&[("AUDITRAIL_SINK", "log")], "log is only a copy"),
        (&[("AUDITRAIL_SINK", ",")], "no sink is named"),
        (&[("AUDITRAIL_FILE", "/tmp/x")], "no sink is a file; set AUDITRAIL_SINK to file"),
        (&[("AUDITRAIL_SINK", "stderr"), ("AUDITRAIL_FILE_KEEP", "3")], "no sink is a file"),
        (&[("AUDITRAIL_SINK", "file"), ("AUDITRAIL_FILE", "relative")], "not an absolute path"),
        (&[("AUDITRAIL_SINK", "file"), ("AUDITRAIL_FILE", "/")], "does not name a file"),
        (&[("AUDITRAIL_SINK", "file"), ("AUDITRAIL_FILE_MAX_BYTES", "1000")], "set at least 1048576"),
        (&[("AUDITRAIL_SINK", "file"), ("AUDITRAIL_FILE_KEEP", "0")], "set 1 to 10000"),
        (&[("AUDITRAIL_SINK", "file"), ("AUDITRAIL_FILE", "/dev/null")], "not a regular file"),
        (&[("AUDITRAIL_SINK", "file"), ("AUDITRAIL_FILE", "/proc/self/fd/1")], "symbolic link"),
    ] {
        let environment = Environment::from_iter(variables.iter().copied());
        let error = quiet(directory.path()).environment(environment).start().unwrap_err().to_string();
        assert!(error.contains(expected), "{variables:?}: {error}");
    }
    assert!(!directory.path().join("journal").exists(), "no attempt leaves a stream");
}

fn records(path: &Path) -> Vec<Json> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let record = |line: &str| {
        let line: Json = serde_json::from_str(line).unwrap();
        assert_eq!(line["resourceLogs"][0]["scopeLogs"][0]["scope"]["name"], "auditrail");
        let resource = line["resourceLogs"][0]["resource"]["attributes"].as_array().unwrap();
        assert!(resource.iter().any(|entry| entry["key"] == "service.name"));
        line["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0].clone()
    };
    lines.map(record).collect()
}

fn attribute<'a>(record: &'a Json, name: &str) -> &'a Json {
    let entry = record["attributes"].as_array().unwrap().iter().find(|entry| entry["key"] == name);
    entry.map_or(&Json::Null, |entry| &entry["value"])
}

fn text<'a>(record: &'a Json, name: &str) -> &'a str {
    attribute(record, name)["stringValue"].as_str().unwrap_or("")
}

fn streams(directory: &Path) -> Vec<PathBuf> {
    let streams = fs::read_dir(directory.join("journal/streams")).unwrap();
    streams.map(|entry| entry.unwrap().path()).collect()
}

/// The last number that a crash would leave in the only stream.
fn synced(directory: &Path) -> u64 {
    let stat = Inspection::of(&directory.join("journal")).unwrap().stat().unwrap();
    stat.streams[0].next - 1
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => {
                fs::create_dir(&to).unwrap();
                copy_all(&entry.path(), &to);
            }
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}

async fn until(is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, wait).await.expect("it takes no two minutes");
}
