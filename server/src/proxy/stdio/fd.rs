//! Reads and writes inherited streams, which may be non-blocking.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};

use rustix::event::{PollFd, PollFlags, poll};

/// Reads some bytes; none at the end.
pub(super) fn read(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match file.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait(file, PollFlags::IN)?,
            result => return result,
        }
    }
}

/// What the other end has sent; `None` once it is closed, or cannot be read.
pub(super) fn read_chunk<'a>(file: &mut File, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = read(file, buffer).ok().filter(|length| *length > 0)?;
    buffer.get(..length)
}

pub(super) fn write_all(file: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait(file, PollFlags::OUT)?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits until [`AT_ONCE`] bytes can be written without waiting.
pub(super) fn wait_writable(file: &File) -> io::Result<()> {
    wait(file, PollFlags::OUT)
}

fn wait(file: &File, what: PollFlags) -> io::Result<()> {
    loop {
        match poll(&mut [PollFd::new(file, what)], None) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result.map(drop)?),
        }
    }
}

/// What a pipe accepts in one write if it accepts anything (`PIPE_BUF` of Linux; POSIX requires 512).
pub(super) const AT_ONCE: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };
/// A pipe's capacity on Linux.
pub(super) const CHUNK: usize = 64 * 1024;
