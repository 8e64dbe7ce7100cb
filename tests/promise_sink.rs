//! Promise "Slow or dead sink" and "Poison record": whatever the sink does, the caller is not held up, every acknowledged
//! record arrives at least once or is in quarantine, in order within each request, and the trail says so.
//!
//! Rows 12, 13, 14 and 21 of the fault tests, over OTLP/gRPC and OTLP/HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

#[allow(dead_code, unreachable_pub, missing_docs, missing_debug_implementations, reason = "other tests use the rest")]
#[path = "support/faulty_sink.rs"]
mod faulty_sink;

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, Notice, NoticeLevel};
use auditrail::journal::{Cause, Disk, Quarantine, Quarantined};
use auditrail::record::{EventName, Record, Value, names};
use auditrail::ship::{OtlpConnector, Replay, ReplayError};
use auditrail::trail::Moment;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use faulty_sink::{Arrived, FaultySink, Reply, Strange, Wire, number};

/// Far beyond what anything here takes.
const LONG: Duration = Duration::from_secs(120);
/// The record in which the trail says that it has started.
const STARTED: u64 = 1;
/// For a sink that does not answer. A sink that does may take long, so all other clients wait as long as they do by default.
const IMPATIENT: (&str, &str) = ("OTEL_EXPORTER_OTLP_TIMEOUT", "2000");
const PROTOCOLS: [&str; 2] = ["grpc", "http/protobuf"];

/// Row 12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_by_a_sink_that_cannot_be_reached_or_does_not_answer() {
    let wires = [Wire::Refused, Wire::Reset, Wire::BlackHole, Wire::OneByteASecond];
    for (protocol, wire) in PROTOCOLS.into_iter().flat_map(|protocol| wires.map(|wire| (protocol, wire))) {
        let sink = FaultySink::start(wire, |_, _| Reply::Take).await;
        let client = Client::of(&sink, protocol, &[IMPATIENT]);
        let ids = client.record(200);
        let pending = client.pending_when_it_is_told().await;
        assert_eq!(pending, 200 + STARTED, "{protocol} {wire:?}: nothing is settled that was not answered");
        sink.set_wire(Wire::Open);
        client.flush().await;
        all_arrived(&sink, &ids, &format!("{protocol} {wire:?}"));
        assert_eq!(client.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered], "{protocol} {wire:?}");
        assert_eq!(client.given_up(), 0);
    }
}

/// Row 12: the connection was good once, then its peer vanished without a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_by_a_connection_that_is_half_open() {
    for protocol in PROTOCOLS {
        let sink = FaultySink::start(Wire::Open, |_, _| Reply::Take).await;
        let client = Client::of(&sink, protocol, &[IMPATIENT]);
        let mut ids = client.record(10);
        client.flush().await;
        sink.set_wire(Wire::BlackHole);
        ids.extend(client.record(10));
        assert_eq!(client.pending_when_it_is_told().await, 10, "{protocol}");
        sink.set_wire(Wire::Open);
        client.flush().await;
        all_arrived(&sink, &ids, protocol);
    }
}

/// Row 12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_to_a_sink_whose_certificate_has_expired() {
    for protocol in PROTOCOLS {
        let sink = FaultySink::start_secured("expired-server").await;
        let ca = format!("{}/tests/tls/expired-ca.pem", env!("CARGO_MANIFEST_DIR"));
        let client = Client::of(&sink, protocol, &[("OTEL_EXPORTER_OTLP_CERTIFICATE", &ca)]);
        client.record(5);
        assert_eq!(client.pending_when_it_is_told().await, 5 + STARTED, "{protocol}");
        assert!(sink.arrived().is_empty());
        let said = client.said();
        assert!(said[0].to_lowercase().contains("expired"), "{protocol}: the cause is told: {said:?}");
    }
}

