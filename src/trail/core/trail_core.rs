//! What all handles, layers and wrappers of a trail share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::context::CaptureContext;
use super::delivery::Delivery;
#[cfg(feature = "layer")]
use super::open_calls::HoldsCalls;
use super::open_calls::OpenCalls;
use super::policies::Policies;
use crate::identity::{Standing, UnverifiedAlarm};
use crate::record::error_type;
use crate::trail::calls::Class;
use crate::trail::recording::Recorder;
use crate::trail::records::{Lifecycle, RecordCounts};

/// One trail.
pub struct Core {
    pub(in crate::trail) context: CaptureContext,
    /// The class of calls of which no hook says another.
    pub(in crate::trail) class: Class,
    pub(in crate::trail) policies: Arc<Policies>,
    /// Somebody was told that response records are not as safe as their classes want.
    pub(in crate::trail) warned_unsafe: AtomicBool,
    pub(in crate::trail) open_calls: OpenCalls,
    /// Before the recorder: it reads from its journal.
    pub(in crate::trail) delivery: Delivery,
    pub(in crate::trail) recorder: Recorder,
}

impl fmt::Debug for Core {
    /// The stages hold each other, so they are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = self.context.settings.resource.service_name();
        f.debug_struct("Core").field("service", &service).field("counts", &self.counts()).finish_non_exhaustive()
    }
}

impl Core {
    /// Whether this process is a child of the one that has started the trail. It has none of its threads.
    pub(crate) fn is_inherited(&self) -> bool {
        self.recorder.is_inherited()
    }

    /// The record counters of this stream.
    pub(in crate::trail) fn counts(&self) -> RecordCounts {
        self.recorder.counts()
    }

    /// The runtime on which the exporter of the traces may live, too.
    #[cfg(any(feature = "internals", feature = "layer"))]
    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        self.delivery.shipper.runtime()
    }

    /// Open calls are also there.
    #[cfg(feature = "layer")]
    pub(crate) fn add_holder<K: HoldsCalls + 'static>(&self, keeper: &Arc<K>) {
        let keeper: std::sync::Weak<K> = Arc::downgrade(keeper);
        self.open_calls.add_holder(keeper);
    }

    /// Writes the numbers into the stream.
    pub(in crate::trail) fn report(&self) {
        if !self.is_inherited() {
            self.policies.tell_suppressed();
            self.recorder.reporter.report_now(&Lifecycle::Running(self.counts()));
        }
    }

    /// Counts a call that has ended, by how well its actor is known.
    pub(crate) fn count_actor(&self, standing: Standing) {
        if self.recorder.is_off {
            // There are no records of which it would be a share, and the alarm would be one.
            return;
        }
        let Some(is_alarm) = self.context.actors.count(standing) else { return };
        let (kind, UnverifiedAlarm { share, calls, .. }) = (error_type::ACTORS_UNVERIFIED, self.context.actors.alarm());
        if is_alarm {
            let percent = share * 100.0;
            self.context.notices.warn_of(
                kind,
                format!(
                    "the actors of more than {percent:.0} % of the last {calls} calls are anonymous or not verified; see \
                     auditrail.actor.source and auditrail.actor.unverified_reason of their records"
                ),
            );
            self.recorder.reporter.tell(Lifecycle::Degraded(kind));
        } else {
            self.context.notices.recovered_of(kind, "the actors of most calls are verified again");
            self.recorder.reporter.tell(Lifecycle::Recovered(kind));
        }
    }

    /// Something is wrong that the operator has to mend: says so, and records it.
    #[cfg(feature = "internals")]
    pub(crate) fn alarm(&self, error_type: &'static str, text: String) {
        self.context.notices.warn(text);
        self.recorder.reporter.tell(Lifecycle::Degraded(error_type));
    }
}
