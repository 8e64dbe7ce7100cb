//! Reads around the blocks of a file that the disk cannot read.

use std::io;

use rustix::io::Errno;

use super::fs::File;

/// Reads from an offset; fewer bytes than asked for only at the end of the file. A block that cannot be read, asked more than
/// once, is zeros.
///
/// # Errors
/// What the system says. A disk of which nothing can be read is no damage: it may come back.
pub(super) fn read_over(file: &dyn File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    match file.read_at(offset, buffer) {
        Err(error) if is_of_medium(&error) => {}
        read => return read,
    }
    let (mut read, mut is_alive, mut failed) = (0, false, None);
    while let Some(rest) = buffer.get_mut(read..).filter(|rest| !rest.is_empty()) {
        let at = offset + read as u64;
        let block = usize::try_from(BLOCK - at % BLOCK).unwrap_or(rest.len()).min(rest.len());
        let Some(rest) = rest.get_mut(..block) else { break };
        match read_block(file, at, rest) {
            Ok(0) => break,
            Ok(length) => {
                is_alive = true;
                read += length;
            }
            Err(error) if is_of_medium(&error) => {
                rest.fill(0);
                read += block;
                failed = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match failed {
        Some(error) if !is_alive && !is_readable_around(file, offset, buffer.len() as u64) => Err(error),
        _ => Ok(read),
    }
}

fn read_block(file: &dyn File, offset: u64, block: &mut [u8]) -> io::Result<usize> {
    let mut read = file.read_at(offset, block);
    for _ in 1..ATTEMPTS {
        match &read {
            Err(error) if is_of_medium(error) => read = file.read_at(offset, block),
            _ => break,
        }
    }
    read
}

/// Whether the disk still gives anything of the file: its beginning, or what is next to the range.
fn is_readable_around(file: &dyn File, offset: u64, length: u64) -> bool {
    let before = (offset / BLOCK * BLOCK).checked_sub(BLOCK);
    let behind = (offset + length).next_multiple_of(BLOCK);
    let places = [Some(0), before, Some(behind)];
    places.into_iter().flatten().any(|place| file.read_at(place, &mut [0]).is_ok_and(|read| read > 0))
}

fn is_of_medium(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::IO)
}

/// What disks and file systems lose at a time.
const BLOCK: u64 = 4096;
/// A disk remaps a weak sector when it is asked again.
const ATTEMPTS: usize = 3;

#[cfg(test)]
mod tests;
