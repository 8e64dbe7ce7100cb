//! What the server reads.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

use super::{Ends, Listener};

/// A stream whose bytes are heard as they are read.
#[derive(Debug)]
pub struct TapRead<R> {
    inner: R,
    listener: Listener,
    order: Arc<Mutex<()>>,
    _ends: Arc<Ends>,
}

impl<R> TapRead<R> {
    pub(super) fn new(inner: R, listener: Listener, order: Arc<Mutex<()>>, ends: Arc<Ends>) -> Self {
        Self { inner, listener, order, _ends: ends }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for TapRead<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, has_room) = (buffer.filled().len(), buffer.remaining() > 0);
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        match buffer.filled().get(before..) {
            Some(bytes) if !bytes.is_empty() => {
                // What these bytes may answer was heard when this lock is free.
                drop(self.order.lock().unwrap_or_else(PoisonError::into_inner));
                self.listener.hear(bytes);
            }
            _ if has_room => self.listener.end(),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}
