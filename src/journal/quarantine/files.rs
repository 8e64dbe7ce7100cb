//! Quarantine: what the collector refused, and what was damaged on the disk, kept for people to look at.
//!
//! One file each, written whole under another name and then renamed. `docs/format.md` has every byte:
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
//! In version 2, 16 bytes stand before the Resource: the name of the sink, with zeros behind it. The entries are records as they
//! were shipped, with number and stream; in version 1, as they stood in the journal. What was damaged is written in version 1,
//! what a sink refused in version 2; earlier versions of auditrail have written all in version 1.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::journal::disk::Fs;
use crate::journal::error::{self, JournalError};
use crate::journal::format::{CHUNK, Place, Salt, Scan, is_zero, put, u32_at, u64_at};
use crate::journal::numbers::Sequence;
use crate::journal::read::Entry;
use crate::journal::sinks::SinkName;
use crate::journal::state::Shared;
use crate::record::StreamId;

/// What the sink refused for good.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// The records of the request, as they were shipped.
    pub entries: &'a [Entry],
    /// How many of them; which, OTLP's partial success does not say.
    pub refused: u64,
    /// What the sink said.
    pub reason: &'a str,
}

/// Why something is in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The sink refused each of these records.
    Refused,
    /// The sink refused some of them, and did not say which.
    PartlyRefused,
    /// The bytes were damaged on the disk; they may be no whole record.
    Damaged,
}

/// What one file of the quarantine holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined {
    /// Why.
    pub cause: Cause,
    /// The stream.
    pub stream: StreamId,
    /// The first sequence number, 0 if it is not known.
    pub first: Sequence,
    /// The last sequence number, 0 if it is not known.
    pub last: Sequence,
    /// How many of the records are refused.
    pub refused: u64,
    /// When, nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The OTLP Resource of the records, encoded.
    pub resource: Bytes,
    /// Their scope.
    pub scope: Bytes,
    /// What the sink said, or where the damage is.
    pub reason: String,
    /// The sink that refused them, if the records stand here as they were shipped to it, with their number and stream. What was
    /// damaged, and what earlier versions of auditrail set aside, stands here as it stood in the journal.
    pub shipped_to: Option<SinkName>,
    /// The records.
    pub entries: Vec<Entry>,
}

/// The quarantine of a journal's directory.
#[derive(Debug, Clone)]
pub struct Quarantine {
    pub(super) fs: Arc<dyn Fs>,
    pub(super) place: Place,
}

impl Quarantine {
    /// The quarantine of that directory.
    #[must_use]
    pub fn of(fs: Arc<dyn Fs>, directory: &Path) -> Self {
        Self { fs, place: Place::new(directory) }
    }

