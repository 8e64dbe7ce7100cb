//! Messages into which no span could be written: each is counted, and one notice reports them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auditrail::internals::splice::MOST_MESSAGES;
use auditrail::internals::trail::{Core, WireCounter};

/// Counts and reports them.
#[derive(Debug, Clone)]
pub(crate) struct Unjoined {
    core: Arc<Core>,
    is_told: Arc<AtomicBool>,
}

impl Unjoined {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self { core: core.clone(), is_told: Arc::default() }
    }

    /// Counts one more: it has more than `most_bytes` bytes, or too many messages.
    pub(crate) fn tell(&self, most_bytes: u64) {
        self.core.wire_counters().add(WireCounter::Unjoined);
        if !self.is_told.swap(true, Ordering::Relaxed) {
            self.core.notices().warn(format!(
                "a message is larger than the {most_bytes} bytes that are held to write trace context into it, or a batch of \
                 more than {MOST_MESSAGES} messages: it was forwarded unchanged, and the server does not see the proxy's span; this is \
                 reported once, and auditrail.mcp.unjoined counts them; raise held_bytes if it matters"
            ));
        }
    }
}
