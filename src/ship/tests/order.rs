//! Invariants 2, 4 and 6: several in flight, settled in order, also when a drain is dropped.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::rig::{Rig, Shelf, ok};
use crate::journal::{Reader, Settler};
use crate::ship::lane::LIMITS;
use crate::ship::target::IN_FLIGHT;
use crate::ship::{Accepted, EXPORT_SECONDS_BOUNDS, Lane};

const SECOND: Duration = Duration::from_secs(1);
const BATCH: u64 = LIMITS.records as u64;

#[tokio::test(start_paused = true)]
async fn four_batches_are_in_flight_and_settled_in_order_whatever_the_order_of_the_answers() {
    let begun = Instant::now();
    let slow_first = |numbers: &[u64], _| {
        let delay = if numbers[0] == 1 { 8 * SECOND } else { SECOND };
        (delay, Ok(Accepted::default()))
    };
    let (rig, mut shelf) = (Rig::new(slow_first), Shelf::of(6 * BATCH));
    rig.ship(&mut shelf).await;
    let sent: Vec<u64> = rig.sink.requests().iter().map(|asked| (asked.at - begun).as_secs()).collect();
    assert_eq!(sent, [0, 0, 0, 0, 8, 8], "the slow one holds its place, and with it the memory");
    assert_eq!(sent.iter().filter(|second| **second == 0).count(), IN_FLIGHT);
    assert_eq!(shelf.settled, (1..=6).map(|batch| batch * BATCH).collect::<Vec<_>>());
    assert_eq!(rig.sink.taken(), (1..=6 * BATCH).collect::<Vec<_>>());

    let stats = rig.stats();
    assert_eq!((stats.delivered, stats.quarantined), (6 * BATCH, 0));
    assert_eq!((stats.requests, stats.failed_requests, stats.in_flight), (6, 0, 0));
    assert_eq!(stats.export_duration, 13 * SECOND);
    let bucket = |bound: f64| EXPORT_SECONDS_BOUNDS.iter().position(|other| *other == bound).unwrap();
    assert_eq!((stats.export_buckets[bucket(1.0)], stats.export_buckets[bucket(10.0)]), (5, 1));
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_dropped_settles_nothing_out_of_order_and_the_next_one_sends_it_again() {
    let mut hangs = true;
    let hanging_second = move |numbers: &[u64], _| {
        let hang = numbers[0] == BATCH + 1 && std::mem::take(&mut hangs);
        (if hang { 1000 * SECOND } else { Duration::ZERO }, Ok(Accepted::default()))
    };
    let (rig, mut shelf) = (Rig::new(hanging_second), Shelf::of(4 * BATCH));
    assert!(timeout(SECOND, rig.ship(&mut shelf)).await.is_err());
    assert_eq!(shelf.settled, [BATCH], "the second never got its answer, so the third waits");
    assert_eq!(rig.stats().delivered, BATCH);

    rig.ship(&mut shelf).await;
    assert_eq!(shelf.settled, (1..=4).map(|batch| batch * BATCH).collect::<Vec<_>>());
    let again: Vec<u64> = rig.sink.requests().iter().skip(4).map(|asked| asked.numbers[0]).collect();
    assert_eq!(again, [BATCH + 1, 2 * BATCH + 1, 3 * BATCH + 1], "at most a re-send");
    assert_eq!(rig.stats().delivered, 4 * BATCH);
    assert_eq!(rig.stats().in_flight, 0);
}

/// A process ships its own stream and one that it has adopted.
#[tokio::test(start_paused = true)]
async fn two_streams_are_shipped_at_the_same_time_by_one_connection() {
    let begun = Instant::now();
    let rig = Rig::new(|_, _| (SECOND, Ok(Accepted::default())));
    let (mut own, mut adopted) = (Shelf::of(5 * BATCH), Shelf::of_another(5 * BATCH));
    tokio::join!(rig.ship(&mut own), rig.ship(&mut adopted));
    let in_the_first_second = rig.sink.requests().iter().filter(|asked| asked.at == begun).count();
    assert_eq!(in_the_first_second, 2 * IN_FLIGHT);
    for shelf in [own, adopted] {
        assert_eq!(shelf.settled, (1..=5).map(|batch| batch * BATCH).collect::<Vec<_>>());
    }
}

/// Whoever adopts a stream drains it by a task on the shipper's runtime.
#[test]
fn a_drain_may_be_a_task() {
    fn takes_a_task<F: Future<Output = ()> + Send>(
        _: impl FnOnce(Lane, &'static mut Reader, &'static mut Settler) -> F,
    ) {
    }
    takes_a_task(|lane, reader, settler| async move { lane.drain(reader, settler).await });
}

#[tokio::test(start_paused = true)]
async fn a_connector_that_panics_costs_no_record() {
    let fragile = |_: &[u64], nth| if nth == 0 { std::panic::resume_unwind(Box::new("expected")) } else { ok() };
    let (rig, mut shelf) = (Rig::new(fragile), Shelf::of(3));
    rig.ship(&mut shelf).await;
    assert_eq!(shelf.settled, [3]);
    assert!(rig.said()[0].contains("its connector panicked"), "{:?}", rig.said());
}
