//! Reads a segment frame by frame, and continues after damage.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::frame::{ALIGNMENT, FrameHeader, HEADER, ReadHeader, Salt};
use crate::journal::disk::File;
use crate::journal::planted::planted;

/// Scans the frames of one segment. Damage is returned as an item, and the scan continues after it. A block that the disk
/// cannot read is damage as well: its bytes are replaced, so that no checksum matches.
#[derive(Debug)]
pub(in crate::journal) struct Scan {
    file: Arc<dyn File>,
    salt: Salt,
    offset: u64,
    chunk: Bytes,
    chunk_start: u64,
    salvages: bool,
}

/// An item of a scan.
#[derive(Debug)]
pub(in crate::journal) enum Item {
    /// A frame with valid checksums.
    Frame { header: FrameHeader, payload: Bytes, offset: u64 },
    /// A frame with a valid header and a damaged payload.
    BadPayload { header: FrameHeader, payload: Bytes },
    /// Bytes that are not a frame, before a frame or the end. `nothing` if nothing was ever published there.
    Damage { from: u64, to: u64, nothing: bool },
    /// Nothing follows.
    End,
}

impl Scan {
    pub(in crate::journal) fn new(file: Arc<dyn File>, salt: Salt, offset: u64) -> Self {
        Self { file, salt, offset, chunk: Bytes::new(), chunk_start: 0, salvages: false }
    }

    /// Like [`new`](Self::new), but treats unreadable blocks as damage if other parts of the file can be read.
    pub(in crate::journal) fn salvaging(file: Arc<dyn File>, salt: Salt, offset: u64) -> Self {
        Self { salvages: true, ..Self::new(file, salt, offset) }
    }

    /// The offset of the next item.
    pub(in crate::journal) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next item that starts before `end`, which is the position of the writer or the end of the file.
    pub(in crate::journal) fn next(&mut self, end: u64) -> io::Result<Item> {
        if self.offset >= end {
            return Ok(Item::End);
        }
        let from = self.offset;
        let header = match self.header_at(from, end)? {
            ReadHeader::Frame(header) => header,
            found => return self.search(from, end, found == ReadHeader::End),
        };
        let whole = self.bytes(from, header.size(), end)?;
        self.offset = from + header.size() as u64;
        let payload = whole.slice(HEADER.min(whole.len())..(HEADER + header.length).min(whole.len()));
        let sound = crc32fast::hash(&payload) == header.payload_crc || planted("ignore-crc");
        if payload.len() == header.length && sound {
            return Ok(Item::Frame { header, payload, offset: from });
        }
        Ok(Item::BadPayload { header, payload })
    }

    /// Returns to a frame that was just read.
    pub(in crate::journal) fn back_to(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// The bytes of a range as they are, at most [`CHUNK`] of them.
    pub(in crate::journal) fn raw(&self, from: u64, to: u64) -> io::Result<Bytes> {
        let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX).min(CHUNK);
        let mut bytes = BytesMut::zeroed(length);
        let read = self.fill(from, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes.freeze())
    }

    /// Reads. If that fails and salvaging is allowed, reads block by block.
    fn fill(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self.file.read_at(offset, buffer) {
            Err(error) if self.salvages => self.fill_by_blocks(offset, buffer, error),
            result => result,
        }
    }

    fn fill_by_blocks(&self, offset: u64, buffer: &mut [u8], error: io::Error) -> io::Result<usize> {
        let length = self.file.identity()?.length;
        let there = usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let reads = |at: u64, block: &mut [u8]| (0..ATTEMPTS).any(|_| self.file.read_at(at, block).is_ok());
        let (mut at, mut is_sound, mut rest) = (offset, false, buffer.get_mut(..there).unwrap_or_default());
        while !rest.is_empty() {
            let to_end = usize::try_from(BLOCK - at % BLOCK).unwrap_or(rest.len()).min(rest.len());
            let (block, behind) = rest.split_at_mut(to_end);
            if reads(at, block) {
                is_sound = true;
            } else {
                // Neither a frame nor the end of a stream starts like this.
                block.fill(0xff);
            }
            (at, rest) = (at + to_end as u64, behind);
        }
        // If nothing in the file can be read, the disk may be back in a moment.
        let elsewhere = || (0..length).step_by(PROBED).any(|at| reads(at, &mut [0; 512]));
        if is_sound || elsewhere() { Ok(there) } else { Err(error) }
    }

    /// The last byte of a range that is not zero, if there is one.
    pub(in crate::journal) fn last_byte(&self, from: u64, to: u64) -> io::Result<Option<u64>> {
        let mut last = None;
        for at in (from..to).step_by(CHUNK) {
            let bytes = self.raw(at, to)?;
            if !is_zero(&bytes) {
                last = bytes.iter().rposition(|byte| *byte != 0).map_or(last, |index| Some(at + index as u64));
            }
        }
        Ok(last)
    }

    /// Whether the file has only zeros.
    pub(in crate::journal) fn holds_nothing(&self, length: u64) -> io::Result<bool> {
        for offset in (0..length).step_by(CHUNK) {
            if !is_zero(&self.raw(offset, length)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The next offset with a valid header, if there is one.
    fn search(&mut self, from: u64, end: u64, nothing: bool) -> io::Result<Item> {
        let mut at = from + ALIGNMENT as u64;
        while at < end {
            if matches!(self.header_at(at, end)?, ReadHeader::Frame(_)) {
                break;
            }
            // The file may be shorter than before.
            let there = self.chunk_start <= at && at < self.chunk_start + self.chunk.len() as u64;
            at = if there { at + ALIGNMENT as u64 } else { end };
        }
        self.offset = at.min(end);
        Ok(Item::Damage { from, to: self.offset, nothing })
    }

    /// A header whose frame would reach beyond the end is not valid.
    fn header_at(&mut self, offset: u64, end: u64) -> io::Result<ReadHeader> {
        let found = FrameHeader::read(self.salt, &self.bytes(offset, HEADER, end)?);
        match found {
            ReadHeader::Frame(header) if offset + header.size() as u64 > end => Ok(ReadHeader::Damage),
            found => Ok(found),
        }
    }

    /// Bytes of the file, fewer at the end. Nothing after the end is read, because it may still change.
    fn bytes(&mut self, offset: u64, length: usize, end: u64) -> io::Result<Bytes> {
        let chunk_end = self.chunk_start + self.chunk.len() as u64;
        if offset < self.chunk_start || offset + length as u64 > chunk_end {
            let most = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
            let mut chunk = BytesMut::zeroed(length.max(CHUNK).min(most));
            let read = self.fill(offset, &mut chunk)?;
            chunk.truncate(read);
            (self.chunk, self.chunk_start) = (chunk.freeze(), offset);
        }
        let begin = usize::try_from(offset - self.chunk_start).unwrap_or(usize::MAX).min(self.chunk.len());
        Ok(self.chunk.slice(begin..begin.saturating_add(length).min(self.chunk.len())))
    }
}

/// The unit in which a disk loses data.
const BLOCK: u64 = 4096;
/// How often a block is read before it counts as lost.
const ATTEMPTS: usize = 3;
/// The distance between the offsets that are tried to find out whether the file can be read at all.
const PROBED: usize = 16 * 1024;

pub(in crate::journal) fn is_zero(bytes: &[u8]) -> bool {
    // By the line, which takes few instructions: a prepared segment is megabytes of zeros.
    bytes.chunks(64).all(|line| line.iter().fold(0, |bits, byte| bits | byte) == 0)
}

/// A read is a system call and, outside the page cache, a request to the disk.
pub(in crate::journal) const CHUNK: usize = 512 * 1024;