/// Row 13: duplicates are removed downstream, by `audit.record.id`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_but_not_answered_is_sent_again_with_the_same_ids_and_numbers() {
    for protocol in PROTOCOLS {
        let sink = FaultySink::start(Wire::ResetOnceTaken, |_, _| Reply::Take).await;
        let client = Client::of(&sink, protocol, &[]);
        let ids = client.record(50);
        while sink.arrived().len() < 2 {
            assert!(client.trail.flush(Duration::from_millis(100)).await.is_err(), "no answer came through");
        }
        sink.set_wire(Wire::Open);
        client.flush().await;
        all_arrived(&sink, &ids, protocol);
        let arrived = sink.arrived();
        let first = |arrived: &Arrived| (arrived.ids[0].clone(), arrived.numbers[0]);
        // Several batches are on their way at once.
        assert_eq!(arrived.iter().map(|arrived| first(arrived).1).min(), Some(1));
        assert!(arrived[1..].iter().any(|again| first(again) == first(&arrived[0])), "{protocol}");
        let streams: BTreeSet<_> = arrived.into_iter().flat_map(|arrived| arrived.streams).collect();
        assert_eq!(streams.len(), 1, "one stream, also when it is sent again");
    }
}

/// Row 13.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_is_unavailable_gets_everything_later() {
    for protocol in PROTOCOLS {
        let sink = FaultySink::start(Wire::Open, |_, nth| if nth < 3 { Reply::Unavailable } else { Reply::Take }).await;
        let client = Client::of(&sink, protocol, &[]);
        let ids = client.record(100);
        client.flush().await;
        all_arrived(&sink, &ids, protocol);
        assert_eq!(client.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered], "{protocol}");
    }
}

/// Row 13: RetryInfo and Retry-After. A flush does not get around it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_delay_that_a_sink_asks_for_is_honoured() {
    for protocol in PROTOCOLS {
        let sink = FaultySink::start(Wire::Open, |_, nth| if nth == 0 { Reply::Later(2) } else { Reply::Take }).await;
        let client = Client::of(&sink, protocol, &[]);
        let ids = client.record(10);
        while client.trail.flush(Duration::from_millis(100)).await.is_err() {}
        all_arrived(&sink, &ids, protocol);
        let arrived = sink.arrived();
        let first = arrived.iter().position(|arrived| arrived.reply == Reply::Take).unwrap();
        assert!(arrived[first].at - arrived[0].at >= Duration::from_secs(2), "{protocol}");
    }
}

/// Rows 13 and 14: INVALID_ARGUMENT and 400.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_poison_record_in_ten_thousand_stalls_nothing_and_is_the_only_one_given_up() {
    for protocol in PROTOCOLS {
        let poison = Arc::<Mutex<Option<String>>>::default();
        let found = poison.clone();
        let has_poison = move |ids: &[String]| found.lock().unwrap().as_ref().is_some_and(|id| ids.contains(id));
        let sink =
            FaultySink::start(Wire::Refused, move |ids, _| if has_poison(ids) { Reply::Invalid } else { Reply::Take })
                .await;
        let client = Client::of(&sink, protocol, &[]);
        let mut ids = client.record(10_000);
        let poisoned = ids.remove(6789);
        *poison.lock().unwrap() = Some(poisoned.clone());
        sink.set_wire(Wire::Open);
        client.flush().await;
        all_arrived(&sink, &ids, protocol);
        assert_eq!(client.given_up(), 1, "{protocol}");
        let kept = client.quarantined();
        assert_eq!(kept.iter().map(|kept| (kept.cause, kept.refused)).collect::<Vec<_>>(), [(Cause::Refused, 1)]);
        assert_eq!(ids_of(&kept), [poisoned], "{protocol}: its bytes are kept");
    }
}

/// Row 13: UNAUTHENTICATED and PERMISSION_DENIED, 401 and 403.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_credentials_cost_no_record_and_raise_one_alarm_that_says_what_to_check() {
    for (protocol, refusal) in
        PROTOCOLS.into_iter().flat_map(|protocol| [(protocol, Reply::Unauthenticated), (protocol, Reply::Forbidden)])
    {
        let sink = FaultySink::start(Wire::Open, move |_, nth| if nth < 2 { refusal } else { Reply::Take }).await;
        let client = Client::of(&sink, protocol, &[]);
        let ids = client.record(10);
        while client.trail.flush(Duration::from_millis(200)).await.is_err() {}
        all_arrived(&sink, &ids, protocol);
        assert_eq!(client.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered], "{protocol} {refusal:?}");
        let alarm = &client.said()[0];
        assert!(alarm.contains("OTEL_EXPORTER_OTLP_HEADERS") && alarm.contains(&sink.endpoint()), "{alarm}");
        assert_eq!(client.given_up(), 0);
    }
}

