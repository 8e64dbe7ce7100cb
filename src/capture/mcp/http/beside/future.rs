//! The future of a response.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use super::http_call::HttpCall;
use crate::capture::mcp::http::reading::BodyEnd;
use crate::capture::mcp::http::tower::{TapBody, with_id};
use crate::capture::mcp::request_id::RequestId;

pin_project! {
    /// The response future of [`HttpService`](super::service::HttpService). It runs the inner service in the span of the request.
    pub struct HttpFuture<F> {
        #[pin]
        future: F,
        awaited: AwaitedResponse,
        returned: Option<RequestId>,
    }
}

/// A response that is to come.
struct AwaitedResponse(Option<Arc<HttpCall>>);

impl<F> HttpFuture<F> {
    pub(super) fn new(future: F, call: Option<Arc<HttpCall>>, returned: Option<RequestId>) -> Self {
        Self { future, awaited: AwaitedResponse(call), returned }
    }
}

impl<F, R, E> Future for HttpFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<TapBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future;
        let polled = match &this.awaited.0 {
            None => future.poll(context),
            Some(call) => {
                let run = AssertUnwindSafe(|| call.span().in_scope(|| future.poll(context)));
                catch_unwind(run).unwrap_or_else(|panic| {
                    call.panicked();
                    resume_unwind(panic)
                })
            }
        };
        polled.map(|result| {
            let call = this.awaited.0.take();
            let result = result.map(|response| with_id(response, this.returned.as_ref()));
            match (result, call) {
                (Ok(response), Some(call)) => Ok(watched(response, &call)),
                (Ok(response), None) => Ok(response.map(TapBody::relayed)),
                (Err(error), call) => {
                    end(call, BodyEnd::Broken);
                    Err(error)
                }
            }
        })
    }
}

fn watched<R: Body>(response: Response<R>, call: &Arc<HttpCall>) -> Response<TapBody<R>> {
    let (parts, body) = response.into_parts();
    let length = body.size_hint().exact();
    let body = match catch_unwind(AssertUnwindSafe(|| call.respond(&parts, length))) {
        Ok(tap) => TapBody::tapped(body, tap),
        Err(_) => {
            end(Some(call.clone()), BodyEnd::Broken);
            TapBody::relayed(body)
        }
    };
    Response::from_parts(parts, body)
}

fn end(call: Option<Arc<HttpCall>>, how: BodyEnd) {
    if let Some(call) = call {
        drop(catch_unwind(AssertUnwindSafe(|| call.end(how))));
    }
}

/// The client disconnected before there was a response.
impl Drop for AwaitedResponse {
    fn drop(&mut self) {
        // A panic in the inner service's `call` ends it otherwise.
        if !std::thread::panicking() {
            end(self.0.take(), BodyEnd::Dropped);
        }
    }
}

impl<F> fmt::Debug for HttpFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpFuture").field("is_recorded", &self.awaited.0.is_some()).finish_non_exhaustive()
    }
}
