//! Promises "Acknowledged means", "Disk full" and "Fail closed": a call goes on when its records are as safe as its
//! class asks. If they cannot be, exactly that happens which its class says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    unreachable_pub,
    missing_docs,
    missing_debug_implementations,
    reason = "a test stops at what it did not expect; the helpers are shared"
)]

#[path = "support/faulty_fs.rs"]
mod faulty_fs;
#[path = "suite/server.rs"]
mod server;
#[path = "suite/support.rs"]
mod support;

use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::config::{NoticeLevel, OtlpSettings};
use auditrail::record::{Clock as _, Outcome, Record, SystemClock, Value, names};
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};
use auditrail::trail::{Acknowledge, Call, Class, RefusalKind, Refused, TrailBuilder, WhenFull};
use bytes::Bytes;

use self::faulty_fs::FaultyFs;
use self::server::{Everything, View, call, connect_as};
use self::support::{Bench, ending};

/// Far beyond what anything here takes.
const LONG: Duration = Duration::from_secs(120);
const SHORT: Duration = Duration::from_millis(50);

const REFUSE: Class = class(Acknowledge::Written, WhenFull::Refuse, LONG);
const SYNCED: Class = class(Acknowledge::Synced, WhenFull::Refuse, LONG);
const REMOTE: Class = class(Acknowledge::Remote, WhenFull::Refuse, LONG);

const fn class(acknowledge: Acknowledge, when_full: WhenFull, deadline: Duration) -> Class {
    Class { acknowledge, when_full, deadline, ..Class::CRITICAL }
}

/// Each of these, with the wrapper alone and behind a tap.
macro_rules! from_each_view {
    ($($test:ident)*) => {
        mod wrapper {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(crate::server::View::Wrapper).await;
                }
            )*
        }

        mod behind_a_tap {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test(crate::server::View::Both).await;
                }
            )*
        }
    };
}

from_each_view! {
    a_call_that_must_not_run_unrecorded_is_refused_when_the_journal_is_full_and_told_later
    a_call_that_waits_runs_as_soon_as_there_is_room
    a_call_that_waits_is_refused_at_its_deadline
    syncs_that_keep_failing_refuse_what_must_be_durable_and_nothing_else
}

async fn a_call_that_must_not_run_unrecorded_is_refused_when_the_journal_is_full_and_told_later(view: View) {
    let before = SystemClock.unix_nano();
    let bench = Bench::with(|builder| classified(builder, "slow", REFUSE));
    let client = connect_as(view, &bench.trail, Everything::default()).await;
    fill(&bench).await;

    // If it ran, it would wait for ever.
    let rmcp::ServiceError::McpError(error) = call(&client, "slow").await.unwrap_err() else { panic!("no answer") };
    assert_eq!(i64::from(error.code.0), Refused::UNRECORDED_CODE);
    assert_eq!(error.code.0, -32044);
    assert!(error.message.starts_with("call refused: it cannot be audited now"), "{}", error.message);
    let call_id = error.data.unwrap()["auditrail.call.id"].as_str().unwrap().to_owned();
    call(&client, "ok").await.expect("a call of the default class goes on");
    let refused = bench.trail.counts().refused;
    let after = SystemClock.unix_nano();

    bench.sunk.away.store(false, SeqCst);
    let records = bench.records();
    assert!(of(&records, "slow").is_empty());
    assert!(!records.iter().any(|record| record.text(names::AUDITRAIL_CALL_ID) == Some(&call_id)));
    let gaps: Vec<_> = records.iter().filter(|record| record.event_name == "auditrail.gap").collect();
    let count = |cause| gaps.iter().filter(|gap| is(gap, cause)).map(|gap| int(gap, names::AUDITRAIL_GAP_COUNT)).sum();
    let (of_refused, of_shed): (u64, u64) = (count("refused"), count("shed"));
    assert!(of_refused >= 2 && of_shed >= 2, "{of_refused} refused, {of_shed} shed");
    assert_eq!(of_refused + of_shed, refused, "every one is told, once");
    for gap in gaps {
        let (since, until) = (int(gap, names::AUDITRAIL_GAP_SINCE), int(gap, names::AUDITRAIL_GAP_UNTIL));
        assert!(before <= since && since <= until && until <= after, "{before} {since} {until} {after}");
        assert_eq!(gap.text(names::AUDIT_OUTCOME), Some("unknown"));
    }
    let levels = |text| said(&bench, text);
    assert_eq!(levels("records are being left out"), [NoticeLevel::Warning], "once an episode");

    drop(bench.trail.begin(tool("slow")).await.expect("there is room again"));
    assert_eq!(of(&bench.records(), "slow").len(), 2);
}

