//! An annotated call ends when its function does, however long the tasks live that it has spawned in its span.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use auditrail::record::{Clock, Record, names};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::Instrument as _;
use tracing_subscriber::prelude::*;

use crate::support::{Bench, Spans, double, ending, ids, record_ids, tracer};

/// Stands still unless it is set.
#[derive(Debug, Clone, Default)]
struct Hands(Arc<AtomicU64>);

impl Hands {
    fn pass(&self, milliseconds: u64) {
        self.0.fetch_add(milliseconds * 1_000_000, SeqCst);
    }
}

impl Clock for Hands {
    fn unix_nano(&self) -> u64 {
        1_700_000_000_000_000_000 + self.0.load(SeqCst)
    }

    fn monotonic_nano(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

/// A task in the span of the call, until it is told to end.
struct Outliving {
    end: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Outliving {
    fn spawn(hands: &Hands, work: impl Fn() + Send + 'static) -> Self {
        let (end, ended) = oneshot::channel();
        let hands = hands.clone();
        let waits = async move {
            drop(ended.await);
            hands.pass(3_000);
            work();
        };
        Self { end, task: tokio::spawn(waits.in_current_span()) }
    }

    async fn end(self) {
        self.end.send(()).unwrap();
        // It may panic.
        drop(self.task.await);
    }
}

#[tracing::instrument(skip_all, ret, fields(mcp.method.name = "tools/call", gen_ai.tool.name = "said"))]
async fn said(hands: Hands, tasks: std::sync::mpsc::Sender<Outliving>) -> Result<u8, String> {
    tokio::task::yield_now().await;
    tasks.send(Outliving::spawn(&hands, || ())).unwrap();
    hands.pass(50);
    Ok(1)
}

#[tracing::instrument(skip_all, err, fields(mcp.method.name = "tools/call", gen_ai.tool.name = "failed"))]
async fn failed(hands: Hands, tasks: std::sync::mpsc::Sender<Outliving>) -> Result<u8, String> {
    tasks.send(Outliving::spawn(&hands, || ())).unwrap();
    tokio::task::yield_now().await;
    hands.pass(50);
    Err("canary".into())
}

#[tracing::instrument(skip_all, ret, fields(auditrail.event = "auditrail.context"))]
async fn moment(hands: Hands, tasks: std::sync::mpsc::Sender<Outliving>) -> u8 {
    tasks.send(Outliving::spawn(&hands, || ())).unwrap();
    hands.pass(50);
    1
}

/// Nobody says how it ends.
#[tracing::instrument(skip_all, fields(mcp.method.name = "tools/call", audit.outcome = tracing::field::Empty))]
async fn unsaid(hands: Hands, tasks: std::sync::mpsc::Sender<Outliving>, panics: bool) {
    let words = || {
        tracing::Span::current().record("audit.target.id", "later");
    };
    tasks.send(Outliving::spawn(&hands, words)).unwrap();
    tokio::task::yield_now().await;
    hands.pass(20);
    tracing::Span::current().record("audit.outcome", "success");
    tokio::task::yield_now().await;
    hands.pass(30);
    assert!(!panics, "on purpose");
}

#[tracing::instrument(skip_all, fields(mcp.method.name = "tools/call", audit.outcome = "success"))]
async fn with_a_task_that_panics(hands: Hands, tasks: std::sync::mpsc::Sender<Outliving>) {
    tasks.send(Outliving::spawn(&hands, || panic!("on purpose"))).unwrap();
    tokio::task::yield_now().await;
    hands.pass(50);
}

/// Runs a function in a task of its own. Gives what is recorded while the task that it spawned still lives, and after that.
async fn recorded<F>(run: impl FnOnce(Hands, std::sync::mpsc::Sender<Outliving>) -> F) -> (Vec<Record>, Vec<Record>)
where
    F: Future<Output: Send> + Send + 'static,
{
    let (living, all, _) = exported(true, run).await;
    (living, all)
}

/// The same, with the spans that are exported in the end; the audit layer is added before the OTel layer or after it.
async fn exported<F>(
    audit_first: bool,
    run: impl FnOnce(Hands, std::sync::mpsc::Sender<Outliving>) -> F,
) -> (Vec<Record>, Vec<Record>, Spans)
where
    F: Future<Output: Send> + Send + 'static,
{
    let (tracer, spans) = tracer();
    let hands = Hands::default();
    let clock = hands.clone();
    let bench = Bench::with(|builder| builder.clock(clock));
    let registry = tracing_subscriber::registry();
    let _guard = match audit_first {
        true => {
            let otel = tracing_opentelemetry::layer().with_tracer(tracer);
            registry.with(bench.trail.layer()).with(otel).set_default()
        }
        false => {
            let otel = tracing_opentelemetry::layer().with_tracer(tracer);
            registry.with(otel).with(bench.trail.layer()).set_default()
        }
    };
    let (tasks, spawned) = std::sync::mpsc::channel();
    let handler = run(hands, tasks);
    drop(tokio::spawn(async { drop(handler.await) }).await);
    let living = bench.records();
    spawned.recv().unwrap().end().await;
    (living, bench.records(), spans)
}

fn lasted(record: &Record) -> f64 {
    double(record, names::AUDITRAIL_DURATION)
}

#[tokio::test]
async fn what_ret_or_err_says_is_the_end_and_is_recorded_then() {
    for (failure, expected) in [(false, ("response", "success", "ok")), (true, ("response", "failure", "tool_error"))] {
        let (living, all) = match failure {
            false => recorded(said).await,
            true => recorded(failed).await,
        };
        assert_eq!(living.len(), 2, "{expected:?}");
        assert_eq!(ending(&living[1]), expected);
        assert_eq!(lasted(&living[1]), 0.05);
        assert_eq!(living[1].time_unix_nano - living[0].time_unix_nano, 50_000_000);
        assert_eq!(all.len(), 2, "the close of the span adds nothing");
    }
    let (living, all) = recorded(moment).await;
    assert_eq!((living.len(), all.len()), (1, 1));
    assert_eq!(lasted(&living[0]), 0.05);
}

/// The tasks that outlive the call enter its span, too, three seconds later.
#[tokio::test]
async fn the_exported_span_ends_with_the_record() {
    for audit_first in [true, false] {
        let (_, records, spans) = exported(audit_first, said).await;
        ends_with(&spans, "said", &records[1]);
        let events: Vec<_> = spans.named("said").events.iter().map(|event| event.name.to_string()).collect();
        assert_eq!(events.len(), 3, "what ret says, and both records: {events:?}");
        let (_, records, spans) = exported(audit_first, failed).await;
        ends_with(&spans, "failed", &records[1]);
    }
    let (_, records, spans) = exported(true, |hands, tasks| unsaid(hands, tasks, false)).await;
    ends_with(&spans, "unsaid", &records[1]);
}

fn ends_with(spans: &Spans, name: &str, record: &Record) {
    let span = spans.named(name);
    assert_eq!(record_ids(record), ids(&span));
    let end = span.end_time.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(u64::try_from(end.as_nanos()).unwrap(), record.time_unix_nano, "{name}");
}

/// Nobody can know before the span closes that it has ended, but then it is known when.
#[tokio::test]
async fn where_nothing_says_the_end_it_is_when_its_own_task_left_the_span_last() {
    let (living, all) = recorded(|hands, tasks| unsaid(hands, tasks, false)).await;
    assert_eq!(living.iter().map(ending).collect::<Vec<_>>(), [("request", "unknown", "")]);
    assert_eq!(ending(&all[1]), ("response", "success", "ok"));
    assert_eq!(lasted(&all[1]), 0.05);
    assert_eq!(all[1].time_unix_nano - all[0].time_unix_nano, 50_000_000);
}

#[tokio::test]
async fn a_panic_is_its_own_whoever_closes_the_span() {
    let (_, all) = recorded(|hands, tasks| unsaid(hands, tasks, true)).await;
    assert_eq!(ending(&all[1]), ("response", "failure", "panic"));
    assert_eq!(lasted(&all[1]), 0.05);
    let (_, all) = recorded(with_a_task_that_panics).await;
    assert_eq!(ending(&all[1]), ("response", "success", "ok"));
}

/// What is said of the outcome from outside, after the function, is part of the call.
#[tokio::test]
async fn an_outcome_that_is_said_later_is_not_later_than_the_end() {
    let hands = Hands::default();
    let clock = hands.clone();
    let bench = Bench::with(|builder| builder.clock(clock));
    let _guard = tracing_subscriber::registry().with(bench.trail.layer()).set_default();
    let span = tracing::info_span!("call", mcp.method.name = "tools/call", audit.outcome = tracing::field::Empty);
    tokio::spawn(async {}.instrument(span.clone())).await.unwrap();
    hands.pass(40);
    span.record("audit.outcome", "success");
    hands.pass(3_000);
    drop(span);
    let records = bench.records();
    assert_eq!(ending(&records[1]), ("response", "success", "ok"));
    assert_eq!(lasted(&records[1]), 0.04);
}
