//! What the server writes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::{Ends, Listener};

/// A stream whose bytes are heard once the stream has taken them.
#[derive(Debug)]
pub struct TapWrite<W> {
    inner: W,
    /// `None` if the stream itself hears what it writes.
    listener: Option<Listener>,
    order: Arc<Mutex<()>>,
    _ends: Arc<Ends>,
}

impl<W> TapWrite<W> {
    pub(super) fn new(inner: W, listener: Option<Listener>, order: Arc<Mutex<()>>, ends: Arc<Ends>) -> Self {
        Self { inner, listener, order, _ends: ends }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for TapWrite<W> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { inner, listener, order, .. } = &mut *self;
        let Some(listener) = listener else { return Pin::new(inner).poll_write(context, bytes) };
        let _before_any_answer = order.lock().unwrap_or_else(PoisonError::into_inner);
        let written = ready!(Pin::new(inner).poll_write(context, bytes))?;
        listener.hear(bytes.get(..written).unwrap_or(bytes));
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { inner, listener, order, .. } = &mut *self;
        let Some(listener) = listener else { return Pin::new(inner).poll_write_vectored(context, slices) };
        let _before_any_answer = order.lock().unwrap_or_else(PoisonError::into_inner);
        let written = ready!(Pin::new(inner).poll_write_vectored(context, slices))?;
        let mut left = written;
        for slice in slices {
            let here = slice.get(..left).unwrap_or(slice);
            listener.hear(here);
            left -= here.len();
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = ready!(Pin::new(&mut self.inner).poll_shutdown(context));
        // What has no end yet was not said where the other side is gone.
        if let Some(listener) = self.listener.as_mut().filter(|_| closed.is_ok()) {
            listener.end();
        }
        Poll::Ready(closed)
    }
}
