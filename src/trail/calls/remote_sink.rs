//! Which sink has to accept a record whose class waits for one.

use crate::journal::SinkName;
use crate::policy::Acknowledge;

impl Acknowledge {
    /// The sink that [`Remote`](Self::Remote) means: the collector.
    pub const REMOTE_SINK: SinkName = SinkName::OTLP;
}
