//! The trail: wires policy, record, journal and ship, and is what users hold.
//!
//! A call is opened and finished here, whoever captured it: [`Trail::begin`] before the handler, [`OpenCall::finish`]
//! after it. So a record never depends on a subscriber's filter, and a call can be refused, which a `tracing` layer
//! cannot do. `begin` also opens the `tracing` span of the call.

mod actor;
mod adoption;
#[cfg(feature = "layer")]
pub(crate) mod beginning;
#[cfg(not(feature = "layer"))]
mod beginning;
#[cfg(feature = "proxy")]
mod bounds;
mod builder;
mod call;
mod class;
mod clients;
mod context;
mod core;
mod door;
mod drain;
mod ending;
mod flushed;
mod gap;
mod gone;
mod guarantee;
mod halves;
mod hooks;
mod idless;
mod left_out;
mod metrics;
mod open_call;
#[cfg(feature = "mcp")]
mod pause;
mod reach;
mod recorder;
mod refused;
mod refused_gaps;
mod scribe;
mod seen;
mod shared;
mod shedding;
mod span;
mod standing;
mod state;
mod timer;
mod told;
mod unanswered;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::actor::{Actor, ActorType, RequestFacts};
pub use self::adoption::Drained;
pub use self::builder::{StartError, TrailBuilder};
pub use self::call::{Call, Direction, Moment, Transport};
pub use self::class::{Acknowledge, Class, WhenFull};
pub use self::drain::{DrainProgress, DrainReport, drain};
pub use self::flushed::{FlushError, Flushed};
pub use self::hooks::Failure;
pub use self::open_call::OpenCall;
pub use self::refused::{Because, Refused};
pub use self::seen::Seen;

#[cfg(feature = "tower")]
pub(crate) use self::clients::Taken;
#[cfg(feature = "mcp")]
pub(crate) use self::clients::{Client, ClientKey, Shared};
pub(crate) use self::core::Core;
pub(crate) use self::idless::Idless;
#[cfg(feature = "mcp")]
pub(crate) use self::open_call::Opener;
#[cfg(feature = "mcp")]
pub(crate) use self::pause::Pause;
pub(crate) use self::reach::{Reach, Way, attached_by, has_own_ids};
pub(crate) use self::seen::Counted;
#[cfg(feature = "tower")]
pub(crate) use self::span::is_of_mcp;
#[cfg(feature = "layer")]
pub(crate) use self::span::{Marks, at, end as end_span, mark};
pub(crate) use self::span::{PROBE, TARGET, mirror, opening};
pub(crate) use self::state::{CallState, Facts, KnownFacts, SpanMoment};
#[cfg(feature = "serve")]
pub(crate) use self::timer::within;
#[cfg(feature = "layer")]
pub(crate) use self::unanswered::KeepsCalls;
#[cfg(feature = "mcp")]
pub(crate) use crate::policy::Bounds;

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

/// The honest numbers of a trail, for its stream, the trail's own records included:
/// `emitted = acknowledged + refused`, and `acknowledged = delivered + quarantined + lost + pending`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Records that were made.
    pub emitted: u64,
    /// Records that the journal took.
    pub acknowledged: u64,
    /// Records that are not in the journal: it could not take them, or they were shed.
    pub refused: u64,
    /// Records that the collector took.
    pub delivered: u64,
    /// Records that the collector refused for good; they are in quarantine.
    pub quarantined: u64,
    /// Records that were damaged or removed on the disk.
    pub lost: u64,
    /// Records that wait in the journal.
    pub pending: u64,
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

    /// What was emitted, and what became of it.
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
    pub fn seen(&self) -> Seen {
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

    fn new(core: Arc<Core>) -> Self {
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
