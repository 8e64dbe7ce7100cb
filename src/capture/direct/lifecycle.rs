//! What becomes of a server and its configuration.

use std::borrow::Cow;

use super::builder::event;
use crate::record::{EventName, names};
use crate::trail::{Digest, Moment};

/// A server, or a part of it, was started, stopped or reconfigured: `auditrail.lifecycle`. The records of the trail about itself
/// have the actor `auditrail` and no target; these have the target that you name.
#[derive(Debug, Clone)]
#[must_use = "it is recorded by Trail::record"]
pub struct ServerLifecycle {
    moment: Moment,
}

event!(ServerLifecycle);

impl ServerLifecycle {
    /// The server of that name was started: `START`.
    pub fn started(server: impl Into<Cow<'static, str>>) -> Self {
        Self::of("started", "START").target("server", server)
    }

    /// The server of that name was stopped: `STOP`.
    pub fn stopped(server: impl Into<Cow<'static, str>>) -> Self {
        Self::of("stopped", "STOP").target("server", server)
    }

    /// The setting of that name was changed: `CONFIGURE`. Values are not recorded; see [`before`](Self::before) and
    /// [`after`](Self::after).
    pub fn configuration_changed(setting: impl Into<Cow<'static, str>>) -> Self {
        Self::of("configuration_changed", "CONFIGURE").target("configuration", setting)
    }

    /// What the setting was before, by its digest.
    pub fn before(self, digest: Digest) -> Self {
        self.fact(names::AUDITRAIL_CONTEXT_DIGEST_BEFORE, digest)
    }

    /// What it is now, by its digest.
    pub fn after(self, digest: Digest) -> Self {
        self.fact(names::AUDITRAIL_CONTEXT_DIGEST_AFTER, digest)
    }

    fn of(state: &'static str, action: &'static str) -> Self {
        Self { moment: Moment::new(EventName::Lifecycle) }
            .fact(names::AUDITRAIL_LIFECYCLE_STATE, state)
            .fact(names::AUDIT_ACTION, action)
    }
}
