//! A body that is looked at while it passes.
//!
//! Invariants:
//! 1. Every byte, trailer and error passes as it came, when it came, in the frame in which it came.
//! 2. A frame is read before it passes: what it says is recorded before anybody can act upon it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::tap::{Over, Tap};

pin_project! {
    /// A body of requests and responses that pass an [`McpService`](super::McpService): another body, and a look at it.
    pub struct TapBody<B> {
        #[pin]
        body: B,
        tap: Option<Tap>,
    }
}

impl<B: Body> TapBody<B> {
    pub(super) fn tapped(body: B, tap: Tap) -> Self {
        let mut body = Self { body, tap: Some(tap) };
        if body.body.is_end_stream() {
            // Nobody polls it.
            body.end(Over::Complete);
        }
        body
    }

    /// Nobody looks at it.
    pub(super) fn relayed(body: B) -> Self {
        Self { body, tap: None }
    }

    /// Whether somebody looks at it, and it says that it is JSON.
    #[cfg(feature = "proxy")]
    pub(crate) fn is_tapped(&self) -> bool {
        self.tap.as_ref().is_some_and(|tap| !tap.guesses())
    }

    /// Whether more of it would tell more.
    #[cfg(feature = "proxy")]
    pub(crate) fn is_wanted(&self) -> bool {
        self.tap.as_ref().is_some_and(Tap::is_reading)
    }

    pub(super) fn end(&mut self, how: Over) {
        if let Some(tap) = &mut self.tap {
            tap.end(how);
        }
    }
}

impl<B: Body> Body for TapBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        // Bytes stay what they are, without a copy.
        let contiguous = |frame: Frame<B::Data>| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        let frame = ready!(this.body.as_mut().poll_frame(context)).map(|frame| frame.map(contiguous));
        if let Some(tap) = this.tap {
            match &frame {
                Some(Ok(frame)) => {
                    if let Some(bytes) = frame.data_ref() {
                        tap.data(bytes);
                    }
                    if this.body.is_end_stream() {
                        tap.end(Over::Complete);
                    }
                }
                Some(Err(_)) => tap.end(Over::Broken),
                None => tap.end(Over::Complete),
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Layers that answer by themselves want an empty body.
impl<B: Default> Default for TapBody<B> {
    fn default() -> Self {
        Self { body: B::default(), tap: None }
    }
}

impl<B: fmt::Debug> fmt::Debug for TapBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapBody").field("body", &self.body).field("is_tapped", &self.tap.is_some()).finish()
    }
}
