use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;

use super::*;
use crate::config::{Environment, Notice, NoticeLevel, Notices, Overrides, Settings};
use crate::journal::Journal;
use crate::record::{Record, Severity, ThreadEntropy};

/// The request is what prost would write, and the records in it are byte for byte what was appended.
#[test]
fn frames_are_requests_and_records_go_out_as_they_are() {
    let envelope = Envelope::new(&[("service.name".into(), "weather".into())]);
    let records: Vec<Bytes> = (0..3).map(record).collect();
    let bytes = envelope.request(&records);
    let request = ExportLogsServiceRequest::decode(bytes.clone()).unwrap();
    assert_eq!(request.encode_to_vec(), bytes);
    let scope = &request.resource_logs[0].scope_logs[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "auditrail");
    assert_eq!(scope.log_records.iter().map(|record| Bytes::from(record.encode_to_vec())).collect::<Vec<_>>(), records);
}

#[test]
fn what_the_sink_does_not_take_is_sent_again_and_said_once() {
    let retry = || Err(ExportError::Retry { reason: "away".into(), after: None });
    let harness = Harness::start([retry(), retry(), retry(), Ok(Accepted::default())]);
    for n in 0..10 {
        harness.journal.append(&record(n)).unwrap();
    }
    harness.flush(10);
    assert_eq!(harness.taken(), (0..10).collect::<Vec<_>>());
    assert_eq!(harness.levels(), [NoticeLevel::Warning, NoticeLevel::Recovered]);
    assert_eq!(harness.shipper.stats().snapshot(), StatsSnapshot { delivered: 10, lost: 0, failed_requests: 3 });
}

#[test]
fn a_refused_record_is_found_by_halving_and_the_others_arrive_in_order() {
    let harness = Harness::start([]);
    harness.script.lock().unwrap().poison = Some(6);
    for n in 0..10 {
        harness.journal.append(&record(n)).unwrap();
    }
    harness.flush(10);
    assert_eq!(harness.taken(), [0, 1, 2, 3, 4, 5, 7, 8, 9]);
    assert_eq!(harness.shipper.stats().snapshot(), StatsSnapshot { delivered: 9, lost: 1, failed_requests: 0 });
    assert_eq!(harness.levels(), [NoticeLevel::Warning]);
}

/// Codes such as INTERNAL may mean a poison record or a collector in trouble: the one must not hold up the others, the
/// other must not cost a record at once.
#[test]
fn a_doubtful_answer_halves_a_batch_and_gives_a_record_up_only_after_attempts() {
    let doubt = || Err(ExportError::Doubtful { reason: "INTERNAL".into() });
    let passing = Harness::start([doubt(), doubt(), doubt(), doubt()]);
    for n in 0..2 {
        passing.journal.append(&record(n)).unwrap();
    }
    passing.flush(2);
    assert_eq!(passing.taken(), [0, 1], "it passed");
    assert_eq!(passing.shipper.stats().snapshot().lost, 0);

    let poisoned = Harness::start([]);
    {
        let mut script = poisoned.script.lock().unwrap();
        (script.poison, script.doubtful) = (Some(1), true);
    }
    for n in 0..4 {
        poisoned.journal.append(&record(n)).unwrap();
    }
    while !poisoned.journal.settled_within(4, Duration::from_millis(5)) {
        poisoned.shipper.hurry();
    }
    assert_eq!(poisoned.taken(), [0, 2, 3]);
    assert_eq!(poisoned.shipper.stats().snapshot().lost, 1);
}

#[test]
fn a_partial_success_is_counted_and_never_sent_again() {
    let harness = Harness::start([Ok(Accepted::but(2))]);
    for n in 0..5 {
        harness.journal.append(&record(n)).unwrap();
    }
    harness.flush(5);
    assert_eq!(harness.taken(), (0..5).collect::<Vec<_>>());
    assert_eq!(harness.shipper.stats().snapshot(), StatsSnapshot { delivered: 3, lost: 2, failed_requests: 0 });
}