async fn a_call_that_waits_runs_as_soon_as_there_is_room(view: View) {
    let bench = Bench::with(|builder| classified(builder, "slow", Class { when_full: WhenFull::Wait, ..REFUSE }));
    let server = Everything::default();
    let client = connect_as(view, &bench.trail, server.clone()).await;
    fill(&bench).await;
    let waiting = tokio::spawn(async move { call(&client, "slow").await });
    // Nothing tells that it waits, but it cannot run before there is room.
    assert!(tokio::time::timeout(SHORT, server.begun.notified()).await.is_err());
    bench.sunk.away.store(false, SeqCst);
    server.begun.notified().await;
    server.go_on.notify_one();
    waiting.await.unwrap().expect("it ran");
    let records = bench.records();
    assert_eq!(of(&records, "slow").iter().map(|record| ending(record).1).collect::<Vec<_>>(), ["unknown", "success"]);
}

async fn a_call_that_waits_is_refused_at_its_deadline(view: View) {
    let class = class(Acknowledge::Written, WhenFull::Wait, SHORT);
    let bench = Bench::with(|builder| classified(builder, "slow", class));
    let client = connect_as(view, &bench.trail, Everything::default()).await;
    fill(&bench).await;
    let rmcp::ServiceError::McpError(error) = call(&client, "slow").await.unwrap_err() else { panic!("no answer") };
    assert_eq!(error.code.0, -32044);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_room_that_a_call_was_admitted_with_is_there_for_its_response() {
    let bench = Bench::with(|builder| classified(builder, "admitted", REFUSE));
    let begin = || async {
        let call = tool("admitted").attribute("app.note", "n".repeat(3000));
        bench.trail.begin(call).await.expect("there is room")
    };
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(begin().await);
    }
    fill(&bench).await;
    for call in open {
        call.enrich("app.more", "m".repeat(1000));
        call.finish(Outcome::ok()).await;
    }
    bench.sunk.away.store(false, SeqCst);
    let records = bench.records();
    let responses: Vec<_> = of(&records, "admitted").into_iter().filter(|half| ending(half).0 == "response").collect();
    assert_eq!(responses.len(), 4);
    assert!(responses.iter().all(|response| response.text("app.more").is_some_and(|more| more.len() == 1000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_call_is_not_shed() {
    let class = Class { when_full: WhenFull::Shed, ..SYNCED };
    let bench = Bench::with(|builder| builder.class(class).journal_max_bytes(256 * 1024).flush_timeout(SHORT));
    let open = bench.trail.begin(tool("begun")).await.unwrap();
    bench.sunk.away.store(true, SeqCst);
    // One by one, so that segments are made in time until there may be no more of them.
    while bench.trail.counts().refused == 0 {
        bench.trail.begin(tool("other")).await.unwrap().finish(Outcome::ok()).await;
    }
    open.finish(Outcome::ok()).await;
    bench.sunk.away.store(false, SeqCst);
    assert_eq!(of(&bench.records(), "begun").len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn synced_means_that_an_fdatasync_came_between() {
    let fs = FaultyFs::default();
    let bench = Bench::with(|builder| builder.class(SYNCED).fs(fs.clone()));
    bench.records();
    for half in ["request", "response"] {
        let open = if half == "response" { Some(bench.trail.begin(tool("ok")).await.unwrap()) } else { None };
        bench.records();
        fs.hold();
        let (synced, trail) = (fs.synced(), bench.trail.clone());
        let (watched, before) = (fs.clone(), fs.begun());
        let begun = tokio::task::spawn_blocking(move || watched.begun_beyond(before));
        let half = tokio::spawn(async move {
            match open {
                None => drop(trail.begin(tool("ok")).await.unwrap()),
                Some(open) => open.finish(Outcome::ok()).await,
            }
        });
        begun.await.unwrap();
        assert!(!half.is_finished(), "what it waits for is not synced");
        fs.release();
        half.await.unwrap();
        assert!(fs.synced() > synced);
    }
}

/// Row 5.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_that_fails_once_costs_nobody_anything_and_is_told() {
    let fs = FaultyFs::default();
    let bench = Bench::with(|builder| builder.class(SYNCED).fs(fs.clone()));
    bench.trail.begin(tool("before")).await.unwrap().finish(Outcome::ok()).await;
    fs.fail(1);
    bench.trail.begin(tool("during")).await.expect("it is written again").finish(Outcome::ok()).await;
    let all = bench.all_records();
    assert_eq!((of(&all, "before").len(), of(&all, "during").len()), (2, 2));
    let states = states(&all);
    assert!(states.contains(&("degraded", "journal_sync_failed")), "{states:?}");
    assert!(states.iter().any(|(state, _)| *state == "recovered"), "{states:?}");
    let numbers: Vec<_> = all.iter().map(|record| int(record, names::AUDIT_SEQUENCE_NUMBER)).collect();
    assert_eq!(numbers, (1..=all.len() as u64).collect::<Vec<_>>(), "no number is missing or used again");
    assert_eq!(bench.trail.counts().refused, 0);
}

/// Row 5.
async fn syncs_that_keep_failing_refuse_what_must_be_durable_and_nothing_else(view: View) {
    let fs = FaultyFs::default();
    let bench = Bench::with(|builder| {
        let class_of = |call: &Call| match call.name() {
            Some("slow") => SYNCED,
            _ => Class { when_full: WhenFull::Shed, ..SYNCED },
        };
        builder.classify(class_of).fs(fs.clone()).journal_max_bytes(16 << 20)
    });
    let client = connect_as(view, &bench.trail, Everything::default()).await;
    fs.fail(u64::MAX);
    let rmcp::ServiceError::McpError(error) = call(&client, "slow").await.unwrap_err() else { panic!("no answer") };
    assert_eq!(error.code.0, -32044);
    call(&client, "ok").await.expect("it goes on");
    assert!(bench.sunk.records().iter().all(|record| record.text(names::GEN_AI_TOOL_NAME).is_none()));

    fs.fail(0);
    bench.trail.begin(tool("slow")).await.expect("the disk is well").finish(Outcome::ok()).await;
    let records = bench.records();
    let endings: Vec<_> = of(&records, "slow").iter().map(|record| ending(record).2).collect();
    assert_eq!(endings, ["", "denied", "", "ok"], "the refused call is recorded, too");
    assert_eq!(of(&records, "ok").len(), 2);
    assert_eq!(said(&bench, "the disk of the journal syncs again"), [NoticeLevel::Recovered]);
    assert_eq!(bench.trail.counts().refused, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_means_that_the_collector_has_it() {
    let bench = Bench::with(|builder| builder.class(REMOTE));
    let open = bench.trail.begin(tool("ok")).await.unwrap();
    assert_eq!(of(&bench.sunk.records(), "ok").len(), 1);
    open.finish(Outcome::ok()).await;
    assert_eq!(of(&bench.sunk.records(), "ok").len(), 2);

    bench.sunk.away.store(true, SeqCst);
    let trail = bench.trail.clone();
    let late = tokio::spawn(async move { trail.begin(tool("late")).await.map(|open| open.call_id()) });
    assert!(tokio::time::timeout(SHORT, late_enough(&bench)).await.is_err());
    assert!(!late.is_finished());
    bench.sunk.away.store(false, SeqCst);
    late.await.unwrap().expect("the collector is back");
    assert!(!of(&bench.sunk.records(), "late").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_collector_a_remote_call_ends_at_its_deadline_as_its_class_says() {
    for when_full in [WhenFull::Refuse, WhenFull::Wait, WhenFull::Shed] {
        let bench =
            Bench::with(|builder| builder.class(class(Acknowledge::Remote, when_full, SHORT)).flush_timeout(SHORT));
        bench.sunk.away.store(true, SeqCst);
        let begun = bench.trail.begin(tool("ok")).await;
        match when_full {
            WhenFull::Shed => begun.expect("it goes on").finish(Outcome::ok()).await,
            _ => assert_eq!(begun.unwrap_err().kind, RefusalKind::Unrecorded),
        }
        for _ in 0..3 {
            drop(bench.trail.begin(tool("ok")).await.map(|open| open.finish_now(&Outcome::ok())));
        }
        assert!(said(&bench, "not as safe as").len() <= 1, "once, not for each call");
        bench.sunk.away.store(false, SeqCst);
        assert_eq!(of(&bench.records(), "ok").len(), 8, "what was refused is recorded, too");
        assert_eq!(bench.trail.counts().refused, 0);
    }
}

/// Row 21: what the collector refused for good is settled, and not accepted. Under each class.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_rejects_is_no_remote_acknowledgement() {
    for (when_full, rejects) in [WhenFull::Refuse, WhenFull::Wait, WhenFull::Shed]
        .into_iter()
        .flat_map(|when_full| [Rejects::All, Rejects::Some, Rejects::Alone].map(|rejects| (when_full, rejects)))
    {
        let case = format!("{when_full:?} {rejects:?}");
        let sink = Rejecting::default();
        let class = class(Acknowledge::Remote, when_full, LONG);
        let bench = Bench::with(|builder| builder.class(class).connector(sink.clone()));
        let open = bench.trail.begin(tool("fine")).await.expect("it is accepted");
        assert!(format!("{open:?}").len() < 100_000, "an open call can be printed");
        open.finish(Outcome::ok()).await;
        assert!(said(&bench, "not as safe as").is_empty(), "{case}");

        *sink.0.lock().unwrap() = rejects;
        let begun = bench.trail.begin(tool("poison")).await;
        match when_full {
            WhenFull::Shed => begun.expect("it goes on").finish(Outcome::ok()).await,
            _ => assert_eq!(begun.unwrap_err().kind, RefusalKind::Unrecorded, "{case}"),
        }
        // A partial success of one record is one of all.
        assert!(bench.trail.counts().quarantined > 0, "{case}");
        // What the collector takes is accepted, whatever it refused before.
        *sink.0.lock().unwrap() = Rejects::Nothing;
        bench.trail.flush(LONG).await.unwrap();
        bench.trail.begin(tool("after")).await.expect("it is accepted").finish(Outcome::ok()).await;
    }
}

/// Row 21: what is lost on the disk before it is sent is settled, and nobody has accepted it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_lost_on_the_disk_is_no_remote_acknowledgement() {
    for when_full in [WhenFull::Refuse, WhenFull::Wait, WhenFull::Shed] {
        let fs = FaultyFs::default();
        let class = class(Acknowledge::Remote, when_full, LONG);
        let bench = Bench::with(|builder| builder.class(class).fs(fs.clone()));
        bench.trail.begin(tool("fine")).await.expect("it is accepted").finish(Outcome::ok()).await;
        fs.hold();
        let trail = bench.trail.clone();
        let lost = tokio::spawn(async move { trail.begin(tool("is-lost-there")).await.map(drop) });
        // Nothing is read before it is synced: so it is damaged between the two.
        while damage(&bench.directory.path().join("journal/streams"), b"is-lost-there") == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!lost.is_finished());
        fs.release();
        match (when_full, lost.await.unwrap()) {
            (WhenFull::Shed, begun) => begun.expect("it goes on"),
            (_, begun) => assert_eq!(begun.unwrap_err().kind, RefusalKind::Unrecorded, "{when_full:?}"),
        }
        bench.trail.begin(tool("after")).await.expect("it is accepted").finish(Outcome::ok()).await;
        let (counts, records) = (bench.trail.counts(), bench.records());
        assert_eq!((counts.lost, counts.quarantined), (1, 0), "{when_full:?} {counts:?}");
        let endings: Vec<_> = of(&records, "is-lost-there").iter().map(|record| ending(record).2).collect();
        let left = if when_full == WhenFull::Shed { "no_response" } else { "denied" };
        assert_eq!(endings, [left], "{when_full:?}: its request is lost, and what became of it is recorded");
        let gaps: Vec<_> = records.iter().filter(|record| is(record, "lost")).collect();
        assert_eq!(
            gaps.iter().map(|gap| int(gap, names::AUDITRAIL_GAP_COUNT)).collect::<Vec<_>>(),
            [1],
            "{when_full:?}"
        );
    }
}

/// Changes a byte of each place in the files below where those bytes stand. Says how many.
fn damage(directory: &Path, bytes: &[u8]) -> usize {
    let mut places = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            places += damage(&path, bytes);
            continue;
        }
        let content = std::fs::read(&path).unwrap();
        for (offset, _) in content.windows(bytes.len()).enumerate().filter(|(_, window)| *window == bytes) {
            let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, b"D", offset as u64).unwrap();
            places += 1;
        }
    }
    places
}

/// The call has run; that its response is not at the collector is told once, with the reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_that_the_collector_rejects_is_told() {
    let sink = Rejecting::default();
    let bench = Bench::with(|builder| builder.class(REMOTE).connector(sink.clone()));
    let open = bench.trail.begin(tool("poison")).await.expect("its request is accepted");
    *sink.0.lock().unwrap() = Rejects::Alone;
    open.finish(Outcome::ok()).await;
    let told = bench.said().into_iter().find(|said| said.contains("not as safe as")).unwrap();
    assert!(told.contains("the collector refused it for good; it is in quarantine"), "{told}");
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Rejects {
    #[default]
    Nothing,
    /// Answers 400 to everything.
    All,
    /// Refuses one of the records of each request, and does not say which.
    Some,
    /// Refuses the records of the tool `poison`.
    Alone,
}

#[derive(Debug, Clone, Default)]
struct Rejecting(Arc<Mutex<Rejects>>);

impl Connector for Rejecting {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Rejecting {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        let has_poison = request.windows(6).any(|window| window == b"poison");
        let rejects = *self.0.lock().unwrap();
        Box::pin(async move {
            match rejects {
                Rejects::All => Err(ExportError::Rejected { reason: "HTTP 400".into() }),
                Rejects::Alone if has_poison => Err(ExportError::Rejected { reason: "HTTP 400".into() }),
                Rejects::Some => Ok(Accepted::but(1)),
                Rejects::Nothing | Rejects::Alone => Ok(Accepted::default()),
            }
        })
    }
}

#[tokio::test]
async fn a_classify_hook_that_panics_leaves_the_default_class() {
    let bench = Bench::with(|builder| builder.classify(|_| std::panic::resume_unwind(Box::new("expected"))));
    bench.trail.begin(tool("ok")).await.unwrap().finish(Outcome::ok()).await;
    assert_eq!(of(&bench.records(), "ok").len(), 2);
    assert_eq!(said(&bench, "the classify hook panicked"), [NoticeLevel::Warning]);
}

/// A small journal; calls of that tool, and those that fill it, have that class.
fn classified(builder: TrailBuilder, name: &'static str, class: Class) -> TrailBuilder {
    let class_of = move |call: &Call| match call.name() {
        Some(tool) if tool == name => class,
        Some("fill") => REFUSE,
        _ => Class::default(),
    };
    builder.classify(class_of).journal_max_bytes(256 * 1024).flush_timeout(SHORT)
}

/// Takes the collector away and appends until there is no room for one more call.
async fn fill(bench: &Bench) {
    bench.sunk.away.store(true, SeqCst);
    let mut calls = 0;
    // The thread that makes segments may be on its way when the first is refused.
    while said(bench, "has no room for another segment").is_empty() || calls == 0 {
        match bench.trail.begin(tool("fill")).await {
            Ok(open) => open.finish_now(&Outcome::ok()),
            Err(refused) => {
                assert_eq!((refused.kind, refused.code()), (RefusalKind::Unrecorded, -32044));
                calls += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    while let Ok(open) = bench.trail.begin(tool("fill")).await {
        open.finish_now(&Outcome::ok());
    }
}

async fn late_enough(bench: &Bench) {
    while of(&bench.sunk.records(), "late").is_empty() {
        tokio::task::yield_now().await;
    }
}

fn tool(name: &str) -> Call {
    Call::mcp("tools/call").tool(name)
}

fn of<'a>(records: &'a [Record], tool: &str) -> Vec<&'a Record> {
    records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool)).collect()
}

fn is(gap: &Record, cause: &str) -> bool {
    gap.text(names::AUDITRAIL_GAP_CAUSE) == Some(cause)
}

fn int(record: &Record, name: &str) -> u64 {
    match record.get(name) {
        Some(Value::Int(number)) => u64::try_from(*number).unwrap(),
        other => panic!("{name} is {other:?}"),
    }
}

/// State and error of each lifecycle record.
fn states<'a>(records: &'a [Record]) -> Vec<(&'a str, &'a str)> {
    let text = |record: &'a Record, name| record.text(name).unwrap_or_default();
    let lifecycle = records.iter().filter(|record| record.event_name == "auditrail.lifecycle");
    lifecycle.map(|record| (text(record, names::AUDITRAIL_LIFECYCLE_STATE), text(record, names::ERROR_TYPE))).collect()
}

/// The levels of the notices with that text.
fn said(bench: &Bench, text: &str) -> Vec<NoticeLevel> {
    let notices = bench.notices.lock().unwrap();
    notices.iter().filter(|notice| notice.text.contains(text)).map(|notice| notice.level).collect()
}
