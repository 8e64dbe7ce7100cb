//! A response body that passes unchanged, while a copy of its messages is read.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::events::Events;

/// It says of itself what the body inside says, so that hyper frames it in the same way.
pub(super) struct Copied<F: FnMut(&[u8])> {
    body: Body,
    copy: Copy,
    message: F,
}

enum Copy {
    Events(Events),
    /// Read at the end: `application/json` may hold several documents.
    Whole(Vec<u8>),
}

impl<F: FnMut(&[u8])> Copied<F> {
    pub(super) fn new(body: Body, is_events: bool, message: F) -> Self {
        let copy = if is_events { Copy::Events(Events::default()) } else { Copy::Whole(Vec::new()) };
        Self { body, copy, message }
    }
}

impl<F: FnMut(&[u8]) + Unpin> HttpBody for Copied<F> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(bytes) = frame.data_ref()
        {
            match &mut this.copy {
                Copy::Events(events) => events.feed(bytes).iter().for_each(|event| (this.message)(event)),
                Copy::Whole(whole) => whole.extend_from_slice(bytes),
            }
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// hyper does not poll a body past the last byte that it expects, so the end is where the body goes.
impl<F: FnMut(&[u8])> Drop for Copied<F> {
    fn drop(&mut self) {
        if let Copy::Whole(whole) = &self.copy {
            (self.message)(whole);
        }
    }
}