#[test]
fn the_pause_grows_to_a_low_cap_and_honours_the_sinks_wish() {
    let mut backoff = backoff::Backoff::default();
    let pauses: Vec<Duration> = (0..40).map(|_| backoff.next(None, &ThreadEntropy)).collect();
    assert!(pauses[0] >= Duration::from_millis(50) && pauses[0] <= Duration::from_millis(100));
    assert!(pauses[39] >= Duration::from_millis(2500) && pauses[39] <= Duration::from_secs(5));
    let wish = backoff.next(Some(Duration::from_secs(60)), &ThreadEntropy);
    assert_eq!(wish, Duration::from_secs(60));
    assert_eq!(backoff.next(Some(Duration::MAX), &ThreadEntropy), Duration::from_secs(300));
}

fn record(number: u64) -> Bytes {
    let mut bytes = Vec::new();
    let mut encoder = crate::record::Encoder::new(&mut bytes, number + 1, &Severity::INFO);
    encoder.body("a record");
    encoder.finish(None, number + 1, "auditrail.context");
    bytes.into()
}

struct Harness {
    journal: Journal,
    shipper: Shipper,
    script: Arc<Mutex<Script>>,
    notices: Arc<Mutex<Vec<Notice>>>,
}

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Result<Accepted, ExportError>>,
    poison: Option<u64>,
    doubtful: bool,
    taken: Vec<u64>,
}

impl Harness {
    fn start(answers: impl IntoIterator<Item = Result<Accepted, ExportError>>) -> Self {
        let script = Arc::new(Mutex::new(Script { answers: answers.into_iter().collect(), ..Script::default() }));
        let notices = Arc::<Mutex<Vec<Notice>>>::default();
        let said = notices.clone();
        let (journal, reader) = Journal::in_memory(1 << 20);
        let overrides = Overrides { service_name: Some("test".into()), ..Overrides::default() };
        let settings = Settings::read(&overrides, &Environment::default()).unwrap();
        let cargo = Cargo {
            envelope: Envelope::new(&settings.resource.attributes),
            connector: Arc::new(Scripted(script.clone())),
            notices: Notices::to(move |notice| said.lock().unwrap().push(notice.clone())),
            entropy: Arc::new(ThreadEntropy),
        };
        let shipper = Shipper::start(reader, cargo, &settings.logs).unwrap();
        Self { journal, shipper, script, notices }
    }

    fn flush(&self, position: u64) {
        self.shipper.hurry();
        assert!(self.journal.settled_within(position, Duration::from_secs(30)));
    }

    fn taken(&self) -> Vec<u64> {
        self.script.lock().unwrap().taken.clone()
    }

    fn levels(&self) -> Vec<NoticeLevel> {
        self.notices.lock().unwrap().iter().map(|notice| notice.level).collect()
    }
}

#[derive(Debug, Clone)]
struct Scripted(Arc<Mutex<Script>>);

impl Connector for Scripted {
    fn connect(&self, _: &crate::config::OtlpSettings) -> Result<Box<dyn Sink>, String> {
        Ok(Box::new(self.clone()))
    }
}

impl Sink for Scripted {
    fn export(&mut self, request: Bytes) -> ExportFuture<'_> {
        let request = ExportLogsServiceRequest::decode(request).unwrap();
        let numbers: Vec<u64> = request.resource_logs[0].scope_logs[0]
            .log_records
            .iter()
            .map(|record| Record::from_proto(record.clone()).unwrap().time_unix_nano - 1)
            .collect();
        let mut script = self.0.lock().unwrap();
        let poisoned = script.poison.is_some_and(|poison| numbers.contains(&poison));
        let answer = match script.answers.pop_front() {
            Some(answer) => answer,
            None if poisoned && script.doubtful => Err(ExportError::Doubtful { reason: "INTERNAL".into() }),
            None if poisoned => Err(ExportError::Rejected { reason: "poison".into() }),
            None => Ok(Accepted::default()),
        };
        if answer.is_ok() {
            script.taken.extend(numbers);
        }
        Box::pin(async { answer })
    }
}
