//! Tracks whether the body of a request has been sent.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::Request;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// Reports whether a body has been sent.
#[derive(Debug)]
pub(super) struct UploadState(Weak<()>);

pin_project! {
    /// A body that reports when all of it is written.
    #[derive(Debug)]
    pub(super) struct TrackedBody<B> {
        #[pin]
        body: B,
        alive: Arc<()>,
    }
}

/// Dropped when its bytes are written, long after the connection took the frame.
#[derive(Debug)]
pub(super) struct TrackedBytes {
    bytes: Bytes,
    _alive: Arc<()>,
}

pub(super) fn tracked<B>(request: Request<B>) -> (Request<TrackedBody<B>>, UploadState) {
    let alive = Arc::new(());
    let upload = UploadState(Arc::downgrade(&alive));
    (request.map(|body| TrackedBody { body, alive }), upload)
}

impl<B> TrackedBody<B> {
    /// The body, of which nothing was sent.
    pub(super) fn into_inner(self) -> B {
        self.body
    }
}

impl UploadState {
    pub(super) fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl<B: Body<Data = Bytes>> Body for TrackedBody<B> {
    type Data = TrackedBytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<TrackedBytes>, Self::Error>>> {
        let this = self.project();
        let frame = ready!(this.body.poll_frame(context));
        let unwritten = |bytes| TrackedBytes { bytes, _alive: this.alive.clone() };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(unwritten))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Buf for TrackedBytes {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}
