//! A lane between a shelf of records and a sink that answers by script.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;
use tokio::time::{Instant, sleep};

use crate::config::{Notice, NoticeLevel, Notices};
use crate::journal::{Batch, BatchLimits, Entry, JournalError, Refused, Sequence, SinkName};
use crate::record::{Encoder, Record, Severity, StreamId, ThreadEntropy, Value, names};
use crate::ship::delivery::{Delivery, ShipperContext};
use crate::ship::source::{BatchSource, Settle, ShippedStream};
use crate::ship::target::Target;
use crate::ship::{
    Accepted, Envelope, ExportError, ExportFuture, Lane, RefusedRange, Reports, Sink, StatsSnapshot, encode_resource,
    encode_scope,
};

/// How long the sink takes, and what it says then.
pub(super) type Answer = (Duration, Result<Accepted, ExportError>);

/// The lane and everything around it.
pub(super) struct Rig {
    pub(super) lane: Lane,
    pub(super) sink: Arc<Scripted>,
    notices: Arc<Mutex<Vec<Notice>>>,
    pub(super) heard: Arc<Heard>,
}

impl Rig {
    /// The script is asked with the numbers in a request and how many requests there were before it.
    pub(super) fn new(script: impl FnMut(&[Sequence], usize) -> Answer + Send + 'static) -> Self {
        let sink = Arc::new(Scripted { script: Mutex::new(Box::new(script)), requests: Mutex::default() });
        let (notices, heard) = (Arc::<Mutex<Vec<Notice>>>::default(), Arc::<Heard>::default());
        let said = notices.clone();
        let parts = ShipperContext {
            notices: Notices::to(move |notice| said.lock().unwrap().push(notice.clone())),
            entropy: Arc::new(ThreadEntropy),
            reports: heard.clone(),
        };
        let lane =
            Lane(Arc::new(Delivery::new(parts, sink.clone(), Target::Collector("http://collector:4317/".into()))));
        Self { lane, sink, notices, heard }
    }

    pub(super) async fn ship(&self, shelf: &mut Shelf) {
        let shipped = shelf.shipped();
        let (mut records, mut books) = shelf.handles();
        self.lane.ship(&shipped, &mut records, &mut books).await;
    }

    pub(super) fn levels(&self) -> Vec<NoticeLevel> {
        self.notices.lock().unwrap().iter().map(|notice| notice.level).collect()
    }

    pub(super) fn said(&self) -> Vec<String> {
        self.notices.lock().unwrap().iter().map(|notice| notice.text.clone()).collect()
    }

    pub(super) fn stats(&self) -> StatsSnapshot {
        self.lane.0.stats.snapshot()
    }
}

type Script = Box<dyn FnMut(&[Sequence], usize) -> Answer + Send>;

/// Counts its requests, and says what the script says.
pub(super) struct Scripted {
    script: Mutex<Script>,
    requests: Mutex<Vec<Asked>>,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) at: Instant,
    pub(super) numbers: Vec<Sequence>,
    pub(super) taken: bool,
}

impl Scripted {
    pub(super) fn requests(&self) -> Vec<Asked> {
        self.requests.lock().unwrap().clone()
    }

    /// The numbers of all records that were taken, in the order of the requests.
    pub(super) fn taken(&self) -> Vec<Sequence> {
        self.requests().into_iter().filter(|asked| asked.taken).flat_map(|asked| asked.numbers).collect()
    }

    /// The pauses between requests.
    pub(super) fn pauses(&self) -> Vec<Duration> {
        self.requests().windows(2).map(|pair| pair[1].at - pair[0].at).collect()
    }
}

impl std::fmt::Debug for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scripted")
    }
}

impl Sink for Scripted {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        let numbers = numbers(&request);
        let nth = self.requests.lock().unwrap().len();
        self.requests.lock().unwrap().push(Asked { at: Instant::now(), numbers: numbers.clone(), taken: false });
        // A script may panic, and be asked again.
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let (delay, answer) = script(&numbers, nth);
        drop(script);
        self.requests.lock().unwrap()[nth].taken = answer.is_ok();
        Box::pin(async move {
            sleep(delay).await;
            answer
        })
    }
}

