//! Invariant 5 and those of the gate: a sink that is away, throttles, or refuses the credentials.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::rig::{Rig, Shelf, ok, retry, unauthorized};
use crate::config::NoticeLevel;
use crate::record::ThreadEntropy;
use crate::ship::backoff::Backoff;
use crate::ship::lane::LIMITS;
use crate::ship::target::IN_FLIGHT;

const SECOND: Duration = Duration::from_secs(1);
const BATCH: u64 = LIMITS.records as u64;

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_away_is_asked_by_one_request_at_a_time_and_told_of_once() {
    let back = Instant::now() + 600 * SECOND;
    let (rig, mut shelf) =
        (Rig::new(move |_, _| if Instant::now() < back { retry(None) } else { ok() }), Shelf::of(8 * BATCH));
    rig.ship(&mut shelf).await;
    assert_eq!(shelf.settled.len(), 8);
    let pauses = rig.sink.pauses();
    let probes = rig.sink.requests().iter().take_while(|asked| asked.at < back).count();
    assert!(pauses[IN_FLIGHT..probes - 1].iter().all(|pause| *pause >= Duration::from_millis(50)), "{pauses:?}");
    assert!(pauses[IN_FLIGHT + 6..probes - 1].iter().all(|pause| *pause >= Duration::from_millis(2500)), "the cap");
    assert!(
        pauses[..probes].iter().all(|pause| *pause <= Duration::from_millis(5001)),
        "low, so that it is found soon"
    );
    assert_eq!(rig.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered]);
    assert_eq!(rig.heard.states(), ["sink_unavailable", "recovered"]);
    assert_eq!(rig.stats().delivered, 8 * BATCH);
}

#[tokio::test(start_paused = true)]
async fn a_hiccup_is_no_news_for_the_stream() {
    let (rig, mut shelf) = (Rig::new(|_, nth| if nth < 3 { retry(None) } else { ok() }), Shelf::of(10));
    rig.ship(&mut shelf).await;
    assert_eq!(rig.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered]);
    assert!(rig.heard.states().is_empty());
    assert_eq!((rig.stats().delivered, rig.stats().failed_requests), (10, 3));
}

#[tokio::test(start_paused = true)]
async fn the_delay_that_the_sink_asked_for_is_kept_also_by_a_flush() {
    let (rig, mut shelf) =
        (Rig::new(|_, nth| if nth == 0 { retry(Some(30 * SECOND)) } else { ok() }), Shelf::of(3 * BATCH));
    let lane = rig.lane.clone();
    let flushes = tokio::spawn(async move {
        loop {
            sleep(SECOND).await;
            lane.0.hurry.now();
        }
    });
    rig.ship(&mut shelf).await;
    flushes.abort();
    let requests = rig.sink.requests();
    let again = requests.iter().rposition(|asked| asked.numbers == requests[0].numbers).unwrap();
    assert!(requests[again].at - requests[0].at >= 30 * SECOND);
    assert_eq!(shelf.settled, [BATCH, 2 * BATCH, 3 * BATCH]);
}

#[tokio::test(start_paused = true)]
async fn a_flush_ends_a_pause_of_our_own() {
    let (rig, mut shelf) = (Rig::new(|_, nth| if nth < 20 { retry(None) } else { ok() }), Shelf::of(1));
    let lane = rig.lane.clone();
    let flushes = tokio::spawn(async move {
        loop {
            sleep(Duration::from_millis(1)).await;
            lane.0.hurry.now();
        }
    });
    rig.ship(&mut shelf).await;
    flushes.abort();
    assert!(rig.sink.pauses().iter().all(|pause| *pause <= Duration::from_millis(2)), "{:?}", rig.sink.pauses());
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_pause_longer_and_alarm_once_with_what_to_check() {
    let (rig, mut shelf) = (Rig::new(|_, nth| if nth < 10 { unauthorized() } else { ok() }), Shelf::of(5));
    rig.ship(&mut shelf).await;
    let pauses = rig.sink.pauses();
    assert!(pauses[0] >= Duration::from_millis(2500), "{pauses:?}");
    assert!(pauses[5..].iter().all(|pause| *pause >= 30 * SECOND), "{pauses:?}");
    assert_eq!(rig.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered]);
    let alarm = &rig.said()[0];
    for what in ["http://collector:4317/", "Unauthenticated", "OTEL_EXPORTER_OTLP_HEADERS", "client certificate"] {
        assert!(alarm.contains(what), "{alarm}");
    }
    assert_eq!(rig.heard.states(), ["sink_authentication", "recovered"]);
    assert_eq!((shelf.settled, rig.sink.taken()), (vec![5], vec![1, 2, 3, 4, 5]));
}

#[test]
fn pauses_grow_to_a_cap() {
    let mut backoff = Backoff::away();
    let pauses: Vec<Duration> = (0..40).map(|_| backoff.next(&ThreadEntropy)).collect();
    assert!(pauses[0] >= Duration::from_millis(50) && pauses[0] <= Duration::from_millis(100));
    assert!(pauses[39] >= Duration::from_millis(2500) && pauses[39] <= 5 * SECOND);
    let mut backoff = Backoff::unauthorized();
    let pauses: Vec<Duration> = (0..40).map(|_| backoff.next(&ThreadEntropy)).collect();
    assert!(pauses[0] <= 5 * SECOND && pauses[39] >= 30 * SECOND && pauses[39] <= 60 * SECOND);
}
