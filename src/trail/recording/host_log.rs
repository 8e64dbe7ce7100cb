//! Copies of records for the host's own logger, as events of `tracing`.
//!
//! Invariants:
//! 1. Nothing waits for them: a copy that finds the queue full is left out. The record itself is in the journal.
//! 2. They never come back as records, and reach no exporter of OTel: they have no span, and the SDK is suppressed meanwhile.
//! 3. They are emitted on a thread of their own: the caller may be inside a subscriber, which must not be entered again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

use crate::journal::{HEADER, Sequence};
use crate::record::{Record, Value, names};

/// Gives copies of records to the host's logger.
#[derive(Debug)]
pub(in crate::trail) struct HostLog {
    queue: SyncSender<Job>,
    left_out: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Job {
    Record(Sequence, Vec<u8>),
    /// Hangs up when everything before it is emitted.
    Settle(Sender<()>),
}

impl HostLog {
    /// Starts the thread. It emits to the subscriber of the process or, where the caller has one of its own, to that.
    pub(in crate::trail) fn start() -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(WAITING);
        let left_out = Arc::<AtomicU64>::default();
        let own = tracing::dispatcher::get_default(Clone::clone);
        let missed = left_out.clone();
        thread::Builder::new().name("auditrail-log".into()).spawn(move || {
            let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
            match own.is::<NoSubscriber>() {
                true => emit_all(&jobs, &missed),
                false => emit_to(&own, &jobs, &missed),
            }
        })?;
        Ok(Self { queue, left_out })
    }

    /// A copy of the record in a frame, to be given once the journal has the frame.
    pub(in crate::trail) fn copy(copies: &Option<Arc<Self>>, frame: &[u8]) -> Option<CopiedRecord> {
        let log = copies.clone()?;
        Some(CopiedRecord { log, record: frame.get(HEADER..)?.to_vec() })
    }

    /// Waits until what was given so far is emitted, for a moment.
    pub(in crate::trail) fn settle(&self) {
        let (done, is_done) = channel();
        if self.queue.try_send(Job::Settle(done)).is_ok() {
            // It sends nothing, and hangs up.
            let _emitted: Result<(), _> = is_done.recv_timeout(LAST);
        }
    }
}

/// A record that the logger gets if the journal has it.
#[derive(Debug)]
pub(in crate::trail) struct CopiedRecord {
    log: Arc<HostLog>,
    record: Vec<u8>,
}

impl CopiedRecord {
    /// Gives it to the logger, or leaves it out.
    pub(in crate::trail) fn give(self, number: Sequence) {
        if self.log.queue.try_send(Job::Record(number, self.record)).is_err() {
            self.log.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn emit_to(subscriber: &Dispatch, jobs: &Receiver<Job>, left_out: &AtomicU64) {
    tracing::dispatcher::with_default(subscriber, || emit_all(jobs, left_out));
}

fn emit_all(jobs: &Receiver<Job>, left_out: &AtomicU64) {
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Record(number, bytes) => {
                // What the journal took can be decoded.
                if let Ok(record) = Record::decode(&bytes) {
                    emit(number, &record);
                }
            }
            Job::Settle(done) => drop(done),
        }
        let missed = left_out.swap(0, Ordering::Relaxed);
        if missed > 0 {
            tracing::warn!(target: "auditrail::record", parent: None, missed, "records were left out of this log, not of the trail");
        }
    }
}

/// The level is that of the severity (OTel logs data model, severity fields).
fn emit(number: Sequence, record: &Record) {
    let body = record.body.as_ref().and_then(Value::as_str).unwrap_or_default();
    let (trace, span) = (record.trace_id.map(|id| id.to_string()), record.span_id.map(|id| id.to_string()));
    let duration = match record.get(names::AUDITRAIL_DURATION) {
        Some(Value::Double(seconds)) => Some(*seconds),
        _ => None,
    };
    macro_rules! at {
        ($level:expr) => {
            tracing::event!(
                target: "auditrail::record",
                parent: None,
                $level,
                event = &*record.event_name,
                number,
                record_id = record.text(names::AUDIT_RECORD_ID),
                call_id = record.text(names::AUDITRAIL_CALL_ID),
                phase = record.text(names::AUDITRAIL_PHASE),
                actor = record.text(names::AUDIT_ACTOR_ID),
                action = record.text(names::AUDIT_ACTION),
                outcome = record.text(names::AUDIT_OUTCOME),
                detail = record.text(names::AUDITRAIL_OUTCOME_DETAIL),
                error = record.text(names::ERROR_TYPE),
                method = record.text(names::MCP_METHOD_NAME),
                tool = record.text(names::GEN_AI_TOOL_NAME),
                target_type = record.text(names::AUDIT_TARGET_TYPE),
                target_id = record.text(names::AUDIT_TARGET_ID),
                decision = record.text(names::AUDITRAIL_DECISION),
                duration,
                trace_id = trace.as_deref(),
                span_id = span.as_deref(),
                "{body}"
            )
        };
    }
    match record.severity.number {
        ..13 => at!(tracing::Level::INFO),
        13..17 => at!(tracing::Level::WARN),
        _ => at!(tracing::Level::ERROR),
    }
}

/// Some megabytes at most.
const WAITING: usize = 4096;
/// How long the end of the trail waits for a logger.
const LAST: Duration = Duration::from_secs(1);