/// `audit.sequence.number` of each record.
fn numbers(request: &Bytes) -> Vec<Sequence> {
    let request = ExportLogsServiceRequest::decode(request.clone()).unwrap();
    let records =
        request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs).flat_map(|s| s.log_records);
    records
        .map(|record| match Record::from_proto(record).unwrap().get(names::AUDIT_SEQUENCE_NUMBER) {
            Some(Value::Int(number)) => u64::try_from(*number).unwrap(),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Records that wait in memory; quarantine fails as often as it is told to.
#[derive(Debug)]
pub(super) struct Shelf {
    stream: StreamId,
    entries: Vec<Entry>,
    read: usize,
    resource: Bytes,
    scope: Bytes,
    pub(super) settled: Vec<Sequence>,
    pub(super) quarantine: Mutex<Vec<Kept>>,
    pub(super) failures: Mutex<u32>,
}

/// A quarantined part of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) numbers: Vec<Sequence>,
    pub(super) refused: u64,
    pub(super) reason: String,
}

impl Shelf {
    /// With records numbered from 1.
    pub(super) fn of(records: u64) -> Self {
        Self {
            stream: stream(),
            entries: (1..=records).map(entry).collect(),
            read: 0,
            resource: encode_resource(&[("service.name".into(), "weather".into())]),
            scope: encode_scope(),
            settled: Vec::new(),
            quarantine: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    /// Of another process.
    pub(super) fn of_another(records: u64) -> Self {
        Self { stream: StreamId::new(1, &[9; 10]), ..Self::of(records) }
    }

    pub(super) fn shipped(&self) -> ShippedStream {
        let envelope = Envelope::new(self.resource.clone(), self.scope.clone());
        ShippedStream { stream: self.stream, sink: SinkName::OTLP, envelope }
    }

    /// Both handles, as a journal gives them.
    pub(super) fn handles(&mut self) -> (Records<'_>, Books<'_>) {
        let Self { entries, read, settled, quarantine, failures, .. } = self;
        (Records { entries, read }, Books { settled, quarantine, failures })
    }

    pub(super) fn quarantined(&self) -> Vec<Sequence> {
        self.quarantine.lock().unwrap().iter().flat_map(|kept| kept.numbers.clone()).collect()
    }
}

/// Reads from a shelf.
pub(super) struct Records<'s> {
    entries: &'s [Entry],
    read: &'s mut usize,
}

/// Settles what a shelf has.
pub(super) struct Books<'s> {
    settled: &'s mut Vec<Sequence>,
    quarantine: &'s Mutex<Vec<Kept>>,
    failures: &'s Mutex<u32>,
}

impl BatchSource for Records<'_> {
    async fn readable(&self) {
        if *self.read == self.entries.len() {
            std::future::pending().await
        }
    }

    fn next(&mut self, limits: BatchLimits) -> Option<Batch> {
        let entries: Vec<Entry> = self.entries[*self.read..].iter().take(limits.records).cloned().collect();
        *self.read += entries.len();
        (!entries.is_empty()).then_some(Batch { entries })
    }
}

impl Settle for Books<'_> {
    fn settle(&mut self, through: Sequence) {
        self.settled.push(through);
    }

    fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError> {
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err(JournalError::Full { pending: 1, max: 1, because: String::new() });
        }
        self.quarantine.lock().unwrap().push(Kept {
            numbers: refused.entries.iter().map(|entry| entry.sequence).collect(),
            refused: refused.refused,
            reason: refused.reason.to_owned(),
        });
        Ok(())
    }
}

pub(super) fn stream() -> StreamId {
    StreamId::new(1_800_000_000_000_000_000, &[7; 10])
}

pub(super) fn entry(sequence: Sequence) -> Entry {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, sequence, &Severity::INFO);
    encoder.body("a record");
    encoder.finish(None, sequence, "auditrail.context");
    Entry { sequence, record: bytes.into() }
}

/// What the trail would make records of.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) gaps: Mutex<Vec<RefusedRange>>,
    pub(super) states: Mutex<Vec<&'static str>>,
}

impl Heard {
    pub(super) fn states(&self) -> Vec<&'static str> {
        self.states.lock().unwrap().clone()
    }
}

impl Reports for Heard {
    fn refused(&self, gap: RefusedRange) {
        self.gaps.lock().unwrap().push(gap);
    }

    fn degraded(&self, error_type: &'static str) {
        self.states.lock().unwrap().push(error_type);
    }

    fn recovered(&self) {
        self.states.lock().unwrap().push("recovered");
    }
}

pub(super) fn ok() -> Answer {
    (Duration::ZERO, Ok(Accepted::default()))
}

pub(super) fn retry(after: Option<Duration>) -> Answer {
    (Duration::ZERO, Err(ExportError::Retry { reason: "away".into(), after }))
}

pub(super) fn rejected() -> Answer {
    (Duration::ZERO, Err(ExportError::Rejected { reason: "poison".into() }))
}

pub(super) fn doubtful() -> Answer {
    (Duration::ZERO, Err(ExportError::Doubtful { reason: "INTERNAL".into() }))
}

pub(super) fn unreadable() -> Answer {
    (Duration::ZERO, Err(ExportError::Unreadable { reason: "HTTP 200 with a web page".into() }))
}

pub(super) fn unauthorized() -> Answer {
    (Duration::ZERO, Err(ExportError::Unauthorized { reason: "gRPC Unauthenticated".into() }))
}
