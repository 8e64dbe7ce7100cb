//! The stream that the server writes.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

use super::close::CloseOnDrop;
use super::direction::DirectionReader;
use crate::locks::Mutex;

/// A stream whose bytes are audited once the stream has accepted them.
#[derive(Debug)]
pub struct TapWrite<W> {
    inner: W,
    /// `None` if the stream itself reads what it writes.
    reader: Option<DirectionReader>,
    order: Arc<Mutex<()>>,
    _ends: Arc<CloseOnDrop>,
}

impl<W> TapWrite<W> {
    pub(super) fn new(
        inner: W,
        reader: Option<DirectionReader>,
        order: Arc<Mutex<()>>,
        ends: Arc<CloseOnDrop>,
    ) -> Self {
        Self { inner, reader, order, _ends: ends }
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for TapWrite<W> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { inner, reader, order, .. } = &mut *self;
        let Some(reader) = reader else { return Pin::new(inner).poll_write(context, bytes) };
        let _before_any_answer = order.lock();
        let written = ready!(Pin::new(inner).poll_write(context, bytes))?;
        reader.read_all(bytes.get(..written).unwrap_or(bytes), Some);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let Self { inner, reader, order, .. } = &mut *self;
        let Some(reader) = reader else { return Pin::new(inner).poll_write_vectored(context, slices) };
        let _before_any_answer = order.lock();
        let written = ready!(Pin::new(inner).poll_write_vectored(context, slices))?;
        let mut left = written;
        for slice in slices {
            let here = slice.get(..left).unwrap_or(slice);
            reader.read_all(here, Some);
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
        // What has no end yet was not sent if the other side is gone.
        if let Some(reader) = self.reader.as_mut().filter(|_| closed.is_ok()) {
            reader.end(Some);
        }
        Poll::Ready(closed)
    }
}
