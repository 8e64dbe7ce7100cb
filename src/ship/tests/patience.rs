//! Invariants of a flight: what an outage, a flush or chance answers with codes that may mean a record costs none.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::rig::{Rig, Shelf, doubtful, ok, retry, unreadable};
use crate::config::NoticeLevel;
use crate::ship::{Accepted, ExportError};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Whether the sink took something before or not; somebody flushes every second.
#[tokio::test(start_paused = true)]
async fn an_hour_of_500s_costs_no_record_however_often_somebody_flushes() {
    for begins_well in [true, false] {
        let down = Instant::now() + SECOND..Instant::now() + HOUR;
        let is_down = move || down.contains(&Instant::now()) || !begins_well && Instant::now() < down.end;
        let rig = Rig::new(move |_, _| if is_down() { doubtful() } else { ok() });
        let lane = rig.lane.clone();
        let flushes = tokio::spawn(async move {
            loop {
                sleep(SECOND).await;
                lane.0.hurry.now();
            }
        });
        let mut before = Shelf::of_another(1);
        if begins_well {
            rig.ship(&mut before).await;
        }
        sleep(2 * SECOND).await;
        let mut shelf = Shelf::of(201);
        rig.ship(&mut shelf).await;
        flushes.abort();
        assert_eq!((shelf.quarantined(), shelf.settled), (vec![], vec![201]), "begins well: {begins_well}");
        let taken: BTreeSet<_> = rig.sink.taken().into_iter().collect();
        assert!((1..=201).all(|number| taken.contains(&number)));
        assert_eq!(rig.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered]);
        assert_eq!(rig.heard.states(), ["sink_unavailable", "recovered"]);
    }
}

/// The sink is not away and not well: it answers one request of two, by chance.
#[tokio::test(start_paused = true)]
async fn a_sink_that_fails_half_of_all_requests_gets_every_record() {
    let mut chance = 0x2545_F491_4F6C_DD1D_u64;
    let rig = Rig::new(move |_, _| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        if chance & 1 == 0 { doubtful() } else { ok() }
    });
    let mut shelf = Shelf::of(500);
    rig.ship(&mut shelf).await;
    assert_eq!((shelf.quarantined(), rig.stats().delivered), (vec![], 500));
}

/// A poison record that nobody refuses clearly, alone, while nothing else is sent: another record that the sink has tells
/// that it is this one. Flushes, however many, neither cost it time nor save it.
#[tokio::test(start_paused = true)]
async fn a_doubtful_record_is_given_up_by_time_and_number_while_another_is_taken() {
    let rig = Rig::new(|numbers, _| if numbers.contains(&2) { doubtful() } else { ok() });
    let lane = rig.lane.clone();
    let flushes = tokio::spawn(async move {
        loop {
            sleep(Duration::from_millis(1)).await;
            lane.0.hurry.now();
        }
    });
    let begun = Instant::now();
    let mut shelf = Shelf::of(3);
    rig.ship(&mut shelf).await;
    flushes.abort();
    assert_eq!((shelf.quarantined(), rig.stats().delivered), (vec![2], 2));
    let took = begun.elapsed();
    assert!(took >= 120 * SECOND && took < 300 * SECOND, "{took:?}");
    let distinct: BTreeSet<_> = rig.sink.taken().into_iter().collect();
    assert_eq!(distinct.into_iter().collect::<Vec<_>>(), [1, 3], "what it is asked with is what it has");
}

/// Nobody can say what became of the records, so they are sent again, but seldom: the sink may have them each time.
#[tokio::test(start_paused = true)]
async fn answers_that_cannot_be_read_are_no_success_and_raise_an_alarm_when_they_last() {
    let well = Instant::now() + HOUR;
    let rig = Rig::new(move |_, _| if Instant::now() < well { unreadable() } else { ok() });
    let mut shelf = Shelf::of(10);
    rig.ship(&mut shelf).await;
    assert_eq!((shelf.settled, rig.stats().delivered, rig.stats().quarantined), (vec![10], 10, 0));
    assert!((10..150).contains(&rig.sink.requests().len()), "{}", rig.sink.requests().len());
    assert_eq!(rig.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered]);
    assert!(rig.said()[0].contains("HTTP 200 with a web page"), "{:?}", rig.said());
    assert_eq!(rig.heard.states(), ["sink_unreadable", "recovered"]);
}

#[tokio::test(start_paused = true)]
async fn a_trouble_that_changes_is_told_again_and_one_that_alternates_is_not() {
    let says = |reason: &str| (Duration::ZERO, Err(ExportError::Retry { reason: reason.into(), after: None }));
    let rig = Rig::new(move |_, nth| match nth {
        0..4 => says("Connection refused"),
        20.. => ok(),
        even if even % 2 == 0 => says("HTTP 404"),
        _ => says("Connection refused"),
    });
    let mut shelf = Shelf::of(1);
    rig.ship(&mut shelf).await;
    assert_eq!(rig.levels(), [NoticeLevel::Warning, NoticeLevel::Warning, NoticeLevel::Recovered]);
    let said = rig.said();
    assert!(said[0].contains("Connection refused") && said[1].contains("HTTP 404"), "{said:?}");
    assert_eq!(rig.lane.0.gate.last_refusal(), None);
}

/// Nothing that a sink says can silence the trail for long, or panic.
#[tokio::test(start_paused = true)]
async fn any_wish_is_granted_for_five_minutes_at_most() {
    for wish in [Duration::MAX, Duration::from_secs(u64::MAX), 400 * SECOND] {
        let begun = Instant::now();
        let rig = Rig::new(move |_, nth| if nth < 2 { retry(Some(wish)) } else { ok() });
        let mut shelf = Shelf::of(1);
        rig.ship(&mut shelf).await;
        assert_eq!(shelf.settled, [1]);
        let took = begun.elapsed();
        assert!(took >= 600 * SECOND && took < 620 * SECOND, "{took:?}");
    }
    let rig = Rig::new(|_, _| (Duration::ZERO, Ok(Accepted::but(u64::MAX))));
    let mut shelf = Shelf::of(2);
    rig.ship(&mut shelf).await;
    assert_eq!((rig.stats().delivered, rig.stats().quarantined), (0, 2));
}
