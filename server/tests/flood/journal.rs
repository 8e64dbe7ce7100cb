//! The collector is away and the journal fills up: records of the client that writes most are left out first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use auditrail::record::{Clock, Record, Value, names};
use auditrail::trail::{Call, Class, WhenFull};

use crate::batch;
use crate::rig::{Client, Proxy, Server, call, ok, result, until};
use crate::shares::{post_from, proxy_to};
use crate::support::Bench;

const FLOODER: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";
/// Ten turns of both are a second, however long they take.
const TURN: u64 = 100_000_000;
const TURNS_OF_A_SECOND: usize = 10;
/// So many that each has a record of its own: ten a message and a hundred a second may have one.
const GARBAGE: usize = 8;
const CALLS: usize = 200 - GARBAGE;

/// A clock that goes when it is told to: shares are of a second.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hands(Arc<AtomicU64>);

impl Clock for Hands {
    fn unix_nano(&self) -> u64 {
        1_800_000_000_000_000_000 + self.monotonic_nano()
    }

    fn monotonic_nano(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A proxy with a small journal, and two who use it.
struct Scene {
    proxy: Proxy,
    clock: Hands,
    flooder: Client,
    other: Client,
    turns: usize,
}

impl Scene {
    async fn new() -> Self {
        let server = Server::answering(|_| ok("application/json", &result(1))).await;
        let clock = Hands::default();
        let must_be_kept = Class { when_full: WhenFull::Refuse, ..Class::default() };
        let class_of = move |call: &Call| match call.name() {
            Some("critical") => must_be_kept,
            _ => Class::default(),
        };
        let its_clock = clock.clone();
        let bench = Bench::with(|builder| builder.journal_max_bytes(16 << 20).clock(its_clock).classify(class_of));
        bench.sunk.away.store(true, Ordering::SeqCst);
        let proxy = proxy_to(server.address, bench).await;
        let (flooder, other) = (proxy.client().await, proxy.client().await);
        Self { proxy, clock, flooder, other, turns: 0 }
    }

    /// A great many calls among garbage, and one that must not run unrecorded; and one call of the other.
    async fn turn(&mut self) {
        let flood = batch(200, |number| match number % 25 {
            0 => r#"{"result":{}}"#.to_owned(),
            _ => call(number, "flood"),
        });
        for body in [flood, call(1, "critical")] {
            self.flooder.ask(post_from(FLOODER, body.len(), &body)).await;
        }
        let body = call(1, "beside");
        self.other.ask(post_from(OTHER, body.len(), &body)).await;
        self.clock.0.fetch_add(TURN, Ordering::SeqCst);
        self.turns += 1;
        assert!(self.turns < 1000, "it does not fill: {:?}", self.proxy.bench.trail.counts());
    }

    /// The collector is there again, and has all of it.
    async fn records(self) -> Vec<Record> {
        self.proxy.bench.sunk.away.store(false, Ordering::SeqCst);
        let trail = self.proxy.bench.trail.clone();
        until("it drains", || trail.counts().pending < 10).await;
        self.proxy.records().await
    }

    fn refused(&self) -> u64 {
        self.proxy.bench.trail.counts().refused
    }
}

fn of<'a>(records: &'a [Record], tool: &str) -> Vec<&'a Record> {
    records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool)).collect()
}

fn int(record: &Record, name: &str) -> i64 {
    match record.get(name) {
        Some(Value::Int(number)) => *number,
        other => panic!("{name} is {other:?}"),
    }
}

fn number(record: &Record) -> i64 {
    int(record, names::AUDIT_SEQUENCE_NUMBER)
}

/// The calls that have that half.
fn halves<'a>(records: &[&'a Record], phase: &str) -> BTreeSet<&'a str> {
    let of_phase = records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE) == Some(phase));
    of_phase.map(|record| record.text(names::AUDITRAIL_CALL_ID).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_most_is_left_out_first_and_named() {
    let mut scene = Scene::new().await;
    while scene.refused() == 0 {
        scene.turn().await;
    }
    // Three more seconds, each of which has a share for the flooder, too.
    let (filled, before) = (scene.turns, scene.refused());
    for _ in 0..3 * TURNS_OF_A_SECOND {
        scene.turn().await;
    }
    let (turns, refused) = (scene.turns, scene.refused());
    assert!(refused > before, "more and more of it");
    let records = scene.records().await;
    let (beside, critical, flood) = (of(&records, "beside"), of(&records, "critical"), of(&records, "flood"));
    assert_eq!(beside.len(), 2 * turns, "nothing of the other is missing");
    assert_eq!(critical.len(), 2 * turns, "nor what is kept by its class, whoever calls");
    let unanswered: Vec<_> = halves(&flood, "request").difference(&halves(&flood, "response")).copied().collect();
    assert!(unanswered.is_empty(), "calls that were recorded have both records: {unanswered:?}");
    assert!(flood.len() > CALLS * filled, "it had most of the room while there was much: {}", flood.len());
    let last_call = flood.iter().map(|record| number(record)).max();
    let garbage = records.iter().filter(|record| record.text(names::ERROR_TYPE) == Some("-32600"));
    let last_garbage = garbage.map(number).max();
    assert!(last_garbage < last_call, "its garbage went before its calls: {last_garbage:?}, {last_call:?}");

    let mut gaps = BTreeMap::<(&str, &str), i64>::new();
    for gap in records.iter().filter(|record| record.event_name == "auditrail.gap") {
        let text = |name| gap.text(name).unwrap_or("");
        let key = (text(names::AUDITRAIL_GAP_CAUSE), text(names::AUDITRAIL_GAP_CLIENT));
        *gaps.entry(key).or_default() += int(gap, names::AUDITRAIL_GAP_COUNT);
    }
    let expected = BTreeMap::from([(("shed", FLOODER), i64::try_from(refused).unwrap())]);
    assert_eq!(gaps, expected, "all of them, and of nobody else");
}

/// From the first that is left out on, there is a time in which nothing but garbage is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_of_who_writes_most_goes_before_its_calls() {
    let mut scene = Scene::new().await;
    while scene.refused() == 0 {
        scene.turn().await;
    }
    let (turns, refused) = (scene.turns, scene.refused());
    let records = scene.records().await;
    assert_eq!(of(&records, "flood").len(), 2 * CALLS * turns, "each call has both");
    let garbage = records.iter().filter(|record| record.text(names::ERROR_TYPE) == Some("-32600"));
    let told = garbage.filter(|record| record.get(names::AUDITRAIL_MCP_FLAWED_COUNT).is_none()).count();
    assert_eq!(
        told + usize::try_from(refused).unwrap(),
        GARBAGE * turns,
        "and each that is no message a record, or is missing"
    );
}