/// Row 13.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partial_success_is_not_sent_again_and_its_refused_records_are_counted() {
    for protocol in PROTOCOLS {
        // How many records a request has is a matter of time; the first record of the stream may have gone ahead.
        let mut is_first = true;
        let script = move |ids: &[String], _| {
            let partly = ids.len() > 3 && std::mem::replace(&mut is_first, false);
            if partly { Reply::TakeBut(3) } else { Reply::Take }
        };
        let sink = FaultySink::start(Wire::Refused, script).await;
        let client = Client::of(&sink, protocol, &[]);
        let ids = client.record(50);
        sink.set_wire(Wire::Open);
        client.flush().await;
        all_arrived(&sink, &ids, protocol);
        assert_eq!(sink.taken().iter().filter(|id| **id == ids[0]).count(), 1, "{protocol}: never twice");
        assert_eq!(client.given_up(), 3, "{protocol}");
        let kept = client.quarantined();
        assert_eq!(kept.iter().map(|kept| (kept.cause, kept.refused)).collect::<Vec<_>>(), [(Cause::PartlyRefused, 3)]);
        let suspects = ids_of(&kept);
        let partly = sink.arrived().into_iter().find(|arrived| arrived.reply == Reply::TakeBut(3)).unwrap();
        assert_eq!(suspects, partly.ids, "{protocol}: nobody knows which, so all are kept");
    }
}

/// Row 13: 413, and RESOURCE_EXHAUSTED for a message that is too large.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_too_large_is_sent_in_parts() {
    for protocol in PROTOCOLS {
        let sink =
            FaultySink::start(Wire::Refused, |ids, _| if ids.len() > 100 { Reply::TooLarge } else { Reply::Take })
                .await;
        let client = Client::of(&sink, protocol, &[]);
        let ids = client.record(1000);
        sink.set_wire(Wire::Open);
        client.flush().await;
        all_arrived(&sink, &ids, protocol);
        assert_eq!(client.given_up(), 0, "{protocol}");
    }
}

/// Row 21: what cannot be read says nothing, whatever its status says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_read_is_no_success() {
    let answers = [Strange::WebPage, Strange::CutMessage, Strange::CutBody, Strange::TooLong, Strange::OtherType]
        .map(Reply::Strange);
    for (protocol, strange) in PROTOCOLS.into_iter().flat_map(|protocol| answers.map(|answer| (protocol, answer))) {
        let is_well = Arc::new(AtomicBool::new(false));
        let well = is_well.clone();
        let script = move |_: &[String], _| if well.load(SeqCst) { Reply::Take } else { strange };
        let sink = FaultySink::start(Wire::Open, script).await;
        let client = Client::of(&sink, protocol, &[]);
        let ids = client.record(20);
        let pending = client.pending_when_it_is_told().await;
        assert_eq!(pending, 20 + STARTED, "{protocol} {strange:?}: nothing is settled that was not answered");
        // Nor later, however often it is asked.
        let asked = sink.arrived().len() + 3;
        while sink.arrived().len() < asked {
            let waits = client.trail.flush(Duration::from_millis(50)).await.unwrap_err();
            assert_eq!(waits.pending, 20 + STARTED, "{protocol} {strange:?}");
        }
        is_well.store(true, SeqCst);
        while client.trail.flush(Duration::from_millis(200)).await.is_err() {}
        all_arrived(&sink, &ids, &format!("{protocol} {strange:?}"));
        assert_eq!(client.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered], "{protocol} {strange:?}");
        let said = &client.said()[0];
        // A connection that ends early may take the head of the answer with it.
        let is_cut = strange == Reply::Strange(Strange::CutBody) && said.contains("the connection broke");
        assert!(said.contains("does not answer as an OTLP collector") || is_cut, "{protocol} {strange:?}: {said}");
        assert_eq!((client.given_up(), client.quarantined()), (0, vec![]), "{protocol} {strange:?}");
    }
}

/// Row 21: a collector in trouble answers 500 or INTERNAL; somebody flushes all the time, which cuts the pauses short.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_healthy_is_given_up_by_500s_under_flushes() {
    for protocol in PROTOCOLS {
        let is_well = Arc::new(AtomicBool::new(true));
        let well = is_well.clone();
        let script = move |_: &[String], _| if well.load(SeqCst) { Reply::Take } else { Reply::Internal };
        let sink = FaultySink::start(Wire::Open, script).await;
        let client = Client::of(&sink, protocol, &[]);
        client.flush().await;
        is_well.store(false, SeqCst);
        let ids = client.record(201);
        while sink.arrived().len() < 100 {
            client.trail.flush(Duration::from_millis(5)).await.unwrap_err();
        }
        is_well.store(true, SeqCst);
        client.flush().await;
        all_arrived(&sink, &ids, protocol);
        assert_eq!((client.given_up(), client.quarantined()), (0, vec![]), "{protocol}");
        assert_eq!(client.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered], "{protocol}");
    }
}

