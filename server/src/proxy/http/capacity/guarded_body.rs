//! The body of an answer, which keeps its connection in use until it is written.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::client::ExchangeGuard;

pin_project! {
    /// The body of an answer; hyper drops it when it is written.
    #[derive(Debug)]
    pub(crate) struct GuardedBody<B> {
        #[pin]
        body: B,
        guard: Option<ExchangeGuard>,
    }
}

impl<B> GuardedBody<B> {
    pub(crate) fn new(body: B, guard: Option<ExchangeGuard>) -> Self {
        Self { body, guard }
    }
}

impl<B: Body> Body for GuardedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.project().body.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
