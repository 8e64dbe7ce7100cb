//! As long as an exchange goes on, its connection is occupied.

use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::Guest;

/// An exchange, until its answer is written or given up.
#[derive(Debug)]
pub(in crate::proxy::http) struct Occupying(Guest);

impl Occupying {
    pub(super) fn new(guest: Guest) -> Self {
        Self(guest)
    }
}

impl Drop for Occupying {
    fn drop(&mut self) {
        self.0.end();
    }
}

pin_project! {
    /// The body of an answer. Whoever writes it drops it at its end.
    #[derive(Debug)]
    pub(in crate::proxy::http) struct Occupied<B> {
        #[pin]
        body: B,
        occupying: Option<Occupying>,
    }
}

impl<B> Occupied<B> {
    pub(in crate::proxy::http) fn new(body: B, occupying: Option<Occupying>) -> Self {
        Self { body, occupying }
    }
}

impl<B: Body> Body for Occupied<B> {
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
