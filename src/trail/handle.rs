//! The handle of a trail.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::calls::{Call, Moment, Refused};
use super::core::Core;
use super::door::OpenCall;
use super::lifecycle::{FlushError, Flushed};
use super::records::RecordCounts;
use super::wire_counts::WireCounts;
use crate::config::Settings;
use crate::record::RecordId;
use crate::ship::StatsSnapshot;

/// The handle of a trail. Clones share one trail. When the last clone is dropped, the trail writes the last record of its stream
/// and ships what is left, within the flush timeout. Records that are not delivered in time stay on disk.
///
/// A trail belongs to the process that started it. A child forked from that process without `exec` writes nothing: one notice
/// says so, calls whose class is `Refuse` or `Wait` do not run, and other calls run without records. To audit a child, start
/// another trail in it, with the same directory; it gets its own stream.
#[derive(Clone)]
pub struct Trail {
    core: Arc<Core>,
    _flush_on_last_drop: Arc<LastHandle>,
}

impl fmt::Debug for Trail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trail").field("core", &self.core).finish()
    }
}

impl Trail {
    /// Opens a call: decides whether it may run, opens its span, and writes the request record.
    ///
    /// Waits as the class of the call requires, on any executor; with `written`, the default, it completes without yielding.
    ///
    /// # Errors
    /// [`Refused`] if the call must not run: the `authorize` hook denied it, or its records cannot be kept as its class
    /// requires. By default a full journal refuses no call: the gap is counted and reported.
    pub async fn begin(&self, call: Call) -> Result<OpenCall, Refused> {
        OpenCall::begin(&self.core, call).await
    }

    /// Writes the one record of an event that is no call, such as an authorization decision.
    pub fn record(&self, event: impl Into<Moment>) -> RecordId {
        self.core.write_moment(event.into())
    }

    /// Ships everything that is in the journal now, including what earlier processes left there. Any executor may await it.
    /// Returns how many streams could not be read.
    ///
    /// # Errors
    /// If it takes longer than the deadline: how much is pending, and the last answer of the collector.
    pub async fn flush(&self, deadline: Duration) -> Result<Flushed, FlushError> {
        self.core.flush(deadline).await
    }

    /// How many records were emitted, and what happened to them. All zero in a forked child, where nothing is audited.
    #[must_use]
    pub fn counts(&self) -> RecordCounts {
        self.core.counts()
    }

    /// The shipper's own counters, over all streams that it drains, including those of earlier processes.
    #[must_use]
    pub fn delivery_stats(&self) -> StatsSnapshot {
        self.core.delivery.shipper.stats().snapshot()
    }

    /// What the taps of this trail have seen on the wire.
    #[must_use]
    pub fn wire_counts(&self) -> WireCounts {
        self.core.context.wire_counters.read()
    }

    /// Writes [`counts`](Self::counts) into the stream now, as a lifecycle record `running`.
    pub fn report_counts(&self) {
        self.core.report();
    }

    /// The effective settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        self.core.settings()
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    pub(super) fn new(core: Arc<Core>) -> Self {
        let last = LastHandle(core.clone());
        Self { core, _flush_on_last_drop: Arc::new(last) }
    }
}

/// Ships what is left when the last handle is dropped. Layers hold only the core, because a global subscriber is never dropped.
#[derive(Debug)]
struct LastHandle(Arc<Core>);

impl Drop for LastHandle {
    fn drop(&mut self) {
        if self.0.is_inherited() {
            // Its threads are the parent's, and nobody here could wait for their end.
            std::mem::forget(self.0.clone());
        }
        self.0.end();
    }
}
