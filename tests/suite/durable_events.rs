//! `Trail::record_durably` keeps the promise of a class for an event, or says that it did not.

use std::future::Future as _;
use std::pin::pin;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use auditrail::capture::direct::ContextChange;
use auditrail::record::names;
use auditrail::trail::{Acknowledge, Class, NotRecorded, WhenFull};

use crate::faulty_fs::FaultyFs;
use crate::support::Bench;

/// Far beyond what anything here takes.
const LONG: Duration = Duration::from_secs(120);
const SHORT: Duration = Duration::from_millis(50);

const fn class(acknowledge: Acknowledge, when_full: WhenFull, deadline: Duration) -> Class {
    Class { acknowledge, when_full, deadline, requires_verified_actor: false }
}

fn event(class: Class) -> ContextChange {
    ContextChange::get("cart").class(class)
}

/// How often the record of that id has arrived, without a flush.
fn arrived(bench: &Bench, id: auditrail::record::RecordId) -> usize {
    let id = id.to_string();
    bench.sunk.records().iter().filter(|record| record.text(names::AUDIT_RECORD_ID) == Some(&id)).count()
}

#[test]
fn what_is_only_written_is_done_without_yielding() {
    let bench = Bench::new();
    let id = {
        let mut record = pin!(bench.trail.record_durably(ContextChange::get("cart")));
        match record.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done.unwrap(),
            Poll::Pending => panic!("it waits for something"),
        }
    };
    drop(bench.records());
    assert_eq!(arrived(&bench, id), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn synced_waits_for_the_disk() {
    let fs = FaultyFs::default();
    let bench = Bench::with(|builder| builder.fs(fs.clone()));
    bench.records();
    fs.hold();
    let (synced, trail) = (fs.synced(), bench.trail.clone());
    let (watched, before) = (fs.clone(), fs.begun());
    let begun = tokio::task::spawn_blocking(move || watched.begun_beyond(before));
    let recorded =
        tokio::spawn(
            async move { trail.record_durably(event(class(Acknowledge::Synced, WhenFull::Refuse, LONG))).await },
        );
    begun.await.unwrap();
    assert!(!recorded.is_finished(), "what it waits for is not synced");
    fs.release();
    let id = recorded.await.unwrap().unwrap();
    assert!(fs.synced() > synced);
    drop(bench.records());
    assert_eq!(arrived(&bench, id), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_synced_is_told_and_not_lost() {
    let fs = FaultyFs::default();
    let bench = Bench::with(|builder| builder.fs(fs.clone()));
    fs.fail(u64::MAX);
    let recorded = bench.trail.record_durably(event(class(Acknowledge::Synced, WhenFull::Shed, LONG))).await;
    let Err(NotRecorded::NotDurable { id, .. }) = recorded else { panic!("{recorded:?}") };
    assert_eq!(arrived(&bench, id), 0, "nothing unsynced is shipped");
    fs.fail(0);
    drop(bench.records());
    assert_eq!(arrived(&bench, id), 1);
    assert_eq!(bench.trail.counts().refused, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn remote_means_that_the_collector_has_it() {
    let bench = Bench::new();
    let remote = class(Acknowledge::Remote, WhenFull::Refuse, LONG);
    let id = bench.trail.record_durably(event(remote)).await.unwrap();
    assert_eq!(arrived(&bench, id), 1);

    bench.sunk.away.store(true, SeqCst);
    let late = bench.trail.record_durably(event(Class { deadline: SHORT, ..remote })).await;
    let Err(NotRecorded::NotDurable { id, .. }) = late else { panic!("{late:?}") };
    bench.sunk.away.store(false, SeqCst);
    drop(bench.records());
    assert_eq!(arrived(&bench, id), 1, "late, and not lost");

    bench.sunk.longest.store(1, SeqCst);
    let refused = bench.trail.record_durably(event(remote)).await;
    assert!(matches!(refused, Err(NotRecorded::NotDurable { .. })), "what the collector refused: {refused:?}");
}

/// A journal without room says so, whatever the class; only a class that waits gets room once there is some.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_room_it_is_an_error_and_a_gap() {
    for when_full in [WhenFull::Shed, WhenFull::Refuse, WhenFull::Wait] {
        let bench = Bench::with(|builder| builder.journal_max_bytes(256 * 1024).flush_timeout(SHORT));
        bench.sunk.away.store(true, SeqCst);
        let filling = class(Acknowledge::Written, when_full, if when_full == WhenFull::Wait { SHORT } else { LONG });
        let error = loop {
            match bench.trail.record_durably(event(filling).attribute("app.filler", "x".repeat(2000))).await {
                Ok(_) => tokio::task::yield_now().await,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, NotRecorded::NotTaken { .. }), "{when_full:?}: {error}");
        assert_eq!(bench.trail.counts().refused, 1, "{when_full:?}");
        let trail = bench.trail.clone();
        let patient = class(Acknowledge::Written, WhenFull::Wait, LONG);
        let waits = tokio::spawn(async move { trail.record_durably(event(patient)).await });
        bench.sunk.away.store(false, SeqCst);
        let id = waits.await.unwrap().unwrap();
        let records = bench.all_records();
        assert_eq!(arrived(&bench, id), 1, "{when_full:?}");
        let gaps: Vec<_> = records.iter().filter(|record| record.event_name == "auditrail.gap").collect();
        assert_eq!(gaps.len(), 1, "{when_full:?}: {gaps:?}");
        assert_eq!(gaps[0].get(names::AUDITRAIL_GAP_COUNT), Some(&1_i64.into()), "{when_full:?}");
    }
}
