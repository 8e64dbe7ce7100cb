//! The tower layer, and what all services that it makes have in common.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

#[cfg(feature = "proxy")]
use super::held::Holding;
use super::service::McpService;
use super::sessions::Sessions;
use super::unread::UnreadBodies;
use crate::Trail;
use crate::capture::mcp::correlate::Correlator;
use crate::trail::Core;

/// Records the MCP calls that pass over HTTP. Made by [`Trail::mcp_layer`].
#[derive(Clone)]
pub struct McpLayer(Arc<Shared>);

/// What is known of one server.
pub(super) struct Shared {
    pub(super) correlator: Correlator,
    pub(super) sessions: Arc<Sessions>,
    pub(super) unread: UnreadBodies,
    /// Requests carry what their bodies tell, for who holds those back.
    #[cfg(feature = "proxy")]
    pub(super) holding: Option<Holding>,
    /// The last: the ends of the sessions above are told on it.
    trail: Trail,
}

/// An extension of responses that somebody gives in the place of the server: their bodies are not what it answered.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "proxy"), allow(dead_code, reason = "only the proxy answers by itself"))]
pub(crate) struct NotTheServers;

impl Trail {
    /// A tower layer that records every MCP call over Streamable HTTP by looking at what passes: also those that never reach
    /// a handler, and the requests that fail before there is a message. No byte is changed or held back.
    ///
    /// Put it around the MCP endpoint and nothing else, below whatever compresses, above or below whatever authenticates (the
    /// extractor of [`actor`](crate::trail::TrailBuilder::actor) sees what the request had when it came here):
    ///
    /// ```no_run
    /// # fn around<S, M>(
    /// #     trail: auditrail::Trail,
    /// #     service: rmcp::transport::streamable_http_server::StreamableHttpService<S, M>,
    /// # ) -> axum::Router
    /// # where
    /// #     S: rmcp::ServerHandler,
    /// #     M: rmcp::transport::streamable_http_server::SessionManager,
    /// # {
    /// axum::Router::new().nest_service("/mcp", service).layer(trail.mcp_layer())
    /// # }
    /// ```
    ///
    /// One layer is for one server: it knows the sessions and the tools. Its clones share that.
    ///
    /// A wrapped handler ([`Trail::audited`]) behind it enriches the same records. The address of the client is known where
    /// the request has a [`PeerAddr`](super::PeerAddr).
    #[must_use]
    pub fn mcp_layer(&self) -> McpLayer {
        McpLayer(Arc::new(Shared::new(self)))
    }

    /// The same for a service that holds bodies back: its requests have the extension [`Held`](super::Held).
    #[cfg(feature = "proxy")]
    pub(crate) fn mcp_layer_that_holds(&self, why: Holding) -> McpLayer {
        McpLayer(Arc::new(Shared { holding: Some(why), ..Shared::new(self) }))
    }
}

impl<S> Layer<S> for McpLayer {
    type Service = McpService<S>;

    fn layer(&self, inner: S) -> McpService<S> {
        McpService::new(self.0.clone(), inner)
    }
}

impl fmt::Debug for McpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Shared {
    fn new(trail: &Trail) -> Self {
        let core = trail.core();
        Self {
            correlator: Correlator::new(core),
            sessions: Arc::new(Sessions::new(core)),
            unread: UnreadBodies::default(),
            #[cfg(feature = "proxy")]
            holding: None,
            trail: trail.clone(),
        }
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        self.trail.core()
    }

    /// Whether requests go on as children of their calls.
    pub(super) fn joins(&self) -> bool {
        #[cfg(feature = "proxy")]
        return self.holding.is_some_and(|why| why.joins);
        #[cfg(not(feature = "proxy"))]
        false
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpLayer").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}
