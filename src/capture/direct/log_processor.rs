//! Audit events that are emitted through the Logs API of the OTel SDK.
//!
//! Invariants:
//! 1. An audit event is in the journal when `emit` returns, whatever a processor behind this one does with it.
//! 2. Whatever is no audit event reaches the next processor unchanged.
//! 3. A `tracing` event that the layer of this trail records is not recorded a second time when a log bridge emits it, too.

mod read;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::logs::Severity;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::logs::{LogProcessor, SdkLogRecord};

use crate::Trail;
use crate::trail::Core;

/// The door of a trail for audit events that are emitted through the Logs API of the OTel SDK. Made by [`Trail::log_processor`].
pub struct AuditLogProcessor {
    core: Arc<Core>,
    next: Option<Box<dyn LogProcessor>>,
    is_shut_down: AtomicBool,
}

impl Trail {
    /// Creates a processor for a `SdkLoggerProvider` that takes audit events into the trail. Other log records are left to the next
    /// processor ([`AuditLogProcessor::before`]).
    ///
    /// ```no_run
    /// # fn set_up(trail: &auditrail::Trail, exporter: impl opentelemetry_sdk::logs::LogExporter + 'static) {
    /// use opentelemetry_sdk::logs::{BatchLogProcessor, SdkLoggerProvider};
    ///
    /// let others = BatchLogProcessor::builder(exporter).build();
    /// let provider = SdkLoggerProvider::builder().with_log_processor(trail.log_processor().before(others)).build();
    /// # }
    /// ```
    ///
    /// An audit event is a log record with the attribute `auditrail.event`, or one whose event name begins with `auditrail.`. Its
    /// record has
    ///
    /// - those of its attributes that an annotated span may set, and those that
    ///   [`allow_field`](crate::trail::TrailBuilder::allow_field) added; not its body, whose place the trail fills;
    /// - its timestamp, and its trace and span id: the SDK takes those of the current OTel context. If that is a context which came
    ///   with a request, the record has the trace alone;
    /// - the id, the actor and the tenant of the open call in which it is emitted;
    /// - the severity of its outcome, whatever its own severity is.
    ///
    /// It is in the journal when `emit` returns. The SDK's logger emits nothing while telemetry is suppressed
    /// (`Context::enter_telemetry_suppressed_scope`); [`record`](Trail::record) does.
    ///
    /// `force_flush` delivers what is in the journal within 5 seconds, and `shutdown` within the time that it is given; what is not
    /// delivered by then stays in the journal. Neither ends the trail, but after `shutdown` the processor takes nothing.
    #[must_use]
    pub fn log_processor(&self) -> AuditLogProcessor {
        #[cfg(feature = "layer")]
        self.core().expect_bridge();
        AuditLogProcessor { core: self.core().clone(), next: None, is_shut_down: AtomicBool::new(false) }
    }
}

impl AuditLogProcessor {
    /// Puts it before another processor, which then gets no audit events: with their bodies, and with what must not leave, they would
    /// go to its exporter. A processor that is added to the provider next to this one sees them.
    #[must_use]
    pub fn before(self, next: impl LogProcessor + 'static) -> Self {
        Self { next: Some(Box::new(next)), ..self }
    }

    fn take(&self, record: &SdkLogRecord) {
        if self.is_shut_down.load(Ordering::Acquire) {
            return self.core.notices().warn_of(ENDED, ENDED);
        }
        #[cfg(feature = "layer")]
        let target = record.target().map(|target| &**target);
        #[cfg(feature = "layer")]
        if record.event_name().is_some_and(|name| crate::capture::layer::is_heard(&self.core, name, target)) {
            return;
        }
        let moment = read::moment(&self.core, record);
        self.core.write_moment(self.core.joined(moment));
    }
}

impl LogProcessor for AuditLogProcessor {
    fn emit(&self, record: &mut SdkLogRecord, scope: &InstrumentationScope) {
        if read::is_audit_event(record) {
            return self.take(record);
        }
        let Some(next) = &self.next else { return };
        let severity = record.severity_number().unwrap_or(Severity::Info);
        let target = record.target().map_or(scope.name(), |target| target);
        // This processor says yes to all, so that no audit event is left out.
        if next.event_enabled(severity, target, record.event_name()) {
            next.emit(record, scope);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        let flushed = self.flush(FLUSH_TIMEOUT);
        let next = self.next.as_ref().map_or(Ok(()), |next| next.force_flush());
        flushed.and(next)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        if self.is_shut_down.swap(true, Ordering::AcqRel) {
            return Err(OTelSdkError::AlreadyShutdown);
        }
        let flushed = self.flush(timeout);
        let next = self.next.as_ref().map_or(Ok(()), |next| next.shutdown_with_timeout(timeout));
        flushed.and(next)
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(next) = &mut self.next {
            next.set_resource(resource);
        }
    }
}

impl AuditLogProcessor {
    fn flush(&self, timeout: Duration) -> OTelSdkResult {
        let flushed = self.core.flush_blocking(timeout);
        flushed.map(drop).map_err(|error| OTelSdkError::InternalFailure(error.to_string()))
    }
}

impl fmt::Debug for AuditLogProcessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let next = self.next.is_some();
        f.debug_struct("AuditLogProcessor").field("next", &next).finish_non_exhaustive()
    }
}

/// That of the SDK's own processors.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);
const ENDED: &str = "an audit event was emitted through the Logs API after its provider was shut down, and is not recorded; shut the \
                     provider down when nothing emits any more, or use Trail::record";
