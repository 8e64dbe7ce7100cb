//! Messages whose spans could not be written into them: counted each, and told once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auditrail::internals::splice::MOST_MESSAGES;
use auditrail::internals::trail::{Core, WireCounter};

/// Counts and tells of them.
#[derive(Debug, Clone)]
pub(crate) struct Unjoined {
    core: Arc<Core>,
    is_told: Arc<AtomicBool>,
}

impl Unjoined {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self { core: core.clone(), is_told: Arc::default() }
    }

    /// One more, of more bytes than these or of too many messages.
    pub(crate) fn tell(&self, most_bytes: u64) {
        self.core.wire_counters().add(WireCounter::Unjoined);
        if !self.is_told.swap(true, Ordering::Relaxed) {
            self.core.notices().warn(format!(
                "a message is larger than the {most_bytes} bytes that are held to write trace context into it, or a batch of \
                 more than {MOST_MESSAGES}: it passed as it came, and the server does not see the proxy's span; this is said \
                 once, and auditrail.mcp.unjoined counts them; raise held_bytes if it matters"
            ));
        }
    }
}
