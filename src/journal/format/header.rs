//! The header of a segment: everything that a reader needs to know about it. `docs/format.md` describes the same.
//!
//! ```text
//!   0  8 ×  "auditjnl"
//!   8  u16  version of the format: 1
//!  10  u16  0
//!  12  u32  length of the header: the first frame begins there
//!  16 16 ×  stream id
//!  32  u64  number of the segment, from 1; 0 in the file `stream`
//!  40  u64  sequence number of the next record
//!  48  u64  start time, nanoseconds since 1970
//!  56  u32  how many carried frames the segment begins with, and should
//!  60  u32  length of the Resource
//!  64  u32  length of the Scope
//!  68  u32  length of the compact Merkle range (0 in version 1)
//!  72 32 ×  hash of the previous record (0 in version 1)
//! 104  u32  number of the process that made it
//! 108 16 ×  0
//! 124  u32  CRC-32 (IEEE 802.3, as in zlib) of the whole header, these four bytes taken as zero
//! 128  Resource, Scope (OTLP protobuf), Merkle range, zeros up to a multiple of 32
//! ```

use std::io;

use bytes::Bytes;

use super::frame::{ALIGNMENT, put, u32_at, u64_at};
use crate::journal::disk::File;
use crate::record::StreamId;

/// The content of a segment header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::journal) struct SegmentHeader {
    pub(in crate::journal) stream: StreamId,
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) next_sequence: u64,
    pub(in crate::journal) begun_unix_nano: u64,
    pub(in crate::journal) carried: u32,
    pub(in crate::journal) process: u32,
    pub(in crate::journal) resource: Bytes,
    pub(in crate::journal) scope: Bytes,
}

impl SegmentHeader {
    /// Encodes the header.
    pub(in crate::journal) fn encode(&self) -> Vec<u8> {
        let length = self.length();
        let mut bytes = vec![0; FIXED];
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, &VERSION.to_le_bytes());
        put(&mut bytes, 12, &number(length));
        put(&mut bytes, 16, &self.stream.to_bytes());
        put(&mut bytes, 32, &self.segment.to_le_bytes());
        put(&mut bytes, 40, &self.next_sequence.to_le_bytes());
        put(&mut bytes, 48, &self.begun_unix_nano.to_le_bytes());
        put(&mut bytes, 56, &self.carried.to_le_bytes());
        put(&mut bytes, 60, &number(self.resource.len()));
        put(&mut bytes, 64, &number(self.scope.len()));
        put(&mut bytes, 104, &self.process.to_le_bytes());
        bytes.extend_from_slice(&self.resource);
        bytes.extend_from_slice(&self.scope);
        bytes.resize(length, 0);
        let crc = crc32fast::hash(&bytes);
        put(&mut bytes, CRC, &crc.to_le_bytes());
        bytes
    }

    /// Reads the header of a segment or of the file `stream`; `None` if it is not valid.
    pub(in crate::journal) fn read(file: &dyn File) -> io::Result<Option<Self>> {
        let mut bytes = vec![0; LONGEST_HEADER];
        let read = file.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        Ok(Self::decode(&bytes))
    }

    /// Decodes a header; `None` if it is damaged or has another version.
    pub(in crate::journal) fn decode(bytes: &[u8]) -> Option<Self> {
        let length = Self::told_length(bytes)?;
        let mut bytes = bytes.get(..length)?.to_vec();
        let crc = u32_at(&bytes, CRC)?;
        put(&mut bytes, CRC, &[0; 4]);
        if crc32fast::hash(&bytes) != crc {
            return None;
        }
        let bytes = Bytes::from(bytes);
        let resource_end = FIXED.checked_add(usize::try_from(u32_at(&bytes, 60)?).ok()?)?;
        let scope_end = resource_end.checked_add(usize::try_from(u32_at(&bytes, 64)?).ok()?)?;
        if scope_end > length {
            return None;
        }
        Some(Self {
            stream: StreamId::from_bytes(*bytes.get(16..)?.first_chunk()?),
            segment: u64_at(&bytes, 32)?,
            next_sequence: u64_at(&bytes, 40)?,
            begun_unix_nano: u64_at(&bytes, 48)?,
            carried: u32_at(&bytes, 56)?,
            process: u32_at(&bytes, 104)?,
            resource: bytes.slice(FIXED..resource_end),
            scope: bytes.slice(resource_end..scope_end),
        })
    }

    /// The version of a valid header with an unknown version. Every version has the magic, the version, the length and the
    /// checksum at these offsets.
    pub(in crate::journal) fn unknown_version(bytes: &[u8]) -> Option<u16> {
        let version = Self::told_version(bytes)?;
        let length = usize::try_from(u32_at(bytes, 12)?).ok().filter(|length| *length <= LONGEST_HEADER)?;
        let mut bytes = bytes.get(..length)?.to_vec();
        let crc = u32_at(&bytes, CRC)?;
        put(&mut bytes, CRC, &[0; 4]);
        (crc32fast::hash(&bytes) == crc).then_some(version)
    }

    /// The version of bytes that start like a header with an unknown version. They may be damaged.
    pub(in crate::journal) fn told_version(bytes: &[u8]) -> Option<u16> {
        let version = u16::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
        (bytes.starts_with(MAGIC) && version > VERSION).then_some(version)
    }

    /// The length that a header gives, if it starts like one of this version.
    fn told_length(bytes: &[u8]) -> Option<usize> {
        let version = u16::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
        if !bytes.starts_with(MAGIC) || version != VERSION {
            return None;
        }
        usize::try_from(u32_at(bytes, 12)?).ok().filter(|length| (FIXED..=LONGEST_HEADER).contains(length))
    }

    /// The length of the header, which is the offset of the first frame.
    pub(in crate::journal) fn length(&self) -> usize {
        length(&self.resource, &self.scope)
    }
}

/// The length of a header with that Resource and Scope.
pub(in crate::journal) fn length(resource: &[u8], scope: &[u8]) -> usize {
    (FIXED + resource.len() + scope.len()).next_multiple_of(ALIGNMENT)
}

const MAGIC: &[u8; 8] = b"auditjnl";
/// Readers refuse unknown versions.
const VERSION: u16 = 1;
const CRC: usize = 124;
const FIXED: usize = 128;
/// Longer than any reasonable Resource. This much of a file is read before its checksum is known.
pub(in crate::journal) const LONGEST_HEADER: usize = 64 * 1024;
