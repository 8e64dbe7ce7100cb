//! Standard input that does not hold up the end of the process.
//!
//! tokio reads standard input on its pool of blocking threads, and a runtime waits for these when it is dropped: a
//! server that is told to end would wait until its client sends another byte. This reads on a separate thread, which
//! simply ends with the process.

use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::thread;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::mpsc;

/// Reads the process's standard input.
#[derive(Debug)]
pub(super) struct Stdin {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl Stdin {
    /// Starts to read. There must be only one instance.
    pub(super) fn open() -> io::Result<Self> {
        let (sender, chunks) = mpsc::channel(AHEAD);
        thread::Builder::new().name("auditrail-stdin".into()).spawn(move || read(&sender))?;
        Ok(Self { chunks, rest: Bytes::new() })
    }
}

impl AsyncRead for Stdin {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rest.is_empty() {
            match ready!(self.chunks.poll_recv(context)) {
                Some(chunk) => self.rest = chunk?,
                // The end of the input.
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.rest.len().min(buffer.remaining());
        let chunk = self.rest.split_to(length);
        buffer.put_slice(chunk.chunk());
        Poll::Ready(Ok(()))
    }
}

/// Reads until the end of the input, an error, or the end of the reader.
fn read(chunks: &mpsc::Sender<io::Result<Bytes>>) {
    let mut input = io::stdin().lock();
    let mut buffer = vec![0; CHUNK];
    loop {
        let chunk = match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => Ok(Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let failed = chunk.is_err();
        if chunks.blocking_send(chunk).is_err() || failed {
            return;
        }
    }
}

/// A pipe's capacity on Linux.
const CHUNK: usize = 64 * 1024;
/// Chunks that may wait; beyond that, the client waits.
const AHEAD: usize = 4;
