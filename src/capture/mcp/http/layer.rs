//! The tower layer, and what all services that it makes have in common.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

#[cfg(feature = "proxy")]
use super::held::Holding;
use super::ordinary::HttpRecording;
use super::paths::Paths;
use super::service::McpService;
use super::sessions::Sessions;
use super::unread::UnreadBodies;
use crate::Trail;
use crate::capture::mcp::correlate::Correlator;
use crate::trail::Core;

/// Records the MCP calls that pass over HTTP. Made by [`Trail::mcp_layer`].
#[derive(Clone)]
pub struct McpLayer {
    shared: Arc<Shared>,
    recording: Arc<HttpRecording>,
}

/// What is known of one server.
pub(super) struct Shared {
    pub(super) correlator: Correlator,
    pub(super) sessions: Arc<Sessions>,
    pub(super) paths: Paths,
    pub(super) unread: UnreadBodies,
    /// Requests carry what their bodies tell, for who holds those back.
    #[cfg(feature = "proxy")]
    pub(super) holding: Option<Holding>,
    /// Whether it stands in a proxy: its calls come between the caller's span and the server's.
    pub(super) is_proxy: bool,
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
        McpLayer::of(Shared::new(self))
    }

    /// For a proxy. Where that holds bodies back, its requests have the extension [`Held`](super::Held).
    #[cfg(feature = "proxy")]
    pub(crate) fn mcp_layer_of_proxy(&self, holding: Option<Holding>) -> McpLayer {
        McpLayer::of(Shared { holding, is_proxy: true, ..Shared::new(self) })
    }
}

impl McpLayer {
    /// Which HTTP requests it records beside MCP.
    ///
    /// ```no_run
    /// # use auditrail::capture::mcp::HttpRecording;
    /// # fn layer(trail: auditrail::Trail) -> auditrail::capture::mcp::McpLayer {
    /// trail.mcp_layer().record_http(HttpRecording::all().exclude("/health").exclude("/metrics*"))
    /// # }
    /// ```
    #[must_use]
    pub fn record_http(self, recording: HttpRecording) -> Self {
        Self { recording: Arc::new(recording), ..self }
    }

    fn of(shared: Shared) -> Self {
        Self { shared: Arc::new(shared), recording: Arc::default() }
    }
}

impl<S> Layer<S> for McpLayer {
    type Service = McpService<S>;

    fn layer(&self, inner: S) -> McpService<S> {
        McpService::new(self.shared.clone(), self.recording.clone(), inner)
    }
}

impl fmt::Debug for McpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

impl Shared {
    fn new(trail: &Trail) -> Self {
        let core = trail.core();
        Self {
            correlator: Correlator::new(core),
            sessions: Arc::new(Sessions::new(core)),
            paths: Paths::default(),
            unread: UnreadBodies::default(),
            #[cfg(feature = "proxy")]
            holding: None,
            is_proxy: false,
            trail: trail.clone(),
        }
    }

    /// Whether calls may be refused here, so that none reaches the server before it may run.
    pub(super) fn refuses(&self) -> bool {
        #[cfg(feature = "proxy")]
        return self.holding.is_some_and(|why| why.refuses);
        #[cfg(not(feature = "proxy"))]
        return false;
    }

    pub(super) fn core(&self) -> &Arc<Core> {
        self.trail.core()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpLayer").field("sessions", &self.sessions).finish_non_exhaustive()
    }
}
