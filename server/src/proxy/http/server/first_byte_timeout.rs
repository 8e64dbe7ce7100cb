//! A stream whose first bytes must arrive in time. They tell HTTP/2 from HTTP/1, and hyper's own timeout for heads begins only
//! after them. The stream also reports whether written bytes are still waiting to be sent.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Wraps a stream.
#[derive(Debug)]
pub(crate) struct FirstByteTimeout<I> {
    inner: I,
    /// `None` once the protocol is known.
    waiting: Option<FirstByteWait>,
    unwritten: WriteBacklog,
}

/// Whether the peer does not take the bytes that are to be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct WriteBacklog(Arc<AtomicBool>);

impl WriteBacklog {
    pub(crate) fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn note<T>(&self, result: Poll<T>) -> Poll<T> {
        self.0.store(result.is_pending(), Ordering::Relaxed);
        result
    }
}

#[derive(Debug)]
struct FirstByteWait {
    until: Pin<Box<Sleep>>,
    /// How much of the preface of HTTP/2 has arrived.
    matched: usize,
}

impl<I> FirstByteTimeout<I> {
    pub(crate) fn new(inner: I, patience: Duration, unwritten: WriteBacklog) -> Self {
        Self { inner, unwritten, waiting: Some(FirstByteWait { until: Box::pin(sleep(patience)), matched: 0 }) }
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for FirstByteTimeout<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { inner, waiting, .. } = &mut *self;
        let before = buffer.filled().len();
        let read = Pin::new(inner).poll_read(context, buffer);
        let Some(wait) = waiting else { return read };
        if read.is_pending() {
            ready!(wait.until.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let came = buffer.filled().get(before..).unwrap_or_default();
        let expected = PREFACE.get(wait.matched..).unwrap_or_default();
        wait.matched += came.len();
        if !expected.starts_with(came) || wait.matched >= PREFACE.len() {
            *waiting = None;
        }
        read
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for FirstByteTimeout<I> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.unwritten.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.unwritten.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

/// The preface of HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