/// tonic panics at status details that are no base64.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_sink_says_panics() {
    for protocol in PROTOCOLS {
        let sink = FaultySink::start(Wire::Open, |_, nth| if nth < 2 { Reply::Nonsense } else { Reply::Take }).await;
        let client = Client::of(&sink, protocol, &[]);
        let ids = client.record(10);
        client.flush().await;
        all_arrived(&sink, &ids, protocol);
        assert_eq!(client.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered], "{protocol}");
        let said = &client.said()[0];
        assert!(said.contains("gRPC Unavailable") || said.contains("HTTP 503"), "{protocol}: {said}");
    }
}

/// A wish beyond all numbers is no time that a clock can add.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_survives_any_wish() {
    let is_replayed = Arc::new(AtomicBool::new(false));
    let replayed = is_replayed.clone();
    let script = move |_: &[String], _| if replayed.load(SeqCst) { Reply::Later(u64::MAX) } else { Reply::Invalid };
    let sink = FaultySink::start(Wire::Open, script).await;
    let client = Client::of(&sink, "http/protobuf", &[]);
    client.flush().await;
    is_replayed.store(true, SeqCst);
    let (settings, quarantine) = (client.trail.settings().logs.clone(), client.quarantine());
    let name = quarantine.names().unwrap().remove(0);
    let replay = move || {
        let replay = Replay::connect(&OtlpConnector, &settings).unwrap();
        replay.replay(&quarantine, &name, Duration::from_secs(1)).unwrap_err()
    };
    let error = std::thread::spawn(replay).join().expect("it does not panic");
    assert!(matches!(error, ReplayError::Refused(_)), "{error}");
}

/// The ports of the two protocols are neighbours, and taken for each other. The servers speak one of them alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_of_the_other_protocol_is_named_as_that() {
    // As the server of the Go collector answers what is none of HTTP/1.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let of_plain = plain.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = plain.accept().await.unwrap();
            tokio::spawn(async move {
                drop(client.read_exact(&mut [0; 16]).await);
                drop(
                    client
                        .write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                        .await,
                );
                drop(client.read_to_end(&mut Vec::new()).await);
            });
        }
    });
    let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let of_grpc = grpc.local_addr().unwrap();
    tokio::spawn(async move {
        let server = tonic::transport::Server::builder().add_routes(tonic::service::Routes::default());
        server.serve_with_incoming(tonic::transport::server::TcpIncoming::from(grpc)).await.unwrap();
    });
    for (address, protocol, other) in [
        (of_plain, "grpc", "it may be the port of OTLP/HTTP"),
        (of_grpc, "http/protobuf", "it may be the port of OTLP/gRPC"),
    ] {
        let client = Client::at(&format!("http://{address}"), protocol, &[]);
        client.record(1);
        let refusal = loop {
            let error = client.trail.flush(Duration::from_millis(50)).await.unwrap_err();
            if let Some(refusal) = error.last_refusal.clone() {
                assert!(error.to_string().contains(&refusal), "{error}");
                break refusal;
            }
        };
        assert!(refusal.contains(other), "{protocol}: {refusal}");
        assert!(client.said().iter().any(|said| said.contains(other)), "{protocol}: {:?}", client.said());
    }
}

/// Refused, then 404: what has to be mended is another thing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trouble_that_changes_is_told_again() {
    let sink = FaultySink::start(Wire::Refused, |_, _| Reply::Take).await;
    let client = Client::at(&format!("{}/elsewhere", sink.endpoint()), "http/protobuf", &[]);
    client.record(1);
    client.pending_when_it_is_told().await;
    sink.set_wire(Wire::Open);
    while !client.said().iter().any(|said| said.contains("HTTP 404")) {
        drop(client.trail.flush(Duration::from_millis(50)).await);
    }
    let error = client.trail.flush(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!((error.pending, error.last_refusal.as_deref()), (1 + STARTED, Some("HTTP 404")));
    let said = client.said();
    assert!(said.len() == 2 && said[0].contains("refused"), "{said:?}");
}

