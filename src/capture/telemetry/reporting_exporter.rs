//! Reports spans that were not delivered, once until delivery works again. The SDK's processor drops them silently.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::trail::Core;

/// Reports that spans are lost.
#[derive(Debug, Clone)]
pub(super) struct LossReport {
    core: Arc<Core>,
    is_told: Arc<AtomicBool>,
}

impl LossReport {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        Self { core: core.clone(), is_told: Arc::default() }
    }

    /// Spans are lost; reported unless it was reported before.
    pub(super) fn tell(&self, why: &dyn std::fmt::Display) {
        if !self.is_told.swap(true, Ordering::Relaxed) {
            // With a mistake in these settings there would be no exporter.
            let traces = self.core.settings().traces.as_ref();
            let place = traces.map_or_else(
                |error| error.to_string(),
                |traces| format!("{} (from {})", traces.shown_endpoint(), traces.endpoint_source),
            );
            self.core.notices().warn(format!(
                "spans are not exported to {place}, and are lost: {why}; audit records are not affected; check that it accepts \
                 traces, or set OTEL_TRACES_EXPORTER=none (reported once, until it works again)"
            ));
        }
    }

    fn over(&self) {
        if self.is_told.swap(false, Ordering::Relaxed) {
            self.core.notices().recovered("spans are exported again");
        }
    }
}

/// An exporter that reports its failures.
#[derive(Debug)]
pub(super) struct ReportingExporter<E> {
    inner: E,
    loss: LossReport,
}

impl<E> ReportingExporter<E> {
    pub(super) fn new(inner: E, loss: LossReport) -> Self {
        Self { inner, loss }
    }
}

impl<E: SpanExporter> SpanExporter for ReportingExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.inner.export(batch).await;
        match &result {
            Ok(()) => self.loss.over(),
            Err(error) => self.loss.tell(error),
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
