//! The tower layer for HTTP that is not MCP.

use std::sync::Arc;

use http::Extensions;
use tower_layer::Layer;

use super::service::HttpService;
use super::settings::HttpSettings;
use crate::Trail;
use crate::capture::mcp::http::exchange::HttpRecording;

/// The tower layer that records HTTP requests. Made by [`Trail::http_layer`].
#[derive(Debug, Clone)]
pub struct HttpLayer(HttpSettings);

impl Trail {
    /// Creates a tower layer that records each HTTP request as a pair `auditrail.http.request`, for services that are not MCP: an
    /// internal REST service that tools call, or the routes beside an MCP endpoint. The request record is written before the inner
    /// service runs, the response record when the last byte of the response has passed. No body is read, and no byte changed.
    ///
    /// The inner service runs in the span of the request, `{method} {route}`, which is the child of the span that the header
    /// `traceparent` names, or of the host's own span for the request. So the records of a tool call and of the HTTP request that
    /// its handler makes have one trace ([`propagation`](crate::propagation)).
    ///
    /// ```no_run
    /// # use axum::extract::MatchedPath;
    /// # use axum::routing::get;
    /// # fn routes(trail: auditrail::Trail) -> axum::Router {
    /// let layer = trail
    ///     .http_layer()
    ///     .record_http(auditrail::HttpRecording::all().exclude("/health"))
    ///     .route(|request| request.get::<MatchedPath>().map(|path| path.as_str().to_owned()));
    /// axum::Router::new()
    ///     .route("/cities/{city}", get(async || "sunny"))
    ///     .layer(layer) // `Router::layer` runs behind the router, which has the route by then
    /// # }
    /// ```
    ///
    /// MCP is not read: use [`mcp_layer`](Self::mcp_layer) for its endpoint. A request that passes both layers of one trail has one
    /// pair `auditrail.http.request`, in addition to the records of its MCP messages.
    #[must_use]
    pub fn http_layer(&self) -> HttpLayer {
        let recording = Arc::new(HttpRecording::all());
        HttpLayer(HttpSettings { trail: self.clone(), recording, route: None, returns_id: false })
    }
}

impl HttpLayer {
    /// Selects the requests that are recorded (default: [`HttpRecording::all`]). With [`HttpRecording::failures`] a request is
    /// recorded when its response is known to be one, and its handler runs in no span of auditrail.
    #[must_use]
    pub fn record_http(self, recording: HttpRecording) -> Self {
        Self(HttpSettings { recording: Arc::new(recording), ..self.0 })
    }

    /// Finds the route of a request, `http.route`, in what the framework has left in its extensions: the pattern that was matched,
    /// such as `/cities/{city}`, and never the path itself.
    #[must_use]
    pub fn route(self, route: impl Fn(&Extensions) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(HttpSettings { route: Some(Arc::new(route)), ..self.0 })
    }

    /// Whether responses get the header `x-request-id` with the [`RequestId`](crate::RequestId) of their request, unless they have
    /// one (default: no).
    #[must_use]
    pub fn return_request_id(self, returns: bool) -> Self {
        Self(HttpSettings { returns_id: returns, ..self.0 })
    }
}

impl<S> Layer<S> for HttpLayer {
    type Service = HttpService<S>;

    fn layer(&self, inner: S) -> HttpService<S> {
        HttpService::new(self.0.clone(), inner)
    }
}
