//! A service whose requests and responses are audited.
//!
//! Invariants:
//! 1. The inner service gets every request, and its response is returned, even if the audit fails.
//! 2. An exchange that passes two layers of one trail is recorded once, by the outer layer. The inner one only tells it who the
//!    sender is, if that was unknown: authentication may be between them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::body::TapBody;
use super::future::McpFuture;
use crate::capture::mcp::correlate::Exchange;
use crate::capture::mcp::http::exchange::{HttpExchange, HttpRecording};
use crate::capture::mcp::http::reading::UnreadReason;
use crate::capture::mcp::http::server::ServerState;
use crate::capture::mcp::request_id::RequestId;

/// A service around another one that records the calls that pass. Made by [`McpLayer`](super::layer::McpLayer).
#[derive(Debug, Clone)]
pub struct McpService<S> {
    shared: Arc<ServerState>,
    recording: Arc<HttpRecording>,
    returns_id: bool,
    inner: S,
}

impl<S> McpService<S> {
    pub(crate) fn new(shared: Arc<ServerState>, recording: Arc<HttpRecording>, inner: S) -> Self {
        Self { shared, recording, returns_id: false, inner }
    }

    pub(crate) fn returning_id(self, returns_id: bool) -> Self {
        Self { returns_id, ..self }
    }

    fn begin<B: Body>(&self, parts: &mut Parts, body: B) -> (TapBody<B>, Option<Arc<HttpExchange>>) {
        if let Some(outer) = parts.extensions.get::<Arc<Exchange>>().filter(|outer| outer.is_of(self.shared.core())) {
            outer.identify(&parts.headers, &parts.extensions);
            return (TapBody::relayed(body), None);
        }
        let length = body.size_hint().exact();
        let begin = || {
            let passage = HttpExchange::begin(&self.shared, &self.recording, parts);
            let tap = passage.request_tap(parts, length);
            (passage, tap)
        };
        let Ok((passage, tap)) = catch_unwind(AssertUnwindSafe(begin)) else {
            self.shared.unread.count(self.shared.core(), &self.shared.correlator, UnreadReason::Panicked);
            return (TapBody::relayed(body), None);
        };
        parts.extensions.insert(passage.exchange().clone());
        #[cfg(feature = "internals")]
        if let Some(held) = passage.held() {
            parts.extensions.insert(held.clone());
            if let Some(client) = passage.exchange().client() {
                parts.extensions.insert(client.clone());
            }
        }
        let body = match tap {
            Some(tap) => TapBody::tapped(body, tap),
            None => TapBody::relayed(body),
        };
        (body, Some(passage))
    }
}

impl<S, B, R> Service<Request<B>> for McpService<S>
where
    S: Service<Request<TapBody<B>>, Response = Response<R>>,
    B: Body,
    R: Body,
{
    type Response = Response<TapBody<R>>;
    type Error = S::Error;
    type Future = McpFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> McpFuture<S::Future> {
        let (mut parts, body) = request.into_parts();
        let (body, passage) = self.begin(&mut parts, body);
        let id = parts.extensions.get::<RequestId>().filter(|_| self.returns_id).cloned();
        McpFuture::new(self.inner.call(Request::from_parts(parts, body)), passage, id)
    }
}
