//! What a call's class promises: how durable its records are before it goes on, and what happens when they cannot be kept.

use std::time::Duration;

use crate::journal::SinkName;

/// What must have happened to a record before its caller goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Acknowledge {
    /// It is taken. Given as [`Written`](Self::Written), which is no dearer here.
    Queued,
    /// It survives the death of the process (`kill -9`). Costs no waiting.
    #[default]
    Written,
    /// It survives a power loss. All who wait share one `fdatasync`.
    Synced,
    /// The sink [`REMOTE_SINK`](Self::REMOTE_SINK) has accepted it, too, whatever other sinks have.
    Remote,
}

impl Acknowledge {
    /// The sink that [`Remote`](Self::Remote) means: the collector.
    pub const REMOTE_SINK: SinkName = SinkName::OTLP;
}

/// What happens to a call whose records cannot be kept as its class wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WhenFull {
    /// The call goes on; its records are counted, and a gap record tells of them. Shedding begins when nine tenths of the
    /// bound are used, so that the other classes have room.
    #[default]
    Shed,
    /// The call does not run and is answered with an error.
    Refuse,
    /// The call waits for room, for the deadline of its class, and is refused then.
    Wait,
}

/// How much the records of a call matter. The default: written, shed when full.
///
/// Room for both records of a call whose class does not shed is kept before it begins. Only what goes through
/// [`Trail::begin`](crate::Trail::begin) can be refused or wait; records of hand-annotated spans and of moments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// What must have happened to a record.
    pub acknowledge: Acknowledge,
    /// What happens when it cannot.
    pub when_full: WhenFull,
    /// How long a call waits for room, for the disk and for the collector. A disk that stands still, such as a frozen file system,
    /// is waited for no longer; where a class neither holds nor refuses calls, the store itself may be caught by it in the kernel
    /// (`docs/format.md`, "Writing while the disk stands still").
    pub deadline: Duration,
}

impl Default for Class {
    fn default() -> Self {
        Self { acknowledge: Acknowledge::default(), when_full: WhenFull::default(), deadline: DEADLINE }
    }
}

impl Class {
    /// For what must not happen unrecorded: synced, and refused otherwise.
    pub const CRITICAL: Self =
        Self { acknowledge: Acknowledge::Synced, when_full: WhenFull::Refuse, deadline: DEADLINE };

    /// Whether its calls may wait before they run, or not run at all.
    #[must_use]
    pub fn may_hold(&self) -> bool {
        self.acknowledge > Acknowledge::Written || self.when_full != WhenFull::Shed
    }
}

/// Well below the time-outs of MCP clients.
const DEADLINE: Duration = Duration::from_secs(5);
