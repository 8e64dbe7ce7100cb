//! What users hold of a trail.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::builder::TrailBuilder;
use super::call::{Call, Moment};
use super::core::Core;
use super::counts::Counts;
use super::flushed::{FlushError, Flushed};
use super::open_call::OpenCall;
use super::refused::Refused;
use super::wire_counts::WireCounts;
use crate::config::Settings;
use crate::record::RecordId;
use crate::ship::StatsSnapshot;

/// The handle that users hold. Clones share one trail; when the last is dropped, the stream gets its last record and what is
/// left is shipped, within the flush time-out. What does not get there waits on the disk.
///
/// A trail belongs to the process that has started it. In a child that is forked from that, without `exec`, nothing is written:
/// a notice says so once, calls whose class is `Refuse` or `Wait` do not run, and the others go on without records. A child that
/// shall be audited starts a trail of its own, with the same directory: it gets a stream of its own.
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
    /// Starts to build a trail for the service of that name (`service.name`).
    pub fn builder(service_name: impl Into<String>) -> TrailBuilder {
        TrailBuilder::new(service_name.into())
    }

    /// Opens a call: decides, opens its span, and writes the request record.
    ///
    /// Waits as the class of the call says, on any executor; at `written`, the default, it completes without yielding.
    ///
    /// # Errors
    /// [`Refused`] if the call must not run: the `authorize` hook denied it, or its records cannot be kept as its class
    /// wants. By default a full journal refuses no call: the gap is counted and told.
    pub async fn begin(&self, call: Call) -> Result<OpenCall, Refused> {
        OpenCall::begin(&self.core, call).await
    }

    /// Writes the one record of something that has no halves, such as an authorization decision.
    pub fn record(&self, moment: Moment) -> RecordId {
        self.core.write_moment(moment)
    }

    /// Ships everything that is in the journal now, with what earlier processes left there. Any executor may await it. Says
    /// what it could not even look at.
    ///
    /// # Errors
    /// If that takes longer than the deadline: what still waits, and what the collector said last.
    pub async fn flush(&self, deadline: Duration) -> Result<Flushed, FlushError> {
        self.core.flush(deadline).await
    }

    /// What was emitted, and what became of it. All zero in a child that is forked from the trail's process: nothing is audited there.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.core.counts()
    }

    /// What the shipper of this trail counts by itself, for all streams that it drains: those of earlier processes, too.
    #[must_use]
    pub fn shipped(&self) -> StatsSnapshot {
        self.core.delivery.shipper.stats().snapshot()
    }

    /// What the taps of this trail saw on the wire.
    #[must_use]
    pub fn wire_counts(&self) -> WireCounts {
        self.core.context.seen.read()
    }

    /// Writes these numbers into the stream now, as a lifecycle record `running`.
    pub fn report(&self) {
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

/// Ships what is left when the last handle goes. Layers hold the core only: a global subscriber is never dropped.
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
