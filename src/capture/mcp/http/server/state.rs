//! The state of one layer, which stands for one server.

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "internals")]
use super::hold_reasons::HoldReasons;
use super::paths::Paths;
use super::sessions::Sessions;
use crate::Trail;
use crate::capture::mcp::correlate::Correlator;
use crate::capture::mcp::http::reading::UnreadCounts;
use crate::trail::Core;

/// The state that all services of one layer share.
pub(crate) struct ServerState {
    pub(crate) correlator: Correlator,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) paths: Paths,
    pub(crate) unread: UnreadCounts,
    /// Requests carry the facts of their bodies, for code that holds the bodies.
    #[cfg(feature = "internals")]
    pub(crate) holding: Option<HoldReasons>,
    /// Whether it is in a proxy, whose calls are between the caller's span and the server's.
    pub(crate) is_proxy: bool,
    /// Dropped last: the ends of the sessions above are recorded on it.
    trail: Trail,
}

impl ServerState {
    pub(crate) fn new(trail: &Trail) -> Self {
        let core = trail.core();
        Self {
            correlator: Correlator::new(core),
            sessions: Arc::new(Sessions::new(core)),
            paths: Paths::default(),
            unread: UnreadCounts::default(),
            #[cfg(feature = "internals")]
            holding: None,
            is_proxy: false,
            trail: trail.clone(),
        }
    }

    /// Creates the state of a proxy, which holds bodies for these reasons.
    #[cfg(feature = "internals")]
    pub(crate) fn of_proxy(trail: &Trail, holding: Option<HoldReasons>) -> Self {
        Self { holding, is_proxy: true, ..Self::new(trail) }
    }

    /// Whether calls may be refused here, so that none reaches the server before it may run.
    pub(crate) fn refuses(&self) -> bool {
        #[cfg(feature = "internals")]
        return self.holding.is_some_and(|why| why.refuses);
        #[cfg(not(feature = "internals"))]
        return false;
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        self.trail.core()
    }
}

impl fmt::Debug for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpLayer").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}
