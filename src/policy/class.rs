//! What a call's class promises: how durable its records are before it continues, and what happens if they cannot be kept.

use std::time::Duration;

/// What must have happened to a record before its caller continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Acknowledge {
    /// It is accepted. Treated as [`Written`](Self::Written), which costs no more here.
    Queued,
    /// It survives the death of the process (`kill -9`). The caller does not wait.
    #[default]
    Written,
    /// It survives a power loss. All waiting callers share one `fdatasync`.
    Synced,
    /// The collector ([`REMOTE_SINK`](Self::REMOTE_SINK)) has accepted it as well, whatever other sinks have done.
    Remote,
}

/// What happens to a call whose records cannot be kept as its class requires. The stricter ones are greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum WhenFull {
    /// The call continues; its records are counted, and a gap record reports them. Shedding begins when nine tenths of the
    /// journal are used, so that the other classes have room.
    #[default]
    Shed,
    /// The call waits for room until the deadline of its class, and is then refused.
    Wait,
    /// The call does not run and is answered with an error.
    Refuse,
}

/// How much the records of a call matter. Default: written, shed when full.
///
/// If the class does not shed, room for both records is reserved before the call begins. Only calls that go through
/// [`Trail::begin`](crate::Trail::begin) can be refused or wait, and events that are recorded by
/// [`Trail::record_durably`](crate::Trail::record_durably); records of hand-annotated spans and of other events are just written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// What must have happened to a record.
    pub acknowledge: Acknowledge,
    /// What happens if that is not possible.
    pub when_full: WhenFull,
    /// How long a call waits for room, for the disk and for the collector. It waits no longer even if the disk stalls, such as on a
    /// frozen file system; if the class neither holds nor refuses calls, the store itself may block in the kernel
    /// (`docs/format.md`, "Writing while the disk stands still").
    pub deadline: Duration,
    /// Calls of actors that are not verified do not run. Where the keys that would verify an actor are not known, the call waits
    /// for them until the deadline. Routes that cannot refuse calls record the actor as it is.
    pub requires_verified_actor: bool,
}

impl Default for Class {
    fn default() -> Self {
        Self {
            acknowledge: Acknowledge::default(),
            when_full: WhenFull::default(),
            deadline: DEADLINE,
            requires_verified_actor: false,
        }
    }
}

impl Class {
    /// For calls that must not run unrecorded: synced, or refused.
    pub const CRITICAL: Self = Self {
        acknowledge: Acknowledge::Synced,
        when_full: WhenFull::Refuse,
        deadline: DEADLINE,
        requires_verified_actor: false,
    };

    /// The class, for calls that only verified actors may make.
    #[must_use]
    pub const fn requires_verified_actor(self) -> Self {
        Self { requires_verified_actor: true, ..self }
    }

    /// Whether its calls may have to wait before they run, or may be refused.
    #[must_use]
    pub fn may_hold(&self) -> bool {
        self.requires_verified_actor || self.may_wait_for_records()
    }

    /// A class that promises what both do.
    pub(crate) fn at_least(self, other: Self) -> Self {
        Self {
            acknowledge: self.acknowledge.max(other.acknowledge),
            when_full: self.when_full.max(other.when_full),
            deadline: self.deadline.max(other.deadline),
            requires_verified_actor: self.requires_verified_actor || other.requires_verified_actor,
        }
    }

    /// Whether its calls may have to wait for their records, or may be refused for want of them.
    pub(crate) fn may_wait_for_records(&self) -> bool {
        self.acknowledge > Acknowledge::Written || self.when_full != WhenFull::Shed
    }
}

/// Well below the timeouts of MCP clients.
const DEADLINE: Duration = Duration::from_secs(5);
