//! How far a stream is settled for a sink: one small file that is overwritten each time.
//!
//! ```text
//!  0  8 ×  "auditcur"
//!  8  u64  number of the segment
//! 16  u64  offset in it: where the next frame begins; 0 for the start of the segment, or of the first one after it
//! 24  u64  sequence number of the last record that is settled
//! 32 16 ×  stream id
//! 48  u32  0
//! 52  u32  CRC-32 (IEEE 802.3, as in zlib) of the 52 bytes above
//! ```
//!
//! It is a hint. If a cursor is lost, damaged, behind or ahead, records are sent again, and none is skipped. It is synced
//! only before a segment is removed, so a segment that is missing after the cursor was lost.

use std::io;

use super::frame::{put, u32_at, u64_at};
use super::position::Position;
use crate::journal::disk::File;
use crate::record::StreamId;

/// The position after the last settled record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Cursor {
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) offset: u64,
    pub(in crate::journal) sequence: u64,
}

impl Cursor {
    /// The position without the number.
    pub(in crate::journal) const fn position(&self) -> Position {
        Position { segment: self.segment, offset: self.offset }
    }

    pub(in crate::journal) fn write(&self, file: &dyn File, stream: StreamId) -> io::Result<()> {
        file.write_at(0, &self.encode(MAGIC, stream))
    }

    /// The cursor in a file, if it is valid.
    pub(in crate::journal) fn read(file: &dyn File, stream: StreamId) -> Option<Self> {
        Self::read_at(file, 0, MAGIC, stream)
    }

    /// Encodes a cursor, or a mark, which has another magic.
    pub(in crate::journal) fn encode(&self, magic: &[u8; 8], stream: StreamId) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        put(&mut bytes, 0, magic);
        put(&mut bytes, 8, &self.segment.to_le_bytes());
        put(&mut bytes, 16, &self.offset.to_le_bytes());
        put(&mut bytes, 24, &self.sequence.to_le_bytes());
        put(&mut bytes, 32, &stream.to_bytes());
        let crc = crc32fast::hash(bytes.get(..CRC).unwrap_or_default());
        put(&mut bytes, CRC, &crc.to_le_bytes());
        bytes
    }

    /// The cursor, or mark, at an offset of a file, if it is valid.
    pub(in crate::journal) fn read_at(file: &dyn File, offset: u64, magic: &[u8; 8], stream: StreamId) -> Option<Self> {
        let mut bytes = [0; LENGTH];
        let whole = file.read_at(offset, &mut bytes).ok()? == LENGTH;
        let sound = whole
            && bytes.starts_with(magic)
            && bytes.get(32..48)? == stream.to_bytes()
            && u32_at(&bytes, CRC)? == crc32fast::hash(bytes.get(..CRC)?);
        sound.then_some(())?;
        Some(Self { segment: u64_at(&bytes, 8)?, offset: u64_at(&bytes, 16)?, sequence: u64_at(&bytes, 24)? })
    }
}

const MAGIC: &[u8; 8] = b"auditcur";
const CRC: usize = 52;
const LENGTH: usize = 56;
