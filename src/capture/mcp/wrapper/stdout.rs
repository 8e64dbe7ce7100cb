//! Standard output that reports what has become of its bytes.
//!
//! tokio's standard output accepts bytes, and reports with the next ones that they could not be written: an answer
//! would be recorded as given although no client got it. It also keeps the process alive while it writes, which is
//! forever if the client neither reads nor disconnects. This type writes on a separate thread, which observes what it
//! writes and ends with the process.
//!
//! Invariants:
//! 1. Requests and notifications of the server are observed before they are written. An answer is observed when the
//!    system has accepted its last byte, and before anything that the client may send because of it.
//! 2. An answer of which a byte could not be written does not count: its call ends as one whose client is gone.
//! 3. The lock that the reading side waits for is never held while this waits for the client.

use std::io::{self, ErrorKind, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::AsyncWrite;

use super::super::message::Message;
use super::super::tap::DirectionReader;
use crate::locks::{Condvar, Mutex, MutexGuard};

/// Writes to the process's standard output.
#[derive(Debug)]
pub(super) struct Stdout(Arc<StdoutShared>);

/// The bytes that standard output has accepted and not written.
#[derive(Debug)]
pub(super) struct PendingOutput(Arc<StdoutShared>);

#[derive(Debug, Default)]
struct StdoutShared {
    state: Mutex<StdoutState>,
    is_changed: Condvar,
}

#[derive(Debug, Default)]
struct StdoutState {
    chunk: Option<Bytes>,
    /// A chunk was accepted, and is not written.
    is_busy: bool,
    /// The error of the last chunk, until it is reported.
    failure: Option<ErrorKind>,
    /// There will be no other chunk.
    is_closed: bool,
    waker: Option<Waker>,
}

impl Stdout {
    /// Starts to write. There must be only one instance.
    pub(super) fn open(reader: DirectionReader, order: Arc<Mutex<()>>) -> io::Result<(Self, PendingOutput)> {
        let shared = Arc::<StdoutShared>::default();
        let writer = StdoutWriter { reader, order, file: out()?, answers: Vec::new(), is_gone: false };
        let chunks = shared.clone();
        thread::Builder::new().name("auditrail-stdout".into()).spawn(move || writer.run(&chunks))?;
        Ok((Self(shared.clone()), PendingOutput(shared)))
    }
}

impl AsyncWrite for Stdout {
    /// Accepts a chunk when the one before is written.
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.0.state();
        if state.is_busy {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        if let Some(failure) = state.failure.take() {
            return Poll::Ready(Err(failure.into()));
        }
        let chunk = bytes.get(..CHUNK).unwrap_or(bytes);
        (state.chunk, state.is_busy) = (Some(Bytes::copy_from_slice(chunk)), true);
        self.0.is_changed.notify_all();
        Poll::Ready(Ok(chunk.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.state();
        if state.is_busy {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(state.failure.take().map_or(Ok(()), |failure| Err(failure.into())))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl Drop for Stdout {
    fn drop(&mut self) {
        self.0.state().is_closed = true;
        self.0.is_changed.notify_all();
    }
}

impl PendingOutput {
    /// Waits until it is written, but not for a client that does not read.
    pub(super) fn wait(&self) {
        let deadline = Instant::now() + LAST_WORDS;
        let mut state = self.0.state();
        while state.is_busy {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.0.is_changed.wait_timeout(state, left);
        }
    }
}

impl StdoutShared {
    /// The next chunk, or `None` if there will be none.
    fn next(&self) -> Option<Bytes> {
        let mut state = self.state();
        loop {
            if let Some(chunk) = state.chunk.take() {
                return Some(chunk);
            }
            if state.is_closed {
                return None;
            }
            state = self.is_changed.wait(state);
        }
    }

    fn done(&self, written: io::Result<()>) {
        let waker = {
            let mut state = self.state();
            state.is_busy = false;
            state.failure = written.err().map(|error| error.kind());
            state.waker.take()
        };
        self.is_changed.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, StdoutState> {
        self.state.lock()
    }
}

/// The code that runs on the thread.
struct StdoutWriter {
    reader: DirectionReader,
    order: Arc<Mutex<()>>,
    file: Out,
    answers: Vec<Message>,
    /// Something could not be written.
    is_gone: bool,
}

impl StdoutWriter {
    fn run(mut self, chunks: &StdoutShared) {
        while let Some(chunk) = chunks.next() {
            let written = self.write(&chunk);
            chunks.done(written);
        }
        if !self.is_gone {
            self.reader.end(Some);
        }
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        let mut unread = chunk;
        while !self.is_gone && !unread.is_empty() {
            let read = self.line(unread)?;
            unread = unread.get(read..).unwrap_or_default();
        }
        if !self.is_gone {
            return Ok(());
        }
        self.reader.lose(unread);
        Err(ErrorKind::BrokenPipe.into())
    }

    /// Writes up to the end of a line with answers, or everything, and returns how much.
    fn line(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut read = 0;
        while read < bytes.len() && self.answers.is_empty() {
            read += self.reader.read_before_writing(bytes.get(read..).unwrap_or_default(), &mut self.answers);
        }
        let (line, rest) = bytes.split_at_checked(read).unwrap_or((bytes, &[]));
        let written = self.write_and_tell(line);
        if let Err(error) = written {
            self.is_gone = true;
            self.reader.finish(&mut self.answers, false);
            self.reader.lose(rest);
            return Err(error);
        }
        Ok(line.len())
    }

    fn write_and_tell(&mut self, line: &[u8]) -> io::Result<()> {
        if self.answers.is_empty() {
            return write_all(&mut self.file, line);
        }
        let (head, tail) = line.split_at(line.len().saturating_sub(AT_ONCE));
        write_all(&mut self.file, head)?;
        wait_writable(&self.file)?;
        let _order = self.order.lock();
        write_all(&mut self.file, tail)?;
        self.reader.finish(&mut self.answers, true);
        Ok(())
    }
}

fn write_all(file: &mut Out, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The other end may have made the pipe non-blocking.
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait_writable(file)?,
            Err(error) => return Err(error),
        }
    }
    file.flush()
}

#[cfg(unix)]
type Out = std::fs::File;
#[cfg(not(unix))]
type Out = io::Stdout;

/// Bypasses the buffer of `std`, so that a write is a system call.
#[cfg(unix)]
fn out() -> io::Result<Out> {
    use std::os::fd::AsFd as _;
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
fn out() -> io::Result<Out> {
    Ok(io::stdout())
}

/// Waits until [`AT_ONCE`] bytes can be written without blocking.
#[cfg(unix)]
fn wait_writable(file: &Out) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        match poll(&mut [PollFd::new(file, PollFlags::OUT)], None) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result.map(drop)?),
        }
    }
}

/// There is no such wait here; so the reading side may have to wait for the client.
#[cfg(not(unix))]
fn wait_writable(_: &Out) -> io::Result<()> {
    Ok(())
}

/// What a pipe accepts in one write if it accepts anything (`PIPE_BUF` of Linux; POSIX requires 512).
const AT_ONCE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };
/// More than most messages have; tokio's accepts 2 MiB.
const CHUNK: usize = 256 * 1024;
/// Clients give a server some seconds to end.
const LAST_WORDS: Duration = Duration::from_millis(500);
