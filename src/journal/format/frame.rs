//! Frames, which follow the header in a segment. `docs/format.md` describes the same.
//!
//! ```text
//!  0  u32  length of the payload, with the highest bit set; 0 if nothing was written here
//!  4  u32  CRC-32 (IEEE 802.3, as in zlib) of the payload
//!  8  u64  sequence number; 0 for kinds that have none
//! 16  u64  call number; 0 for kinds that belong to no call
//! 24  u8   kind
//! 25  3 ×  0
//! 28  u32  CRC-32 (IEEE 802.3, as in zlib) of stream id, segment number and the 28 bytes above
//! 32  the payload, then zeros up to a multiple of 32
//! ```
//! All numbers are little-endian.
//!
//! Invariants:
//! 1. A header lies within one sector of the disk, because frames begin at multiples of 32: it is there completely or not
//!    at all.
//! 2. A valid header belongs to this segment: its checksum covers stream and segment, which the author of a payload does
//!    not know. After damage, the next frame can therefore be searched for.
//! 3. A valid header gives the length even if the payload is damaged, so that only one frame is lost.
//! 4. The first word of a published frame is not zero, even if any single byte of it is lost.

use crate::journal::planted::planted;
use crate::record::StreamId;

/// The kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A record that belongs to no call.
    Moment,
    /// The request record of a call. It opens the call.
    Request,
    /// The response record of a call. It closes the call.
    Response,
    /// The request record of a call, in case nothing answers it. It has no sequence number, and is neither sealed nor
    /// shipped.
    Intent,
    /// A copy of the request record or intent of a call that was open when the segment was started. It is neither sealed
    /// nor shipped.
    Carried,
    /// The record that ends the stream.
    Last,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Moment, Self::Request, Self::Response, Self::Intent, Self::Carried, Self::Last];

    const fn code(self) -> u8 {
        match self {
            Self::Moment => 1,
            Self::Request => 2,
            Self::Response => 3,
            Self::Intent => 4,
            Self::Carried => 5,
            Self::Last => 6,
        }
    }

    /// Whether it has a sequence number and goes to the collector.
    #[must_use]
    pub const fn is_record(self) -> bool {
        !matches!(self, Self::Intent | Self::Carried)
    }

    /// Whether it opens a call.
    pub(in crate::journal) const fn opens(self) -> bool {
        matches!(self, Self::Request | Self::Intent | Self::Carried)
    }
}

/// The content of a frame header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct FrameHeader {
    pub(in crate::journal) kind: Kind,
    pub(in crate::journal) sequence: u64,
    pub(in crate::journal) call: u64,
    pub(in crate::journal) length: usize,
    pub(in crate::journal) payload_crc: u32,
}

/// Makes the checksums of each segment different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Salt(u32);

impl Salt {
    pub(in crate::journal) fn new(stream: StreamId, segment: u64) -> Self {
        Self(checksum(crc32fast::hash(&stream.to_bytes()), &segment.to_le_bytes()))
    }
}

/// What was read at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum ReadHeader {
    Frame(FrameHeader),
    /// Nothing was published here.
    End,
    /// Something that is not a valid header in this segment.
    Damage,
}

impl FrameHeader {
    pub(in crate::journal) fn new(kind: Kind, sequence: u64, call: u64, payload: &[u8]) -> Self {
        Self { kind, sequence, call, length: payload.len(), payload_crc: crc32fast::hash(payload) }
    }