/// A collector that refuses everything refuses gap records, too: they must not bring about each other for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gap_records_that_are_refused_bring_about_no_further_ones() {
    let sink = FaultySink::start(Wire::Open, |_, _| Reply::Invalid).await;
    let client = Client::of(&sink, "http/protobuf", &[]);
    client.record(10);
    client.flush().await;
    let written = client.trail.counts().acknowledged;
    let grows = async {
        while client.trail.counts().acknowledged < written + 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(1), grows).await.is_err(), "{:?}", client.trail.counts());
    // A flush tells of them, once, and comes to its end.
    client.flush().await;
    let counts = client.trail.counts();
    assert!(counts.acknowledged <= written + 3, "{written} {counts:?}");
    assert_eq!(counts.quarantined + counts.pending, counts.acknowledged, "{counts:?}");
}

/// The oldest goes first, and nothing goes that no durable record has told of: the sink that refuses all the rest takes gap
/// records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarantine_that_is_full_sheds_the_oldest_once_that_is_told() {
    const MOST: u64 = 1 << 20;
    let poison = Arc::<Mutex<BTreeSet<String>>>::default();
    let refused = poison.clone();
    // Nothing is asked before the test has said what is poison.
    let has_poison = move |ids: &[String]| ids.iter().any(|id| refused.lock().unwrap().contains(id));
    let script = move |ids: &[String], _| if has_poison(ids) { Reply::Invalid } else { Reply::Take };
    let sink = FaultySink::start(Wire::Open, script).await;
    let more = [("AUDITRAIL_QUARANTINE_MAX_BYTES", "1048576")];
    let client = Client::of(&sink, "grpc", &more);
    // Each of them a file of one block, at least: together more than the bound.
    let mut recorded = 0;
    while !client.said().iter().any(|said| said.contains("are removed from it")) {
        sink.set_wire(Wire::Refused);
        poison.lock().unwrap().insert(client.record_large());
        sink.set_wire(Wire::Open);
        recorded += 1;
        client.flush().await;
        let bytes: u64 =
            files_of(&client.quarantine_directory()).iter().map(|bytes| bytes.next_multiple_of(4096)).sum();
        assert!(bytes <= MOST, "{bytes} after {recorded}");
    }
    client.flush().await;
    let counts = client.trail.counts();
    assert_eq!(counts.delivered + counts.quarantined + counts.pending, counts.acknowledged, "{counts:?}");
    let kept: u64 = client.quarantined().iter().map(|kept| kept.refused).sum();
    assert!(kept < counts.quarantined && kept > 0, "{kept} {counts:?}");
    // Numbers ascend with time, so the oldest are those with the least.
    let discarded = sink.texts("auditrail.gap.cause", "discarded");
    assert!(!discarded.is_empty());
    let told: i64 = discarded.iter().map(|record| number(record, "auditrail.gap.count")).sum();
    let last = discarded.iter().map(|record| number(record, "auditrail.gap.last")).max().unwrap();
    assert_eq!(u64::try_from(told).unwrap(), counts.quarantined - kept, "gone implies told");
    assert!(client.quarantined().iter().all(|kept| kept.first > u64::try_from(last).unwrap()), "{last}");
}

/// With the other setting nothing goes: what is refused waits in the journal, is told, and goes on when there is room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarantine_that_refuses_keeps_everything_and_holds_up_what_is_refused() {
    let sink = FaultySink::start(Wire::Open, |_, _| Reply::Invalid).await;
    let more = [("AUDITRAIL_QUARANTINE_MAX_BYTES", "1048576"), ("AUDITRAIL_QUARANTINE_WHEN_FULL", "refuse")];
    let client = Client::of(&sink, "grpc", &more);
    let is_told = || client.said().iter().any(|said| said.contains("the quarantine is full"));
    while !is_told() {
        client.record_large();
        drop(client.trail.flush(Duration::from_millis(200)).await);
    }
    let counts = client.trail.counts();
    let kept: u64 = client.quarantined().iter().map(|kept| kept.refused).sum();
    assert!(counts.pending > 0, "{counts:?}");
    assert_eq!(kept, counts.quarantined, "nothing went");
    let quarantine = client.quarantine();
    quarantine.names().unwrap().iter().for_each(|name| quarantine.discard(name).unwrap());
    client.flush().await;
    assert!(client.said().iter().any(|said| said.contains("are in quarantine now")), "{:?}", client.said());
    let counts = client.trail.counts();
    assert_eq!(counts.quarantined + counts.pending, counts.acknowledged, "{counts:?}");
}

