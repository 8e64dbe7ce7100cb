//! Whether a request has been sent.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::Request;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// Tells of a body that is being sent.
#[derive(Debug)]
pub(super) struct Upload(Arc<AtomicBool>);

pin_project! {
    /// A body of which is known when nobody wants more of it.
    #[derive(Debug)]
    pub(super) struct Followed<B> {
        #[pin]
        body: B,
        end: End,
    }
}

#[derive(Debug)]
struct End(Arc<AtomicBool>);

pub(super) fn followed<B>(request: Request<B>) -> (Request<Followed<B>>, Upload) {
    let is_over = Arc::<AtomicBool>::default();
    let end = End(is_over.clone());
    (request.map(|body| Followed { body, end }), Upload(is_over))
}

impl Upload {
    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A connection lets go of a body as soon as it has the last of it.
impl Drop for End {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

impl<B: Body> Body for Followed<B> {
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
