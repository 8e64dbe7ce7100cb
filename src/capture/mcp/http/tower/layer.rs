//! The tower layer.

use std::fmt;
use std::sync::Arc;

use tower_layer::Layer;

use super::service::McpService;
use crate::Trail;
use crate::capture::mcp::http::exchange::HttpRecording;
#[cfg(feature = "internals")]
use crate::capture::mcp::http::server::HoldReasons;
use crate::capture::mcp::http::server::ServerState;

/// The tower layer that records MCP calls over HTTP. Made by [`Trail::mcp_layer`].
#[derive(Clone)]
pub struct McpLayer {
    shared: Arc<ServerState>,
    recording: Arc<HttpRecording>,
    returns_id: bool,
}

impl Trail {
    /// Creates a tower layer that records every MCP call over Streamable HTTP by reading the bytes that pass,
    /// including calls that never reach a handler and requests that fail before there is a message. No byte is
    /// changed or held.
    ///
    /// Put it around the MCP endpoint only, below a layer that compresses, and above or below one that authenticates
    /// (the [`actor`](crate::trail::TrailBuilder::actor) hook sees what the request has at this point):
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
    /// Use one layer per server: it holds the sessions and the tools. Its clones share them.
    ///
    /// A wrapped handler ([`Trail::audited`]) behind it enriches its records. The address of the client is recorded
    /// if the request has a [`PeerAddr`](crate::capture::mcp::PeerAddr).
    #[must_use]
    pub fn mcp_layer(&self) -> McpLayer {
        McpLayer::of(ServerState::new(self))
    }

    /// Creates the layer of a proxy. If the proxy holds bodies, requests get the extension
    /// [`HeldCalls`](crate::capture::mcp::http::exchange::HeldCalls).
    #[cfg(feature = "internals")]
    pub(crate) fn mcp_layer_of_proxy(&self, holding: Option<HoldReasons>) -> McpLayer {
        McpLayer::of(ServerState::of_proxy(self, holding))
    }
}

impl McpLayer {
    /// Selects the HTTP requests that are recorded although they are not MCP (default: [`HttpRecording::failures`]).
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

    /// Whether responses get the header `x-request-id` with the [`RequestId`](crate::RequestId) of their request, unless they have
    /// one (default: no).
    #[must_use]
    pub fn return_request_id(self, returns: bool) -> Self {
        Self { returns_id: returns, ..self }
    }

    fn of(shared: ServerState) -> Self {
        Self { shared: Arc::new(shared), recording: Arc::default(), returns_id: false }
    }
}

impl<S> Layer<S> for McpLayer {
    type Service = McpService<S>;

    fn layer(&self, inner: S) -> McpService<S> {
        McpService::new(self.shared.clone(), self.recording.clone(), inner).returning_id(self.returns_id)
    }
}

impl fmt::Debug for McpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}
