//! A trail whose collector is a list, and a tracer whose exporter is another.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, Notice, OtlpSettings};
use auditrail::record::{Record, Value, names};
use auditrail::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};
use auditrail::trail::TrailBuilder;
use bytes::Bytes;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};
use prost::Message as _;

/// A trail, what its collector received, and what it said.
pub(crate) struct Bench {
    pub(crate) trail: Trail,
    pub(crate) sunk: Sunk,
    pub(crate) notices: Arc<Mutex<Vec<Notice>>>,
    pub(crate) directory: Arc<tempfile::TempDir>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn with(build: impl FnOnce(TrailBuilder) -> TrailBuilder) -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap()), build)
    }

    /// In a directory where there may be streams of others.
    pub(crate) fn on(directory: Arc<tempfile::TempDir>, build: impl FnOnce(TrailBuilder) -> TrailBuilder) -> Self {
        let (sunk, notices) = (Sunk::default(), Arc::<Mutex<Vec<Notice>>>::default());
        let said = notices.clone();
        let builder = Trail::builder("bench")
            .environment(Environment::default())
            .directory(directory.path())
            .connector(sunk.clone())
            .on_notice(move |notice| said.lock().unwrap().push(notice.clone()));
        Self { trail: build(builder).start().unwrap(), sunk, notices, directory }
    }

    /// Everything that was recorded so far, in order, but for what the trail tells of itself.
    pub(crate) fn records(&self) -> Vec<Record> {
        let trail = self.trail.clone();
        let flush = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(trail.flush(Duration::from_secs(120))).unwrap();
        };
        std::thread::spawn(flush).join().unwrap();
        self.sunk.records().into_iter().filter(|record| record.event_name != "auditrail.lifecycle").collect()
    }

    /// Everything that arrived so far, what the trail tells of itself included.
    pub(crate) fn all_records(&self) -> Vec<Record> {
        drop(self.records());
        self.sunk.records()
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.notices.lock().unwrap().iter().map(|notice| notice.text.clone()).collect()
    }
}

/// A collector that keeps what it gets, unless it is told to be away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sunk {
    requests: Arc<Mutex<Vec<Bytes>>>,
    pub(crate) away: Arc<std::sync::atomic::AtomicBool>,
    /// Bytes of the longest request that it takes; 0 for any.
    pub(crate) longest: Arc<std::sync::atomic::AtomicUsize>,
}

impl Sunk {
    pub(crate) fn records(&self) -> Vec<Record> {
        let requests = self.requests.lock().unwrap();
        requests
            .iter()
            .flat_map(|request| ExportLogsServiceRequest::decode(request.clone()).unwrap().resource_logs)
            .flat_map(|resource| resource.scope_logs)
            .flat_map(|scope| scope.log_records)
            .map(|record| Record::from_proto(record).unwrap())
            .collect()
    }

    /// The requests as they came.
    pub(crate) fn requests(&self) -> Vec<ExportLogsServiceRequest> {
        let requests = self.requests.lock().unwrap();
        requests.iter().map(|request| ExportLogsServiceRequest::decode(request.clone()).unwrap()).collect()
    }

    /// The very bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.requests.lock().unwrap().concat()
    }
}

impl Connector for Sunk {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Sunk {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(async move {
            if self.away.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(ExportError::Retry { reason: "away".into(), after: None });
            }
            let longest = self.longest.load(std::sync::atomic::Ordering::SeqCst);
            if longest > 0 && request.len() > longest {
                return Err(ExportError::Rejected { reason: "too large".into() });
            }
            self.requests.lock().unwrap().push(request);
            Ok(Accepted::default())
        })
    }
}

/// A tracer and what it exported.
pub(crate) fn tracer() -> (SdkTracer, Spans) {
    tracer_with(SdkTracerProvider::builder())
}

pub(crate) fn tracer_with(builder: opentelemetry_sdk::trace::TracerProviderBuilder) -> (SdkTracer, Spans) {
    let exporter = InMemorySpanExporter::default();
    let provider = builder.with_simple_exporter(exporter.clone()).build();
    let second = tracing::Dispatch::new(tracing_subscriber::registry());
    (provider.tracer("test"), Spans { exporter, _provider: provider, _second: second })
}

pub(crate) struct Spans {
    exporter: InMemorySpanExporter,
    _provider: SdkTracerProvider,
    /// Where a process has one subscriber only, `tracing` asks that of the current thread whether a call site is of interest,
    /// and remembers it for all threads; tests without a subscriber would say no for those with one.
    _second: tracing::Dispatch,
}

impl Spans {
    pub(crate) fn all(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    pub(crate) fn named(&self, name: &str) -> SpanData {
        self.all()
            .into_iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("no span {name}: {:?}", self.all()))
    }
}

/// Trace and span id as a record shows them.
pub(crate) fn ids(span: &SpanData) -> (String, String) {
    (span.span_context.trace_id().to_string(), span.span_context.span_id().to_string())
}

pub(crate) fn record_ids(record: &Record) -> (String, String) {
    let text = |id: Option<String>| id.unwrap_or_default();
    (text(record.trace_id.map(|id| id.to_string())), text(record.span_id.map(|id| id.to_string())))
}

/// (phase, outcome, detail) of a record; empty where there is none.
pub(crate) fn ending(record: &Record) -> (&str, &str, &str) {
    let text = |name| record.text(name).unwrap_or("");
    (text(names::AUDITRAIL_PHASE), text(names::AUDIT_OUTCOME), text(names::AUDITRAIL_OUTCOME_DETAIL))
}

pub(crate) fn attribute<'a>(span: &'a SpanData, key: &str) -> Option<&'a opentelemetry::Value> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|attribute| &attribute.value)
}

pub(crate) fn double(record: &Record, key: &str) -> f64 {
    match record.get(key) {
        Some(Value::Double(number)) => *number,
        other => panic!("{key} is {other:?}"),
    }
}
