//! Relays from the client to the server.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::ChildStdin;

use auditrail::internals::mcp::DirectionReader;

use super::fd;
use super::hold::LineHold;
use super::output::Output;

/// Relays until the client or the server closes its side; then closes both ends.
pub(super) fn pump(from: File, to: ChildStdin, output: &Output, mut reader: DirectionReader, held: Option<LineHold>) {
    let to = File::from(OwnedFd::from(to));
    match held {
        Some(held) => held.pump(from, to, output, reader),
        None => pass(from, to, output, &mut reader),
    }
}

/// Requests begin before the server can read their last bytes, so nothing has to wait for that.
fn pass(mut from: File, mut to: File, output: &Output, reader: &mut DirectionReader) {
    let mut buffer = vec![0; fd::CHUNK];
    while let Some(chunk) = fd::read_chunk(&mut from, &mut buffer) {
        output.wait_for_answers();
        let mut unread = chunk;
        while !unread.is_empty() {
            reader.wait_for_disk();
            let length = reader.read(unread, Some);
            unread = unread.get(length..).unwrap_or_default();
        }
        if fd::write_all(&mut to, chunk).is_err() {
            return;
        }
    }
    reader.end(Some);
}
