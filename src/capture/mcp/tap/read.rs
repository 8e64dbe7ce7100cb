//! The stream that the server reads.
//!
//! Invariants:
//! 1. No byte is given to the server before the tap has read it. Bytes that are unread at a turn of others wait here.
//! 2. Others have a turn after every so many messages, whether or not the stream has more, and a client that sends so
//!    many waits for the disk.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

use super::close::CloseOnDrop;
use super::paced::PacedReader;
use crate::locks::Mutex;
use crate::trail::Pause;

/// A stream whose bytes are audited as they are read.
pub struct TapRead<R> {
    inner: R,
    reader: PacedReader,
    order: Arc<Mutex<()>>,
    /// Bytes that arrived together with some that were given to the server.
    unread: Bytes,
    pause: Option<Pause>,
    _ends: Arc<CloseOnDrop>,
}

impl<R> TapRead<R> {
    pub(super) fn new(inner: R, reader: PacedReader, order: Arc<Mutex<()>>, ends: Arc<CloseOnDrop>) -> Self {
        Self { inner, reader, order, unread: Bytes::new(), pause: None, _ends: ends }
    }

    /// Waits for the disk, and until others have had their turn.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        if self.reader.takes_turn() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Reads some of these bytes, and returns how many.
    fn observe(&mut self, bytes: &[u8]) -> usize {
        // When this lock is free, everything that these bytes may answer has been read.
        drop(self.order.lock());
        let read = self.reader.read_some(bytes);
        self.pause = self.reader.pause();
        read
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for TapRead<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        ready!(this.poll_turn(context));
        if !this.unread.is_empty() {
            let length = this.unread.len().min(buffer.remaining());
            let bytes = this.unread.slice(..length);
            let read = this.observe(&bytes);
            buffer.put_slice(&this.unread.split_to(read));
            return Poll::Ready(Ok(()));
        }
        let (before, has_room) = (buffer.filled().len(), buffer.remaining() > 0);
        let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(context, buffer) else {
            this.reader.had_turn();
            return Poll::Pending;
        };
        read?;
        match buffer.filled().get(before..) {
            Some(bytes) if !bytes.is_empty() => {
                let read = this.observe(bytes);
                this.unread = bytes.get(read..).map(Bytes::copy_from_slice).unwrap_or_default();
                buffer.set_filled(before + read);
            }
            _ if has_room => this.reader.end(),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}

impl<R: fmt::Debug> fmt::Debug for TapRead<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapRead").field("inner", &self.inner).field("reader", &self.reader).finish_non_exhaustive()
    }
}
