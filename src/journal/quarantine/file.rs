//! A file of the quarantine, byte by byte.
//!
//! Each is written under another name and then renamed. `docs/format.md` describes the same:
//!
//! ```text
//!   0  8 ×  "auditqua"
//!   8  u16  version: 1 or 2
//!  10  u16  cause: 1 refused, 2 partly refused, 3 damaged
//!  12  u32  length of Resource      16  u32  of Scope       20  u32  of the reason (UTF-8)
//!  24 16 ×  stream id
//!  40  u64  first sequence number   48  u64  last one       56  u64  how many of the records were refused
//!  64  u64  when, nanoseconds since 1970
//!  72  u32  how many entries        76  u32  CRC-32 (IEEE 802.3, as in zlib) of the file, these four bytes taken as zero
//!  80  Resource, Scope, reason; then the entries: u64 sequence number, u32 length, bytes
//! ```
//!
//! Version 2 has 16 bytes before the Resource: the name of the sink, padded with zeros. Its entries are records as they
//! were shipped, with number and stream; in version 1, they are as in the journal. Damage is written in version 1, and
//! refused records in version 2. Earlier versions of auditrail wrote both in version 1.

use bytes::Bytes;

use crate::journal::entry::Entry;
use crate::journal::format::{SinkName, put, u32_at, u64_at};
use crate::journal::numbers::Sequence;
use crate::record::StreamId;

/// Why records are in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The sink refused each of these records.
    Refused,
    /// The sink refused some of these records, and did not say which.
    PartlyRefused,
    /// The bytes were damaged on the disk, and may not be a whole record.
    Damaged,
}

/// The content of a file of the quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined {
    /// Why the records are here.
    pub cause: Cause,
    /// The stream.
    pub stream: StreamId,
    /// The first sequence number; 0 if unknown.
    pub first: Sequence,
    /// The last sequence number; 0 if unknown.
    pub last: Sequence,
    /// How many of the records were refused.
    pub refused: u64,
    /// The time, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The OTLP Resource of the records, encoded.
    pub resource: Bytes,
    /// Their OTLP scope, encoded.
    pub scope: Bytes,
    /// The answer of the sink, or the place of the damage.
    pub reason: String,
    /// The sink that refused the records, if they are here as they were shipped to it, with number and stream. `None` if
    /// they are here as in the journal: damage, and files of earlier versions of auditrail.
    pub shipped_to: Option<SinkName>,
    /// The records.
    pub entries: Vec<Entry>,
}

impl Quarantined {
    const fn version(&self) -> u16 {
        if self.shipped_to.is_some() { AS_SHIPPED } else { AS_IN_THE_JOURNAL }
    }

    pub(in crate::journal) fn encode(&self) -> Vec<u8> {
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        let cause: u16 = match self.cause {
            Cause::Refused => 1,
            Cause::PartlyRefused => 2,
            Cause::Damaged => 3,
        };
        let mut bytes = vec![0; FIXED];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, &self.version().to_le_bytes());
        put(&mut bytes, 10, &cause.to_le_bytes());
        put(&mut bytes, 12, &number(self.resource.len()));
        put(&mut bytes, 16, &number(self.scope.len()));
        put(&mut bytes, 20, &number(self.reason.len()));
        put(&mut bytes, 24, &self.stream.to_bytes());
        put(&mut bytes, 40, &self.first.to_le_bytes());
        put(&mut bytes, 48, &self.last.to_le_bytes());
        put(&mut bytes, 56, &self.refused.to_le_bytes());
        put(&mut bytes, 64, &self.time_unix_nano.to_le_bytes());
        put(&mut bytes, 72, &number(self.entries.len()));
        bytes.extend(self.shipped_to.into_iter().flat_map(SinkName::to_bytes));
        bytes.extend_from_slice(&self.resource);
        bytes.extend_from_slice(&self.scope);
        bytes.extend_from_slice(self.reason.as_bytes());
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.sequence.to_le_bytes());
            bytes.extend_from_slice(&number(entry.record.len()));
            bytes.extend_from_slice(&entry.record);
        }
        let crc = crc32fast::hash(&bytes);
        put(&mut bytes, CRC, &crc.to_le_bytes());
        bytes
    }

    pub(in crate::journal) fn decode(mut bytes: Vec<u8>) -> Option<Self> {
        let crc = u32_at(&bytes, CRC)?;
        put(&mut bytes, CRC, &[0; 4]);
        let version = u16::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
        let known = bytes.starts_with(MAGIC) && [AS_IN_THE_JOURNAL, AS_SHIPPED].contains(&version);
        if !known || crc32fast::hash(&bytes) != crc {
            return None;
        }
        let bytes = Bytes::from(bytes);
        let mut at = FIXED;
        let mut take = |length: usize| {
            let end = at.checked_add(length).filter(|end| *end <= bytes.len())?;
            let part = bytes.slice(at..end);
            at = end;
            Some(part)
        };
        let shipped_to = match version {
            AS_SHIPPED => Some(SinkName::from_bytes(*take(16)?.first_chunk()?)?),
            _ => None,
        };
        let length = |at: usize| usize::try_from(u32_at(&bytes, at)?).ok();
        let (resource, scope) = (take(length(12)?)?, take(length(16)?)?);
        let reason = String::from_utf8(take(length(20)?)?.to_vec()).ok()?;
        let mut entries = Vec::new();
        for _ in 0..length(72)? {
            let head = take(12)?;
            let record = take(usize::try_from(u32_at(&head, 8)?).ok()?)?;
            entries.push(Entry { sequence: u64_at(&head, 0)?, record });
        }
        Some(Self {
            cause: match bytes.get(10..12)? {
                [1, 0] => Cause::Refused,
                [2, 0] => Cause::PartlyRefused,
                [3, 0] => Cause::Damaged,
                _ => return None,
            },
            stream: StreamId::from_bytes(*bytes.get(24..)?.first_chunk()?),
            first: u64_at(&bytes, 40)?,
            last: u64_at(&bytes, 48)?,
            refused: u64_at(&bytes, 56)?,
            time_unix_nano: u64_at(&bytes, 64)?,
            resource,
            scope,
            reason,
            shipped_to,
            entries,
        })
    }
}

const MAGIC: &[u8; 8] = b"auditqua";
/// The versions.
const AS_IN_THE_JOURNAL: u16 = 1;
const AS_SHIPPED: u16 = 2;
const CRC: usize = 76;
const FIXED: usize = 80;
