//! Relays from the server to the client.

use std::fs::File;
use std::io;
use std::process::ChildStdout;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use auditrail::internals::locks::{Condvar, Mutex, MutexGuard};
use auditrail::internals::mcp::DirectionReader;
use auditrail::internals::message::Message;
use memchr::memrchr;

use super::fd;

/// Relays until the server closes its output, or the client closes its side.
pub(super) fn pump(from: ChildStdout, to: &Arc<Output>, mut reader: DirectionReader) {
    let mut from = File::from(std::os::fd::OwnedFd::from(from));
    let mut buffer = vec![0; fd::CHUNK];
    let mut answers = Vec::new();
    while let Some(chunk) = to.read(&mut from, &mut buffer) {
        if relay(chunk, to, &mut reader, &mut answers).is_err() {
            // As without a proxy, the server learns it from its next write.
            drop(from);
            to.close();
            return;
        }
    }
    reader.end(Some);
    to.close();
}

/// Requests and notifications of the server are known before the client can read their last byte. An answer ends its
/// call when it was written, before the proxy reads what the client sends because of it.
fn relay(chunk: &[u8], to: &Output, reader: &mut DirectionReader, answers: &mut Vec<Message>) -> io::Result<()> {
    let mut unwritten = chunk;
    let mut read = 0;
    while read < unwritten.len() {
        reader.wait_for_disk();
        read += reader.read(unwritten.get(read..).unwrap_or_default(), |message| {
            // A line of only answers is no reason to hold them all.
            if message.method.is_some() || answers.len() >= MOST_ANSWERS {
                return Some(message);
            }
            answers.push(message);
            None
        });
        if !answers.is_empty() {
            let (line, rest) = unwritten.split_at_checked(read).unwrap_or((unwritten, &[]));
            to.write_and(line, || answers.drain(..).for_each(|answer| drop(reader.see(answer))))?;
            (unwritten, read) = (rest, 0);
        }
    }
    to.write(unwritten)
}

/// The client's end, which the server's bytes and the proxy's own answers share.
#[derive(Debug)]
pub(super) struct Output {
    /// Held while the end of an answer is written and processed: the client's reaction comes after that.
    order: Mutex<()>,
    state: Mutex<OutputState>,
    /// Notified when the waiting lines were written, or never will be.
    is_written: Condvar,
    /// How often the server's output was read, and whether a read is waiting.
    reads: AtomicU64,
    is_reading: AtomicBool,
}

#[derive(Debug)]
struct OutputState {
    /// `None` when it is closed.
    file: Option<File>,
    /// The last written byte is not the end of a line.
    is_in_line: bool,
    /// Answers that wait for the end of the server's line.
    waiting: Vec<u8>,
}

impl Output {
    pub(super) fn new(file: File) -> Self {
        Self {
            order: Mutex::default(),
            state: Mutex::new(OutputState { file: Some(file), is_in_line: false, waiting: Vec::new() }),
            is_written: Condvar::new(),
            reads: AtomicU64::new(0),
            is_reading: AtomicBool::new(false),
        }
    }

    /// Waits until written answers are processed. This is short: nothing that may block happens in between.
    pub(super) fn wait_for_answers(&self) {
        drop(self.order.lock());
    }

    /// Writes a line of the proxy's own, now or after the server's current line.
    pub(super) fn insert(&self, line: &[u8]) {
        let mut state = self.state();
        // Code that refuses calls by the thousands while the server is in the middle of a line waits here until the
        // line ends, or the output is closed.
        while state.has_to_wait() && state.waiting.len() + line.len() > MOST_WAITING {
            state = self.is_written.wait(state);
        }
        if state.file.is_some() {
            state.waiting.extend_from_slice(line);
            // If it cannot be written, the relay of the server's output finds out, too.
            drop(state.write_waiting());
        }
    }

    /// How often the server's output was read, if a read is waiting now.
    pub(super) fn idle_since(&self) -> Option<u64> {
        self.is_reading.load(Ordering::Acquire).then(|| self.reads.load(Ordering::Acquire))
    }

    /// The client sees the end.
    pub(super) fn close(&self) {
        self.state().file = None;
        self.is_written.notify_all();
    }

    fn read<'a>(&self, from: &mut File, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
        self.is_reading.store(true, Ordering::Release);
        let length = fd::read(from, buffer);
        self.reads.fetch_add(1, Ordering::AcqRel);
        self.is_reading.store(false, Ordering::Release);
        // A pipe that cannot be read is at its end.
        length.ok().filter(|length| *length > 0).and_then(|length| buffer.get(..length))
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let written = self.state().write(bytes);
        self.is_written.notify_all();
        written
    }

    /// Writes bytes, and runs `then` before anything that the client sends because of them is read.
    fn write_and(&self, bytes: &[u8], then: impl FnOnce()) -> io::Result<()> {
        let (head, tail) = bytes.split_at(bytes.len().saturating_sub(fd::AT_ONCE));
        let mut state = self.state();
        state.write(head)?;
        // A thread that waits for this lock must not wait for the client.
        state.file.as_ref().map_or(Ok(()), fd::wait_writable)?;
        let _order = self.order.lock();
        state.write(tail)?;
        drop(state);
        self.is_written.notify_all();
        then();
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, OutputState> {
        self.state.lock()
    }
}

impl OutputState {
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if !self.waiting.is_empty()
            && let Some((lines, rest)) = memrchr(b'\n', bytes).and_then(|end| bytes.split_at_checked(end + 1))
        {
            self.write_only(lines)?;
            self.write_waiting()?;
            bytes = rest;
        }
        self.write_only(bytes)
    }

    /// Whether the proxy's own lines have to wait for the server's.
    fn has_to_wait(&self) -> bool {
        self.is_in_line && self.file.is_some()
    }

    fn write_waiting(&mut self) -> io::Result<()> {
        if self.is_in_line {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        self.write_only(&waiting)
    }

    fn write_only(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(last) = bytes.last() else { return Ok(()) };
        let file = self.file.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        self.is_in_line = *last != b'\n';
        fd::write_all(file, bytes)
    }
}

/// Far more than a line of answers has in practice.
const MOST_ANSWERS: usize = 256;
/// Some thousand answers.
const MOST_WAITING: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// However long the server takes to end its line, no answer of the proxy's is lost, and few wait in memory.
    #[test]
    fn answers_wait_for_the_end_of_the_line_and_whoever_gives_them_waits_too() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let output = Output::new(file.reopen().unwrap());
        output.write(b"{\"begun\":").unwrap();
        let line = [b"x".repeat(999), b"\n".to_vec()].concat();
        let count = 3 * MOST_WAITING / line.len();
        thread::scope(|scope| {
            let answers = scope.spawn(|| (0..count).for_each(|_| output.insert(&line)));
            while output.state().waiting.len() + line.len() <= MOST_WAITING {
                thread::yield_now();
            }
            assert!(!answers.is_finished());
            output.write(b"1}\n").unwrap();
        });
        let written = std::fs::read(file.path()).unwrap();
        assert!(written == [b"{\"begun\":1}\n".to_vec(), line.repeat(count)].concat());
    }

    /// Nor does it wait for an end that does not come.
    #[test]
    fn nobody_waits_for_a_client_that_is_gone() {
        let output = Output::new(tempfile::tempfile().unwrap());
        output.write(b"{").unwrap();
        thread::scope(|scope| {
            let answers = scope.spawn(|| (0..3).for_each(|_| output.insert(&b"x".repeat(MOST_WAITING))));
            while output.state().waiting.is_empty() && !answers.is_finished() {
                thread::yield_now();
            }
            output.close();
        });
    }
}
