//! Flushes the last spans in parallel with the last records, so that neither waits for the other's collector.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::SdkTracerProvider;

use super::reporting_exporter::LossReport;

/// The shutdown of the tracer provider, on a separate thread.
#[derive(Debug)]
pub(super) struct LastSpans {
    result: Receiver<OTelSdkResult>,
    until: Instant,
    loss: LossReport,
}

impl LastSpans {
    /// Starts the shutdown.
    pub(super) fn leave(provider: SdkTracerProvider, timeout: Duration, loss: LossReport) -> Self {
        let timeout = timeout.max(AT_LEAST);
        let (done, result) = channel();
        let shutdown = move || {
            // Nothing waits any more if it took too long.
            drop(done.send(provider.shutdown_with_timeout(timeout)));
        };
        if let Err(error) = thread::Builder::new().name("auditrail-spans".into()).spawn(shutdown) {
            loss.tell(&error);
        }
        Self { result, until: Instant::now() + timeout, loss }
    }

    /// Waits for it, within its timeout.
    pub(super) fn wait(self) {
        match self.result.recv_timeout(self.until.saturating_duration_since(Instant::now())) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.loss.tell(&error),
            Err(error) => self.loss.tell(&error),
        }
    }
}

/// Spans get at least this long, even if the flush timeout is shorter.
const AT_LEAST: Duration = Duration::from_millis(200);
