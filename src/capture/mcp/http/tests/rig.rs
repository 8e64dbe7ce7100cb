//! Bodies that do what a test says, and a trail whose collector is a list.

use std::cell::Cell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;

use crate::Trail;
use crate::config::{Environment, Notice, OtlpSettings};
use crate::record::{Clock, Record, Value, names};
use crate::ship::{Accepted, Connector, ExportFuture, Sink};
use crate::trail::TrailBuilder;

/// A body of frames that are given one at a time.
#[derive(Debug, Default)]
pub(super) struct Script {
    steps: VecDeque<Step>,
    /// Says at the last frame that it is the last.
    knows_end: bool,
    length: Option<u64>,
}

#[derive(Debug)]
pub(super) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Fails,
    /// Not yet; the task is woken at once.
    Pending,
}

impl Script {
    pub(super) fn new(frames: &[&[u8]]) -> Self {
        Self::of(frames.iter().map(|frame| Step::Data(Bytes::copy_from_slice(frame))))
    }

    pub(super) fn of(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }

    /// As the body of a message with a `Content-Length`.
    pub(super) fn with_length(mut self) -> Self {
        let data = |step: &Step| if let Step::Data(bytes) = step { bytes.len() as u64 } else { 0 };
        self.length = Some(self.steps.iter().map(data).sum());
        self
    }

    /// As the body of HTTP/2 whose last frame says that it is the last.
    pub(super) fn knowing_its_end(mut self) -> Self {
        self.knows_end = true;
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(match self.steps.pop_front() {
            Some(Step::Data(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(Step::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Step::Fails) => Some(Err("it broke")),
            Some(Step::Pending) => {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.knows_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// The next frame of a body; `None` at its end.
pub(super) fn next<B: Body + Unpin>(body: &mut B) -> Option<Result<Frame<B::Data>, B::Error>> {
    let mut context = Context::from_waker(std::task::Waker::noop());
    loop {
        if let Poll::Ready(frame) = Pin::new(&mut *body).poll_frame(&mut context) {
            return frame;
        }
    }
}

/// All bytes of a body that does not fail.
pub(super) fn read<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(Ok(frame)) = next(body) {
        all.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
    }
    all
}

/// A trail, what it recorded and what it said.
pub(super) struct Rig {
    pub(super) trail: Trail,
    pub(super) clock: Hands,
    sunk: Sunk,
    said: Arc<Mutex<Vec<String>>>,
    _directory: tempfile::TempDir,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(super) fn with(build: impl FnOnce(TrailBuilder) -> TrailBuilder) -> Self {
        let (sunk, clock) = (Sunk::default(), Hands::default());
        let said = Arc::<Mutex<Vec<String>>>::default();
        let saying = said.clone();
        let directory = tempfile::tempdir().unwrap();
        let builder = Trail::builder("rig")
            .environment(Environment::default())
            .directory(directory.path())
            .connector(sunk.clone())
            .clock(clock.clone())
            .on_notice(move |notice: &Notice| saying.lock().unwrap().push(notice.text.clone()));
        Self { trail: build(builder).start().unwrap(), clock, sunk, said, _directory: directory }
    }

    /// What was recorded so far, but for what the trail tells of itself.
    pub(super) fn records(&self) -> Vec<Record> {
        self.trail.core().flush_blocking(Duration::from_secs(120)).unwrap();
        let requests = self.sunk.0.lock().unwrap();
        let decoded = requests.iter().map(|request| ExportLogsServiceRequest::decode(request.clone()).unwrap());
        let logs = decoded.flat_map(|request| request.resource_logs).flat_map(|resource| resource.scope_logs);
        let records = logs.flat_map(|scope| scope.log_records).map(|record| Record::from_proto(record).unwrap());
        records.filter(|record| record.event_name != "auditrail.lifecycle").collect()
    }

    /// `event phase subject: detail or outcome`, of each record.
    pub(super) fn told(&self) -> Vec<String> {
        self.records().iter().map(told).collect()
    }

    pub(super) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }
}

fn told(record: &Record) -> String {
    let text = |name| record.text(name).unwrap_or("-").to_owned();
    let event = record.event_name.trim_start_matches("auditrail.");
    let ending = record.text(names::AUDITRAIL_OUTCOME_DETAIL).or(record.text(names::AUDITRAIL_MCP_SESSION_STATE));
    let ending = ending.or(record.text(names::ERROR_TYPE)).unwrap_or("-");
    format!("{event} {} {}: {ending}", text(names::AUDITRAIL_PHASE), text(names::MCP_METHOD_NAME))
}

pub(super) fn int(record: &Record, key: &str) -> Option<i64> {
    match record.get(key)? {
        Value::Int(number) => Some(*number),
        other => panic!("{key} is {other:?}"),
    }
}

/// A clock that goes when it is told to.
#[derive(Debug, Clone, Default)]
pub(super) struct Hands(Arc<AtomicU64>);

impl Hands {
    pub(super) fn go_on(&self, time: Duration) {
        self.0.fetch_add(time.as_secs() * 1_000_000_000, Ordering::SeqCst);
    }

    /// Looking at it on this thread panics until that is dropped.
    pub(super) fn breaking(&self) -> Breaking {
        BREAKS.set(true);
        Breaking
    }
}

thread_local!(static BREAKS: Cell<bool> = const { Cell::new(false) });

pub(super) struct Breaking;

impl Drop for Breaking {
    fn drop(&mut self) {
        BREAKS.set(false);
    }
}

impl Clock for Hands {
    fn unix_nano(&self) -> u64 {
        1_700_000_000_000_000_000 + self.0.load(Ordering::SeqCst)
    }

    fn monotonic_nano(&self) -> u64 {
        if BREAKS.get() {
            std::panic::resume_unwind(Box::new("expected"));
        }
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Debug, Clone, Default)]
struct Sunk(Arc<Mutex<Vec<Bytes>>>);

impl Connector for Sunk {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Sunk {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        self.0.lock().unwrap().push(request);
        Box::pin(async { Ok(Accepted::default()) })
    }
}
