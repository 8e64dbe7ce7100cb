//! The future of a response.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use pin_project_lite::pin_project;

use super::body::TapBody;
use crate::capture::mcp::http::exchange::HttpExchange;
use crate::capture::mcp::http::reading::BodyEnd;
use crate::capture::mcp::request_id::RequestId;

pin_project! {
    /// The response future of [`McpService`](super::service::McpService).
    pub struct McpFuture<F> {
        #[pin]
        future: F,
        expected: AwaitedResponse,
        returned: Option<RequestId>,
    }
}

/// A response that is to come.
struct AwaitedResponse(Option<Arc<HttpExchange>>);

impl<F> McpFuture<F> {
    pub(crate) fn new(future: F, passage: Option<Arc<HttpExchange>>, returned: Option<RequestId>) -> Self {
        Self { future, expected: AwaitedResponse(passage), returned }
    }
}

impl<F, R, E> Future for McpFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<TapBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.future.poll(context)).map(|response| with_id(response, this.returned.as_ref()));
        let passage = this.expected.0.take();
        Poll::Ready(match (result, passage) {
            (Ok(response), Some(passage)) => Ok(tapped(response, &passage)),
            (Ok(response), None) => Ok(response.map(TapBody::relayed)),
            (Err(error), passage) => {
                over(passage, BodyEnd::Broken);
                Err(error)
            }
        })
    }
}

/// The response with that id, unless it has one.
pub(crate) fn with_id<R>(mut response: Response<R>, id: Option<&RequestId>) -> Response<R> {
    if let Some((name, value)) = id.and_then(RequestId::to_header) {
        response.headers_mut().entry(name).or_insert(value);
    }
    response
}

fn tapped<R: Body>(response: Response<R>, passage: &Arc<HttpExchange>) -> Response<TapBody<R>> {
    let (parts, body) = response.into_parts();
    let told = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length = told.or_else(|| body.size_hint().exact());
    let tap = catch_unwind(AssertUnwindSafe(|| passage.response_tap(&parts, length)));
    let body = match tap {
        Ok(tap) => TapBody::tapped(body, tap),
        Err(_) => {
            over(Some(passage.clone()), BodyEnd::Broken);
            TapBody::relayed(body)
        }
    };
    Response::from_parts(parts, body)
}

fn over(passage: Option<Arc<HttpExchange>>, how: BodyEnd) {
    if let Some(passage) = passage {
        drop(catch_unwind(AssertUnwindSafe(|| passage.over(how))));
    }
}

/// The client disconnected before there was a response.
impl Drop for AwaitedResponse {
    fn drop(&mut self) {
        over(self.0.take(), BodyEnd::Dropped);
    }
}

impl<F> fmt::Debug for McpFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpFuture").field("is_tapped", &self.expected.0.is_some()).finish_non_exhaustive()
    }
}
