//! A body that is read while it passes.
//!
//! Invariants:
//! 1. Every byte, trailer and error passes unchanged and without delay, in its own frame.
//! 2. A frame is read before it passes: its messages are recorded before its receiver can act on them.
//! 3. A frame with very many messages is read in pieces with turns for other tasks in between, and its sender waits
//!    for the disk.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::capture::mcp::http::reading::{BodyEnd, BodyTap};
use crate::trail::Pause;

pin_project! {
    /// The body of requests and responses that pass an [`McpService`](super::service::McpService): it wraps the
    /// original body and reads what passes.
    pub struct TapBody<B> {
        #[pin]
        body: B,
        tap: Option<BodyTap>,
        looked_at: Option<PartlyReadFrame>,
        pause: Option<Pause>,
    }
}

/// A frame that has not been read completely.
#[derive(Debug)]
struct PartlyReadFrame {
    frame: Frame<Bytes>,
    read: usize,
}

impl<B: Body> TapBody<B> {
    pub(crate) fn tapped(body: B, tap: BodyTap) -> Self {
        let mut body = Self { body, tap: Some(tap), looked_at: None, pause: None };
        if body.body.is_end_stream() {
            // Nothing polls it.
            body.end(BodyEnd::Complete);
        }
        body
    }

    /// A body that is not read.
    pub(crate) fn relayed(body: B) -> Self {
        Self { body, tap: None, looked_at: None, pause: None }
    }

    /// Whether it is read and declares JSON.
    #[cfg(feature = "internals")]
    pub(crate) fn is_tapped(&self) -> bool {
        self.tap.as_ref().is_some_and(|tap| !tap.guesses())
    }

    /// Whether reading more of it can find more.
    #[cfg(feature = "internals")]
    pub(crate) fn is_wanted(&self) -> bool {
        self.tap.as_ref().is_some_and(BodyTap::is_reading)
    }

    pub(crate) fn end(&mut self, how: BodyEnd) {
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
        if let Some(pause) = this.pause {
            ready!(pause.as_mut().poll(context));
            *this.pause = None;
        }
        let PartlyReadFrame { frame, read } = match this.looked_at.take() {
            Some(looked_at) => looked_at,
            None => {
                // `Bytes` stay `Bytes`, without a copy.
                let contiguous =
                    |frame: Frame<B::Data>| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
                match ready!(this.body.as_mut().poll_frame(context)).map(|frame| frame.map(contiguous)) {
                    Some(Ok(frame)) => PartlyReadFrame { frame, read: 0 },
                    end => {
                        let how = if end.is_some() { BodyEnd::Broken } else { BodyEnd::Complete };
                        this.tap.iter_mut().for_each(|tap| tap.end(how));
                        return Poll::Ready(end);
                    }
                }
            }
        };
        let Some(tap) = this.tap else { return Poll::Ready(Some(Ok(frame))) };
        let bytes = frame.data_ref().and_then(|bytes| bytes.get(read..)).unwrap_or_default();
        let (length, more) = (bytes.len(), tap.data(bytes));
        *this.pause = tap.pause();
        if more < length {
            *this.looked_at = Some(PartlyReadFrame { frame, read: read + more });
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if this.body.is_end_stream() {
            tap.end(BodyEnd::Complete);
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.looked_at.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.looked_at.as_ref().and_then(|looked_at| looked_at.frame.data_ref());
        let (held, mut hint) = (held.map_or(0, |data| data.len() as u64), self.body.size_hint());
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint.set_lower(hint.lower().saturating_add(held));
        hint
    }
}

/// Layers that answer requests themselves need an empty body.
impl<B: Default> Default for TapBody<B> {
    fn default() -> Self {
        Self { body: B::default(), tap: None, looked_at: None, pause: None }
    }
}

impl<B: fmt::Debug> fmt::Debug for TapBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapBody").field("body", &self.body).field("is_tapped", &self.tap.is_some()).finish()
    }
}