    /// A placeholder for a lost record. Readers find it damaged, and report it.
    pub(in crate::journal) fn lost<'p>(sequence: u64) -> (Self, &'p [u8]) {
        let payload = &[0];
        let sound = Self::new(Kind::Moment, sequence, 0, payload);
        (Self { payload_crc: !sound.payload_crc, ..sound }, payload)
    }

    /// Writes the header in front of a payload. `frame` has room for the header, the payload, and zeros up to the multiple.
    pub(in crate::journal) fn write(&self, salt: Salt, frame: &mut [u8]) {
        let Some((header, _)) = frame.split_first_chunk_mut::<HEADER>() else { return };
        let word = PUBLISHED | u32::try_from(self.length).unwrap_or(u32::MAX);
        put(header, 0, &word.to_le_bytes());
        put(header, 4, &self.payload_crc.to_le_bytes());
        put(header, 8, &self.sequence.to_le_bytes());
        put(header, 16, &self.call.to_le_bytes());
        put(header, 24, &[self.kind.code(), 0, 0, 0]);
        let crc = header.first_chunk::<CHECKED>().map_or(0, |checked| checksum(salt.0, checked));
        put(header, 28, &crc.to_le_bytes());
    }

    /// Reads a header at the start of the bytes.
    pub(in crate::journal) fn read(salt: Salt, bytes: &[u8]) -> ReadHeader {
        let Some(header) = bytes.first_chunk::<HEADER>() else { return ReadHeader::End };
        if header.first_chunk::<4>() == Some(&[0; 4]) {
            return ReadHeader::End;
        }
        Self::checked(salt, header).map_or(ReadHeader::Damage, ReadHeader::Frame)
    }

    fn checked(salt: Salt, header: &[u8; HEADER]) -> Option<Self> {
        let crc = checksum(salt.0, header.first_chunk::<CHECKED>()?);
        if u32_at(header, 28)? != crc && !planted("ignore-crc") {
            return None;
        }
        Self::told(header)
    }

    /// The content of the header, valid or not.
    fn told(header: &[u8]) -> Option<Self> {
        let word = u32_at(header, 0)?;
        let kind = *header.get(24)?;
        Some(Self {
            kind: Kind::ALL.into_iter().find(|known| known.code() == kind)?,
            sequence: u64_at(header, 8)?,
            call: u64_at(header, 16)?,
            length: usize::try_from(word & !PUBLISHED).ok().filter(|length| *length > 0 && word & PUBLISHED != 0)?,
            payload_crc: u32_at(header, 4)?,
        })
    }

    /// The size of the whole frame.
    pub(in crate::journal) fn size(&self) -> usize {
        size(self.length)
    }
}

/// Encodes the whole frame of a payload.
pub(in crate::journal) fn encode(header: FrameHeader, payload: &[u8], salt: Salt) -> Vec<u8> {
    let mut frame = vec![0; HEADER];
    frame.extend_from_slice(payload);
    frame.resize(header.size(), 0);
    header.write(salt, &mut frame);
    frame
}

/// Headers and payloads of the sound frames in a part of a segment.
pub(in crate::journal) fn walk(salt: Salt, mut bytes: &[u8]) -> impl Iterator<Item = (FrameHeader, &[u8])> {
    std::iter::from_fn(move || {
        while !bytes.is_empty() {
            let whole = match FrameHeader::read(salt, bytes) {
                ReadHeader::Frame(header) => {
                    bytes.split_at_checked(header.size()).map(|(frame, rest)| (header, frame, rest))
                }
                ReadHeader::End | ReadHeader::Damage => None,
            };
            let Some((header, frame, rest)) = whole else {
                bytes = bytes.get(ALIGNMENT..).unwrap_or_default();
                continue;
            };
            bytes = rest;
            let payload = frame.get(HEADER..HEADER + header.length).unwrap_or_default();
            if crc32fast::hash(payload) == header.payload_crc {
                return Some((header, payload));
            }
        }
        None
    })
}

/// Continues a checksum with more bytes.
fn checksum(before: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(bytes);
    hasher.finalize()
}

/// The size of a frame whose payload has that length.
pub(in crate::journal) const fn size(payload: usize) -> usize {
    (HEADER + payload).next_multiple_of(ALIGNMENT)
}

pub(in crate::journal) fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + field.len()) {
        place.copy_from_slice(field);
    }
}

pub(in crate::journal) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(in crate::journal) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The size of a frame header.
pub const HEADER: usize = 32;
/// Frames begin at multiples of this.
pub(in crate::journal) const ALIGNMENT: usize = 32;
/// The longest payload that a frame header can describe.
pub(in crate::journal) const LONGEST: usize = (PUBLISHED - 1) as usize;
const CHECKED: usize = 28;
const PUBLISHED: u32 = 1 << 31;
