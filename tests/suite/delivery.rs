//! From the trail to a real OTLP/gRPC receiver: nothing lost, nothing silent.

use std::sync::atomic::Ordering;
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, NoticeLevel};
use auditrail::record::{EventName, Record, Value, names};
use auditrail::serve::Receiver;
use auditrail::trail::{Moment, TrailBuilder};

use crate::support::Bench;

const LONG: Duration = Duration::from_secs(120);

fn moment(number: i64) -> Moment {
    Moment::new(EventName::Context).attribute("number", number)
}

fn quiet(builder: TrailBuilder) -> TrailBuilder {
    builder.environment(Environment::default()).on_notice(|_| ())
}

#[tokio::test]
async fn records_arrive_byte_for_byte_with_number_stream_resource_and_scope() {
    for (protocol, compression) in
        [("grpc", "none"), ("grpc", "gzip"), ("http/protobuf", "none"), ("http/protobuf", "gzip")]
    {
        let receiver = Receiver::builder().http(([127, 0, 0, 1], 0).into()).start().await.unwrap();
        let endpoint = if protocol == "grpc" { receiver.grpc_endpoint() } else { receiver.http_endpoint() };
        let environment = Environment::from_iter([
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.unwrap().as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", compression),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ]);
        let directory = tempfile::tempdir().unwrap();
        let builder = Trail::builder("weather").directory(directory.path()).environment(environment);
        let trail = builder.on_notice(|_| ()).start().unwrap();
        let id = trail.record(moment(7));
        trail.flush(LONG).await.unwrap();
        let received = receiver.record(&id.to_string()).expect("it is there once flush has said so");
        let mut record = Record::decode(&received.bytes).unwrap();
        assert_eq!(record.get(names::AUDIT_SEQUENCE_NUMBER), Some(&Value::Int(2)), "behind the one that it started");
        assert_eq!(record.text(names::AUDITRAIL_STREAM_ID).map(str::len), Some(36));
        record.attributes.truncate(record.attributes.len() - 2);
        let mut own = Vec::new();
        record.encode(&mut own);
        assert!(received.bytes.starts_with(&own), "number and stream stand behind what was acknowledged");
        assert_eq!(received.scope.name, "auditrail");
        let resource: Vec<_> = received.resource.attributes.iter().map(|attribute| attribute.key.as_str()).collect();
        assert_eq!(resource, ["deployment.environment.name", "service.name", "service.instance.id"]);
    }
}

#[tokio::test]
async fn a_collector_that_comes_up_late_gets_everything_after_one_warning() {
    let notices = std::sync::Arc::<std::sync::Mutex<Vec<auditrail::config::Notice>>>::default();
    let said = notices.clone();
    // A port that is free now.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let trail = Trail::builder("weather")
        .directory(directory.path())
        .environment(Environment::default())
        .endpoint(format!("http://{address}"))
        .on_notice(move |notice| said.lock().unwrap().push(notice.clone()))
        .start()
        .unwrap();
    for number in 0..1000 {
        trail.record(moment(number));
    }
    while notices.lock().unwrap().is_empty() {
        let error = trail.flush(Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error.pending, 1001, "with the record that the trail started");
    }
    let receiver = Receiver::builder().grpc(address).start().await.unwrap();
    trail.flush(LONG).await.unwrap();
    let number = |bytes: &[u8]| match Record::decode(bytes).unwrap().get("number") {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    };
    // All but the record that the trail started.
    let mut numbers: Vec<i64> = receiver.records().iter().filter_map(|received| number(&received.bytes)).collect();
    // Where the shipper was slow to read, they are several batches in flight, which arrive in any order.
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    let levels: Vec<_> = notices.lock().unwrap().iter().map(|notice| notice.level).collect();
    assert_eq!(levels, [NoticeLevel::Warning, NoticeLevel::Recovered]);
    assert!(notices.lock().unwrap()[0].text.contains(&address.to_string()));
}

/// From inside a runtime with one thread, which is blocked meanwhile: the shipper has its own.
#[test]
fn a_trail_can_be_shown() {
    let bench = Bench::new();
    let shown = format!("{:?} {:?}", bench.trail, bench.trail.layer());
    assert!(shown.contains("service: \"bench\""), "{shown}");
}

#[test]
fn dropping_the_last_handle_ships_what_is_left() {
    let elsewhere = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let receiver = elsewhere.block_on(Receiver::builder().start()).unwrap();
    let host = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    host.block_on(async {
        let builder =
            quiet(Trail::builder("weather")).directory(directory.path()).endpoint(receiver.grpc_endpoint().unwrap());
        let trail = builder.flush_timeout(LONG).start().unwrap();
        let other = trail.clone();
        trail.record(moment(1));
        drop(trail);
        other.record(moment(2));
        drop(other);
    });
    assert_eq!(receiver.records().len(), 4, "started, two, stopped");
}

#[test]
fn a_full_journal_is_counted_said_once_and_told_by_a_gap_record() {
    let bench = Bench::with(|builder| builder.journal_max_bytes(256 * 1024));
    bench.sunk.away.store(true, Ordering::SeqCst);
    for number in 0..2000 {
        bench.trail.record(moment(number));
    }
    let counts = bench.trail.counts();
    assert!(counts.refused > 0 && counts.acknowledged > 0);
    assert_eq!(counts.emitted, counts.acknowledged + counts.refused);
    let full: Vec<_> = bench.said().into_iter().filter(|text| text.contains("records are being left out")).collect();
    assert!(full[0].contains("AUDITRAIL_JOURNAL_MAX_BYTES"));

    bench.sunk.away.store(false, Ordering::SeqCst);
    let records = bench.records();
    let gaps: i64 = records
        .iter()
        .filter(|record| record.event_name == "auditrail.gap")
        .map(|gap| {
            // Shed from nine tenths on; refused where segments were not made as fast as records came.
            assert!(matches!(gap.text(names::AUDITRAIL_GAP_CAUSE), Some("shed" | "refused")));
            match gap.get(names::AUDITRAIL_GAP_COUNT) {
                Some(Value::Int(count)) => *count,
                other => panic!("{other:?}"),
            }
        })
        .sum();
    assert_eq!(gaps, i64::try_from(counts.refused).unwrap());
    // Once an episode: where a segment was made late there is room for a moment, and another gap.
    let episodes = records.iter().filter(|record| record.event_name == "auditrail.gap").count();
    assert!((1..=episodes).contains(&full.len()), "{episodes} gaps: {full:?}");
    let counts = bench.trail.counts();
    assert_eq!(counts.acknowledged, counts.delivered + counts.quarantined + counts.lost + counts.pending);
}

/// A notice sink of the user's that panics takes neither the calls nor the shipper with it.
#[test]
fn a_notice_sink_that_panics_is_contained() {
    let bench = Bench::with(|builder| {
        builder.journal_max_bytes(256 * 1024).on_notice(|_| std::panic::resume_unwind(Box::new("expected")))
    });
    bench.sunk.away.store(true, Ordering::SeqCst);
    for number in 0..2000 {
        bench.trail.record(moment(number));
    }
    bench.sunk.away.store(false, Ordering::SeqCst);
    assert!(bench.records().len() > 10, "the shipper lives");
}

/// The end with a dead collector is bounded and says what is lost.
#[test]
fn the_end_with_a_dead_collector_is_bounded_and_honest() {
    let bench = Bench::with(|builder| builder.flush_timeout(Duration::from_millis(50)));
    bench.sunk.away.store(true, Ordering::SeqCst);
    bench.trail.record(moment(1));
    let notices = bench.notices.clone();
    drop(bench);
    let notices = notices.lock().unwrap();
    assert!(notices.iter().any(|notice| notice.text.contains("3 audit record(s) were not delivered")), "{notices:?}");
}

#[test]
fn mistakes_stop_the_start_with_a_message_that_names_variable_value_and_fix() {
    for (variable, value, fix) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url", "set one such as http://localhost:4317"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "no-equals-sign", "write name=value,name=value"),
        ("AUDITRAIL_FLUSH_TIMEOUT", "2s", "set whole milliseconds"),
        ("AUDITRAIL_JOURNAL_WITHOUT", "locks", "set directory_sync, lock"),
        ("AUDITRAIL_DIR", "relative", "set one that begins with /"),
        (
            "AUDITRAIL_JOURNAL_MAX_BITES",
            "1",
            "use one of: AUDITRAIL_DIR, AUDITRAIL_JOURNAL_MAX_BYTES, AUDITRAIL_JOURNAL_WITHOUT",
        ),
    ] {
        let environment = Environment::from_iter([(variable, value), ("HOME", "/nowhere")]);
        let error = Trail::builder("weather").environment(environment).start().unwrap_err().to_string();
        assert!(
            error.starts_with("auditrail does not start: ") && error.contains(variable) && error.contains(fix),
            "{error}"
        );
    }
}

#[test]
fn an_unreadable_port_of_another_service_is_retried_not_dropped() {
    // It accepts connections and answers nothing that is HTTP/2.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(3) {
            drop(stream);
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let trail = quiet(Trail::builder("weather").directory(directory.path()).endpoint(format!("http://{address}")))
        .flush_timeout(Duration::from_millis(100))
        .start()
        .unwrap();
    trail.record(moment(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(trail.flush(Duration::from_millis(200))).unwrap_err().pending, 2);
}
