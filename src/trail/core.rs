//! What all handles, layers and wrappers share: the stages of one trail, each a part of its own.

use std::fmt;
#[cfg(feature = "layer")]
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::class::Class;
use super::context::CaptureContext;
use super::counts::Counts;
use super::ending::Delivery;
use super::recorder::Recorder;
use super::told::Told;
#[cfg(feature = "layer")]
use super::unanswered::KeepsCalls;
use super::unanswered::Unanswered;

/// One trail.
pub(crate) struct Core {
    pub(super) context: CaptureContext,
    /// The class of calls of which no hook says another.
    pub(super) class: Class,
    /// Somebody was told that response records are not as safe as their classes want.
    pub(super) unsafe_told: AtomicBool,
    pub(super) unanswered: Unanswered,
    /// Before the recorder: it reads from its journal.
    pub(super) delivery: Delivery,
    pub(super) recorder: Recorder,
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

    /// The honest numbers.
    pub(super) fn counts(&self) -> Counts {
        self.recorder.counts()
    }

    /// The runtime on which the exporter of the traces may live, too.
    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        self.delivery.shipper.runtime()
    }

    /// Open calls are also there.
    #[cfg(feature = "layer")]
    pub(crate) fn add_keeper<K: KeepsCalls + 'static>(&self, keeper: &Arc<K>) {
        let keeper: std::sync::Weak<K> = Arc::downgrade(keeper);
        self.unanswered.add_keeper(keeper);
    }

    /// Writes the numbers into the stream.
    pub(super) fn report(&self) {
        if !self.is_inherited() {
            self.recorder.scribe.tell_now(&Told::Running(self.counts()));
        }
    }

    /// Something is wrong that the operator has to mend: says so, and records it.
    #[cfg(feature = "proxy")]
    pub(crate) fn alarm(&self, error_type: &'static str, text: String) {
        self.context.notices.warn(text);
        self.recorder.scribe.tell(Told::Degraded(error_type));
    }
}