    /// The names of what is in it, sorted; none if there is no such directory.
    ///
    /// # Errors
    /// What the disk says.
    pub fn names(&self) -> Result<Vec<String>, JournalError> {
        match self.fs.list(&self.place.quarantine()) {
            Ok(names) => {
                let strip = |name: String| Some(name.strip_suffix(".rec")?.to_owned());
                let mut names: Vec<_> = names.into_iter().filter_map(strip).collect();
                names.sort_unstable();
                Ok(names)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(cause) => Err(JournalError::io("list", &self.place.quarantine(), error::FIX)(cause)),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// What the disk says, or that the file is damaged.
    pub fn read(&self, name: &str) -> Result<Quarantined, JournalError> {
        let path = self.path(name)?;
        let failed = |what| JournalError::io(what, &path, "see `auditrail journal quarantine list` for the names");
        let file = self.fs.open(&path).map_err(failed("open"))?;
        let length = file.identity().map_err(failed("read"))?.length;
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let read = file.read_at(0, &mut bytes).map_err(failed("read"))?;
        bytes.truncate(read);
        Quarantined::decode(bytes).ok_or_else(|| failed("understand")(io::ErrorKind::InvalidData.into()))
    }

    /// Removes one for ever.
    ///
    /// # Errors
    /// What the disk says.
    pub fn discard(&self, name: &str) -> Result<(), JournalError> {
        let path = self.path(name)?;
        self.fs.remove(&path).and_then(|()| self.fs.sync_dir(&self.place.quarantine())).map_err(JournalError::io(
            "remove",
            &path,
            error::FIX,
        ))
    }

    fn path(&self, name: &str) -> Result<PathBuf, JournalError> {
        let path = self.place.quarantine().join(format!("{name}.rec"));
        if name.contains(['/', '\\', '.']) {
            let fix = "name one of `auditrail journal quarantine list`";
            return Err(JournalError::io("find", &path, fix)(io::ErrorKind::InvalidInput.into()));
        }
        Ok(path)
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), JournalError> {
        let path = self.place.quarantine().join(format!("{name}.rec"));
        let new = path.with_extension("new");
        let write = || {
            drop(self.fs.remove(&new));
            let file = self.fs.open_or_create(&new)?;
            file.write_at(0, content)?;
            file.sync()?;
            self.fs.rename(&new, &path)?;
            self.fs.sync_dir(&self.place.quarantine())
        };
        write().map_err(|cause| {
            drop(self.fs.remove(&new));
            JournalError::io("set aside records in", &path, error::FIX)(cause)
        })
    }
}

impl Shared {
    /// Writes a file of the quarantine; the same records again replace it.
    pub(in crate::journal) fn set_aside(&self, content: &Quarantined) -> Result<(), JournalError> {
        // Two sinks may refuse the same records.
        let sink = content.shipped_to.filter(|sink| *sink != SinkName::OTLP);
        let sink = sink.map_or_else(String::new, |sink| format!("-{sink}"));
        let name = format!("{}-{:020}{sink}", self.stream, content.first);
        self.write_to_quarantine(&name, content)
    }

    pub(in crate::journal) fn set_aside_damage(
        &self,
        segment: u64,
        offset: u64,
        sequence: Sequence,
        bytes: Bytes,
    ) -> Result<(), JournalError> {
        let name = format!("{}-{segment:010}-{offset:010}", self.stream);
        self.write_to_quarantine(
            &name,
            &Quarantined {
                cause: Cause::Damaged,
                stream: self.stream,
                first: sequence,
                last: sequence,
                refused: 0,
                time_unix_nano: self.options.clock.unix_nano(),
                resource: self.options.resource.clone(),
                scope: self.options.scope.clone(),
                reason: format!("damaged in segment {segment} at offset {offset}"),
                shipped_to: None,
                entries: vec![Entry { sequence, record: bytes }],
            },
        )
    }

    fn write_to_quarantine(&self, name: &str, content: &Quarantined) -> Result<(), JournalError> {
        let bytes = content.encode();
        self.make_room_in_quarantine(bytes.len())?;
        self.quarantine().write(name, &bytes)
    }

    /// Sets aside what is not zero of a part of a segment, in pieces. Says whether there was anything.
    pub(in crate::journal) fn set_aside_part(&self, segment: u64, from: u64, to: u64) -> Result<bool, JournalError> {
        let path = self.place.segment(segment);
        let failed = |cause| JournalError::io("read", &path, error::FIX)(cause);
        let file = self.options.fs.open(&path).map_err(failed)?;
        let scan = Scan::salvaging(file, Salt::new(self.stream, segment), from);
        let mut is_something = false;
        for offset in (from..to).step_by(CHUNK) {
            let piece = scan.raw(offset, to).map_err(failed)?;
            if !is_zero(&piece) {
                self.set_aside_damage(segment, offset, 0, piece)?;
                is_something = true;
            }
        }
        Ok(is_something)
    }

    pub(super) fn quarantine(&self) -> Quarantine {
        Quarantine::of(self.options.fs.clone(), &self.options.directory)
    }
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
/// Versions.
const AS_IN_THE_JOURNAL: u16 = 1;
const AS_SHIPPED: u16 = 2;
const CRC: usize = 76;
const FIXED: usize = 80;
