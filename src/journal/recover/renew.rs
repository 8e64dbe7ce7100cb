//! Makes durable what a dead process left behind, without trusting a sync of its files.
//!
//! When a sync fails, the system may keep the pages and take them for written. Every process reads them, no later sync writes
//! them, and the next power loss takes them away. The process that knew of the failed sync is gone, so its successor cannot
//! know which pages these are. It knows the mark: what lies before it was durable when it was written. Whatever lies behind it
//! is copied to a new file, which then takes the name of the old one.
//!
//! Invariants:
//! 1. Nothing is written to a file that another process has made: its owner may live, in spite of everything.
//! 2. The copy is durable before it takes the name, with the same bytes at the same offsets. A crash leaves one or the other.
//! 3. What cannot be copied for want of room is not read: it is neither shipped nor answered until there is room.

use std::io;
use std::sync::Arc;

use super::found::FoundSegment;
use crate::journal::disk::{File, Fs};
use crate::journal::error::fix_of;
use crate::journal::format::{CHUNK, Cursor, Item, Scan, StreamPaths, is_zero};
use crate::journal::planted::planted;

/// Copies each segment that holds anything behind the mark. Says whether there was room for that.
pub(super) fn renew(
    fs: &dyn Fs,
    paths: &StreamPaths,
    found: &mut [FoundSegment<'_>],
    mark: Option<Cursor>,
) -> io::Result<bool> {
    if planted("trust-a-sync-of-another") {
        found.iter().try_for_each(|segment| segment.file()?.sync())?;
        return Ok(true);
    }
    for segment in found {
        let number = segment.info.number;
        let durable = match mark {
            Some(mark) if number < mark.segment => continue,
            Some(mark) if number == mark.segment => mark.offset,
            _ => 0,
        };
        match copy(fs, paths, segment, durable) {
            Err(error) if fix_of(error.kind()).is_some() => return Ok(false),
            copied => copied?,
        }
    }
    Ok(true)
}

/// Puts a copy of a segment in its place, if it holds anything behind what is durable.
fn copy(fs: &dyn Fs, paths: &StreamPaths, segment: &mut FoundSegment<'_>, durable: u64) -> io::Result<()> {
    let old = segment.file()?;
    let mut scan = Scan::salvaging(old.clone(), segment.salt, durable.max(segment.info.begin));
    let Some(last) = scan.last_byte(durable, segment.info.length)? else { return Ok(()) };
    let end = end_of_frames(&mut scan, last, segment.info.length)?;
    let path = paths.segment(segment.info.number);
    let new = path.with_extension("new");
    drop(fs.remove(&new));
    // Zeros behind the last frame need no room.
    let length = end.next_multiple_of(PAGE).min(segment.info.length);
    let copied = fs.create_segment(&new, length).and_then(|file| {
        fill(&scan, &file, length)?;
        file.sync()?;
        fs.rename(&new, &path)
    });
    if copied.is_err() {
        drop(fs.remove(&new));
    }
    copied?;
    (segment.info.length, segment.info.end) = (length, length);
    Ok(())
}

/// Where the frames end that begin up to a byte. The last one may reach beyond it: a record may end in zeros, and what the disk
/// has lost is zeros. A copy that is shorter than its header says would turn the frame into damage of unknown numbers.
fn end_of_frames(scan: &mut Scan, last: u64, length: u64) -> io::Result<u64> {
    let mut end = last + 1;
    while scan.offset() <= last {
        match scan.next(length)? {
            Item::Frame { .. } | Item::BadPayload { .. } => end = end.max(scan.offset()),
            Item::Damage { .. } => {}
            Item::End => break,
        }
    }
    Ok(end)
}

/// A block that cannot be read is damage in the copy, too.
fn fill(scan: &Scan, to: &Arc<dyn File>, length: u64) -> io::Result<()> {
    for offset in (0..length).step_by(CHUNK) {
        let bytes = scan.raw(offset, length)?;
        if !is_zero(&bytes) {
            to.write_at(offset, &bytes)?;
        }
    }
    Ok(())
}

const PAGE: u64 = 4096;
