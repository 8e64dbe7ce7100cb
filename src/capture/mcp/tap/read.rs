//! What the server reads.
//!
//! Invariants:
//! 1. No byte is given that was not heard. Bytes that nobody has heard when it is the turn of others wait here.
//! 2. Others have a turn whenever many messages came, whether or not the stream would have more, and whoever says so much
//!    waits for the disk.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, ReadBuf};

use super::{Ends, Listener};
use crate::trail::Pause;

/// A stream whose bytes are heard as they are read.
pub struct TapRead<R> {
    inner: R,
    listener: Listener,
    order: Arc<Mutex<()>>,
    /// Came with bytes that were given.
    unheard: Bytes,
    pause: Option<Pause>,
    _ends: Arc<Ends>,
}

impl<R> TapRead<R> {
    pub(super) fn new(inner: R, listener: Listener, order: Arc<Mutex<()>>, ends: Arc<Ends>) -> Self {
        Self { inner, listener, order, unheard: Bytes::new(), pause: None, _ends: ends }
    }

    /// Waits for the disk, and until others have had their turn.
    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        if self.listener.takes_turn() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Hears some of these bytes, and says how many.
    fn hear(&mut self, bytes: &[u8]) -> usize {
        // What these bytes may answer was heard when this lock is free.
        drop(self.order.lock().unwrap_or_else(PoisonError::into_inner));
        let heard = self.listener.hear_some(bytes);
        self.pause = self.listener.pause();
        heard
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
        if !this.unheard.is_empty() {
            let length = this.unheard.len().min(buffer.remaining());
            let bytes = this.unheard.slice(..length);
            let heard = this.hear(&bytes);
            buffer.put_slice(&this.unheard.split_to(heard));
            return Poll::Ready(Ok(()));
        }
        let (before, has_room) = (buffer.filled().len(), buffer.remaining() > 0);
        let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(context, buffer) else {
            this.listener.had_turn();
            return Poll::Pending;
        };
        read?;
        match buffer.filled().get(before..) {
            Some(bytes) if !bytes.is_empty() => {
                let heard = this.hear(bytes);
                this.unheard = bytes.get(heard..).map(Bytes::copy_from_slice).unwrap_or_default();
                buffer.set_filled(before + heard);
            }
            _ if has_room => this.listener.end(),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}

impl<R: fmt::Debug> fmt::Debug for TapRead<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TapRead").field("inner", &self.inner).field("listener", &self.listener).finish_non_exhaustive()
    }
}
