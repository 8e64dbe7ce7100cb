//! A service whose requests are recorded.
//!
//! Invariants:
//! 1. The inner service gets every request as it came, and its response is returned, even if the audit fails.
//! 2. A panic of the inner service is recorded, and goes on.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::future::HttpFuture;
use super::http_call::HttpCall;
use super::settings::HttpSettings;
use crate::capture::mcp::http::exchange::HttpPair;
use crate::capture::mcp::http::tower::TapBody;
use crate::capture::mcp::request_id::RequestId;

/// A service around another one that records its requests. Made by [`HttpLayer`](super::layer::HttpLayer).
#[derive(Debug, Clone)]
pub struct HttpService<S> {
    settings: HttpSettings,
    inner: S,
}

impl<S> HttpService<S> {
    pub(super) fn new(settings: HttpSettings, inner: S) -> Self {
        Self { settings, inner }
    }

    /// The call that the request is, if it is recorded here.
    fn begin(&self, parts: &mut Parts) -> Option<Arc<HttpCall>> {
        let core = self.settings.trail.core();
        RequestId::of(core, parts);
        let is_first =
            self.settings.recording.wants(parts.uri.path(), true) && HttpPair::of(core, &mut parts.extensions).take();
        is_first.then(|| HttpCall::begin(&self.settings, parts))
    }
}

impl<S, B, R> Service<Request<B>> for HttpService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<TapBody<R>>;
    type Error = S::Error;
    type Future = HttpFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> HttpFuture<S::Future> {
        let (mut parts, body) = request.into_parts();
        let call = catch_unwind(AssertUnwindSafe(|| self.begin(&mut parts))).ok().flatten();
        let id = parts.extensions.get::<RequestId>().filter(|_| self.settings.returns_id).cloned();
        let request = Request::from_parts(parts, body);
        let inner = &mut self.inner;
        let future = match &call {
            Some(call) => catch_unwind(AssertUnwindSafe(|| call.span().in_scope(|| inner.call(request))))
                .unwrap_or_else(|panic| {
                    call.panicked();
                    resume_unwind(panic)
                }),
            None => inner.call(request),
        };
        HttpFuture::new(future, call, id)
    }
}
