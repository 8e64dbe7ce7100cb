//! From the client to the server.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::ChildStdin;

use super::ear::Ear;
use super::fd;
use super::held::Held;
use super::output::Output;

/// Relays until the client closes its side, or the server does not want it any more; then closes both ends.
pub(super) fn pump(from: File, to: ChildStdin, output: &Output, mut ear: Ear, held: Option<Held>) {
    let to = File::from(OwnedFd::from(to));
    match held {
        Some(held) => held.pump(from, to, output, ear),
        None => pass(from, to, output, &mut ear),
    }
}

/// Requests are begun before their last bytes can be read by the server, which nobody has to wait for.
fn pass(mut from: File, mut to: File, output: &Output, ear: &mut Ear) {
    let mut buffer = vec![0; fd::CHUNK];
    while let Some(chunk) = read(&mut from, &mut buffer) {
        output.wait_for_answers();
        let mut unread = chunk;
        while !unread.is_empty() {
            let length = ear.read(unread, Some);
            unread = unread.get(length..).unwrap_or_default();
        }
        if fd::write_all(&mut to, chunk).is_err() {
            return;
        }
    }
    ear.end(Some);
}

/// A client whose end cannot be read is gone.
pub(super) fn read<'a>(from: &mut File, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = fd::read(from, buffer).ok().filter(|length| *length > 0)?;
    buffer.get(..length)
}
