//! Invariant 1: what the sink refuses for good is in quarantine and reported before it is settled, and nothing stalls.

use std::time::Duration;

use super::rig::{Kept, Rig, Shelf, doubtful, ok, rejected, stream};
use crate::config::NoticeLevel;
use crate::journal::SinkName;
use crate::ship::lane::LIMITS;
use crate::ship::{Accepted, RefusedRange};

const BATCH: u64 = LIMITS.records as u64;

#[tokio::test(start_paused = true)]
async fn one_poison_record_in_ten_thousand_is_quarantined_and_the_others_arrive_in_order() {
    let (rig, mut shelf) =
        (Rig::new(|numbers, _| if numbers.contains(&6789) { rejected() } else { ok() }), Shelf::of(10_000));
    rig.ship(&mut shelf).await;
    for batch in 0..5 {
        let of_batch = |number: &u64| (batch * BATCH + 1..=(batch + 1) * BATCH).contains(number);
        let taken: Vec<u64> = rig.sink.taken().into_iter().filter(of_batch).collect();
        assert_eq!(taken, (1..=10_000).filter(of_batch).filter(|n| *n != 6789).collect::<Vec<_>>());
    }
    assert_eq!(*shelf.quarantine.lock().unwrap(), [Kept { numbers: vec![6789], refused: 1, reason: "poison".into() }]);
    let gap = RefusedRange { stream: stream(), sink: SinkName::OTLP, count: 1, of: 1, first: 6789, last: 6789 };
    assert_eq!(*rig.heard.gaps.lock().unwrap(), [gap]);
    assert_eq!(shelf.settled, (1..=5).map(|batch| batch * BATCH).collect::<Vec<_>>());
    assert_eq!((rig.stats().delivered, rig.stats().quarantined), (9999, 1));
    assert_eq!(rig.levels(), [NoticeLevel::Warning]);
}

#[tokio::test(start_paused = true)]
async fn neighbours_that_are_refused_are_kept_together() {
    let (rig, mut shelf) = (
        Rig::new(|numbers, _| if numbers.iter().any(|n| (4..=6).contains(n)) { rejected() } else { ok() }),
        Shelf::of(10),
    );
    rig.ship(&mut shelf).await;
    assert_eq!(
        *shelf.quarantine.lock().unwrap(),
        [Kept { numbers: vec![4, 5, 6], refused: 3, reason: "poison".into() }]
    );
    let gap = RefusedRange { stream: stream(), sink: SinkName::OTLP, count: 3, of: 3, first: 4, last: 6 };
    assert_eq!(*rig.heard.gaps.lock().unwrap(), [gap]);
    assert_eq!((rig.stats().delivered, rig.stats().quarantined), (7, 3));
}

#[tokio::test(start_paused = true)]
async fn a_partial_success_is_never_sent_again_and_a_copy_of_all_is_kept() {
    let (rig, mut shelf) = (Rig::new(|_, _| (Duration::ZERO, Ok(Accepted::but(2)))), Shelf::of(5));
    rig.ship(&mut shelf).await;
    assert_eq!(rig.sink.requests().len(), 1);
    let kept = Kept { numbers: vec![1, 2, 3, 4, 5], refused: 2, reason: "OTLP partial success".into() };
    assert_eq!(*shelf.quarantine.lock().unwrap(), [kept]);
    let gap = RefusedRange { stream: stream(), sink: SinkName::OTLP, count: 2, of: 5, first: 1, last: 5 };
    assert_eq!(*rig.heard.gaps.lock().unwrap(), [gap]);
    assert_eq!((rig.stats().delivered, rig.stats().quarantined), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_quarantined_is_not_settled_and_tried_again() {
    let (rig, mut shelf) =
        (Rig::new(|numbers, _| if numbers.contains(&1) { rejected() } else { ok() }), Shelf::of(2 * BATCH));
    *shelf.failures.lock().unwrap() = 20;
    let given_up = tokio::time::timeout(Duration::from_secs(30), rig.ship(&mut shelf)).await;
    assert!(given_up.is_err() && shelf.settled.is_empty() && shelf.quarantined().is_empty());
    rig.ship(&mut shelf).await;
    assert_eq!(shelf.quarantined(), [1]);
    assert_eq!(shelf.settled, [BATCH, 2 * BATCH]);
    assert_eq!(
        rig.said().iter().filter(|said| said.contains("cannot be put into quarantine")).count(),
        2,
        "a drain each"
    );
    assert_eq!(rig.heard.states(), ["quarantine", "quarantine", "recovered"]);
    assert_eq!(rig.heard.gaps.lock().unwrap().len(), 1, "reported once it is kept");
}

/// Codes such as INTERNAL may mean a poison record or a collector in trouble: the one must not hold up the others, the
/// other must not cost a record at once.
#[tokio::test(start_paused = true)]
async fn a_doubtful_answer_halves_a_batch_and_gives_a_record_up_only_after_attempts() {
    let (passing, mut shelf) = (Rig::new(|_, nth| if nth < 4 { doubtful() } else { ok() }), Shelf::of(2));
    passing.ship(&mut shelf).await;
    assert_eq!(passing.sink.taken(), [1, 2], "it passed");
    assert_eq!(passing.stats().quarantined, 0);

    let (poisoned, mut shelf) =
        (Rig::new(|numbers, _| if numbers.contains(&2) { doubtful() } else { ok() }), Shelf::of(3 * BATCH));
    poisoned.ship(&mut shelf).await;
    assert_eq!(shelf.quarantined(), [2]);
    assert_eq!(poisoned.stats().delivered, 3 * BATCH - 1);
    let requests = poisoned.sink.requests();
    let asked: Vec<_> = requests.iter().filter(|asked| asked.numbers == [2]).map(|asked| asked.at).collect();
    assert!(asked.len() > 10 && asked[asked.len() - 1] - asked[0] >= Duration::from_secs(60), "{}", asked.len());
    let last_doubt = requests.iter().rposition(|asked| asked.numbers == [2]).unwrap();
    let third = requests.iter().position(|asked| asked.numbers[0] == 2 * BATCH + 1).unwrap();
    assert!(third < last_doubt, "the others did not wait for it");
}

/// Somebody must know of a sink that answers nothing clear at all.
#[tokio::test(start_paused = true)]
async fn a_sink_that_answers_nothing_clear_is_told_of_once() {
    let (rig, mut shelf) = (Rig::new(|_, nth| if nth < 8 { doubtful() } else { ok() }), Shelf::of(1));
    rig.ship(&mut shelf).await;
    assert_eq!(rig.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered]);
    assert_eq!((rig.stats().delivered, rig.stats().quarantined), (1, 0));
}