/// Bytes of each file in a directory.
fn files_of(directory: &std::path::Path) -> Vec<u64> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().metadata().map_or(0, |file| file.len())).collect()
}

/// Each id at least once; numbers ascend within each request.
fn all_arrived(sink: &FaultySink, ids: &[String], case: &str) {
    let taken: BTreeSet<String> = sink.taken().into_iter().collect();
    let missing = ids.iter().filter(|id| !taken.contains(*id)).count();
    assert_eq!(missing, 0, "{case}: of {}", ids.len());
    for arrived in sink.arrived() {
        assert!(arrived.numbers.is_sorted_by(|a, b| a < b), "{case}: {:?}", arrived.numbers);
    }
}

/// The ids of the records in quarantine.
fn ids_of(quarantined: &[Quarantined]) -> Vec<String> {
    let records = quarantined.iter().flat_map(|kept| &kept.entries).map(|entry| Record::decode(&entry.record).unwrap());
    records.map(|record| record.text(names::AUDIT_RECORD_ID).unwrap().to_owned()).collect()
}

/// A trail that ships to the sink, and what it says.
struct Client {
    trail: Trail,
    notices: Arc<Mutex<Vec<Notice>>>,
    directory: tempfile::TempDir,
}

impl Client {
    fn of(sink: &FaultySink, protocol: &str, more: &[(&str, &str)]) -> Self {
        Self::at(&sink.endpoint(), protocol, more)
    }

    fn at(endpoint: &str, protocol: &str, more: &[(&str, &str)]) -> Self {
        let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint), ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)];
        let notices = Arc::<Mutex<Vec<Notice>>>::default();
        let said = notices.clone();
        let directory = tempfile::tempdir().unwrap();
        let trail = Trail::builder("weather")
            .directory(directory.path())
            .environment(Environment::from_iter([&variables, more].concat()))
            .flush_timeout(Duration::from_millis(10))
            .on_notice(move |notice| said.lock().unwrap().push(notice.clone()))
            .start()
            .unwrap();
        Self { trail, notices, directory }
    }

    /// Acknowledges that many records, whatever the sink does, and gives their ids.
    fn record(&self, count: usize) -> Vec<String> {
        let moment =
            |number: usize| Moment::new(EventName::Context).attribute("number", i64::try_from(number).unwrap());
        let ids = (0..count).map(|number| self.trail.record(moment(number)).to_string()).collect();
        assert_eq!(self.trail.counts().refused, 0);
        ids
    }

    /// Acknowledges one record of eighty thousand bytes, and gives its id.
    fn record_large(&self) -> String {
        let parts = Value::strings((0..20).map(|_| "x".repeat(4000)).collect::<Vec<_>>());
        self.trail.record(Moment::new(EventName::Context).attribute("app.parts", parts)).to_string()
    }

    async fn flush(&self) {
        self.trail.flush(LONG).await.unwrap();
    }

    /// What waits when the first attempt has failed, however long that takes.
    async fn pending_when_it_is_told(&self) -> u64 {
        loop {
            let pending = self.trail.flush(Duration::from_millis(50)).await.unwrap_err().pending;
            if !self.levels().is_empty() {
                return pending;
            }
        }
    }

    fn given_up(&self) -> u64 {
        self.trail.counts().quarantined
    }

    fn quarantine(&self) -> Quarantine {
        Quarantine::of(Arc::new(Disk::default()), &self.directory.path().join("journal"))
    }

    fn quarantine_directory(&self) -> std::path::PathBuf {
        self.directory.path().join("journal/quarantine")
    }

    fn quarantined(&self) -> Vec<Quarantined> {
        let quarantine = self.quarantine();
        quarantine.names().unwrap().iter().map(|name| quarantine.read(name).unwrap()).collect()
    }

    fn levels(&self) -> Vec<NoticeLevel> {
        self.notices.lock().unwrap().iter().map(|notice| notice.level).collect()
    }

    fn said(&self) -> Vec<String> {
        self.notices.lock().unwrap().iter().map(|notice| notice.text.clone()).collect()
    }
}
