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

/// ServerState by all services of one layer.
pub(crate) struct ServerState {
    pub(crate) correlator: Correlator,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) paths: Paths,
    pub(crate) unread: UnreadCounts,
    /// Requests carry what their bodies tell, for who holds those back.
    #[cfg(feature = "internals")]
    pub(crate) holding: Option<HoldReasons>,
    /// Whether it stands in a proxy: its calls come between the caller's span and the server's.
    pub(crate) is_proxy: bool,
    /// The last: the ends of the sessions above are told on it.
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

    /// Of a proxy, which holds bodies back for these reasons.
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
