//! The ledger of a directory: one entry for each removed stream.
//!
//! A file of slots of 128 bytes: the header, then entries in the order of removal, then zeros. `docs/format.md` describes
//! every byte.
//!
//! Invariants:
//! 1. An entry is durable before a file of its stream is removed. If it cannot be written, the stream stays.
//! 2. A slot is written once: entries are added after the last used slot, and damage is skipped and reported. A slot that
//!    starts with four zero bytes was never finished.
//! 3. It is written under the lock of the directory, and read without it.
//! 4. It is bounded: a full file becomes `ledger.old`, and replaces the previous one, so the newest 8191 streams are in it.
//! 5. Some slots are allocated in advance, so that finished streams can be removed from a full disk.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use crate::journal::disk::{File, Fs};
use crate::journal::error::{self, JournalError};
use crate::journal::format::{JournalPaths, put, u32_at, u64_at};
use crate::journal::numbers::Sequence;
use crate::journal::options::JournalOptions;
use crate::journal::planted;
use crate::record::StreamId;

/// What is known of removed streams.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ledger {
    /// The streams, in the order of removal.
    pub streams: Vec<RemovedStream>,
    /// How many entries were dropped to make room.
    pub dropped: u64,
    /// Damaged places: a file, and an offset in it.
    pub damaged: Vec<(PathBuf, u64)>,
    /// A file with an unknown version, and that version.
    pub unknown: Option<(PathBuf, u16)>,
}

/// A stream that was removed because everything in it was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemovedStream {
    /// The stream.
    pub stream: StreamId,
    /// The number of its last record.
    pub last: Sequence,
    /// The time of removal, in nanoseconds since 1970.
    pub unix_nano: u64,
}

impl Ledger {
    /// Reads the files. A process may write to them at the same time.
    pub(in crate::journal) fn read(fs: &dyn Fs, paths: &JournalPaths) -> io::Result<Self> {
        let mut ledger = Self::default();
        // The newer file first, because it may become the older one in the meantime.
        let newer = read_file(fs, &paths.ledger(), &mut ledger)?;
        let older = read_file(fs, &paths.older_ledger(), &mut ledger)?;
        let first = older.as_ref().or(newer.as_ref());
        ledger.dropped = first.map_or(0, |file| file.before);
        let mut known = HashMap::new();
        for entry in [older, newer].into_iter().flatten().flat_map(|file| file.entries) {
            // A power loss during a removal brings the stream back, and it is removed again.
            let at = *known.entry(entry.stream).or_insert(ledger.streams.len());
            match ledger.streams.get_mut(at) {
                Some(known) => known.last = known.last.max(entry.last),
                None => ledger.streams.push(entry),
            }
        }
        Ok(ledger)
    }
}

/// Creates the file if it does not exist, so that its first entries have their space.
pub(in crate::journal) fn make_ready(fs: &dyn Fs, paths: &JournalPaths) -> io::Result<()> {
    match fs.identity(&paths.ledger()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Writer::open(fs, paths)?.make(0),
        there => there.map(drop),
    }
}

/// Notes a stream that is about to be removed. The directory is locked.
pub(in crate::journal) fn note(
    options: &JournalOptions,
    paths: &JournalPaths,
    stream: StreamId,
    last: Sequence,
) -> Result<(), JournalError> {
    if planted("skip-the-ledger") {
        return Ok(());
    }
    let removed = RemovedStream { stream, last, unix_nano: options.clock.unix_nano() };
    let append = || Writer::open(&*options.fs, paths)?.append(&removed);
    append().map_err(JournalError::io("write", &paths.ledger(), error::FIX))
}

/// The file that entries are appended to.
struct Writer<'a> {
    fs: &'a dyn Fs,
    paths: &'a JournalPaths,
    file: std::sync::Arc<dyn File>,
    length: u64,
}

impl<'a> Writer<'a> {
    fn open(fs: &'a dyn Fs, paths: &'a JournalPaths) -> io::Result<Self> {
        let file = fs.open_or_create(&paths.ledger())?;
        let length = file.identity()?.length;
        Ok(Self { fs, paths, file, length })
    }

    fn append(mut self, removed: &RemovedStream) -> io::Result<()> {
        let head = slot_at(&*self.file, 0)?;
        if let Some(version) = unknown_version(&head) {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("it is of version {version} of the format"),
            ));
        }
        let mut at = self.end();
        if at >= LENGTH {
            let before = before(&head).unwrap_or(0) + (at - SLOT) / SLOT;
            self.fs.rename(&self.paths.ledger(), &self.paths.older_ledger())?;
            self = Self::open(self.fs, self.paths)?;
            self.make(before)?;
            at = SLOT;
        } else if at <= SLOT {
            // A process may have been killed while it created the file. No entry in it could have survived a power loss
            // then.
            self.make(0)?;
            at = SLOT;
        }
        if let Err(error) = self.take_room(at + AHEAD)
            && at + SLOT > self.length
        {
            return Err(error);
        }
        self.file.publish(at, &removed.encode())?;
        if planted("skip-ledger-fsync") { Ok(()) } else { self.file.sync() }
    }

    /// Makes the file durable, with its header and room for some entries.
    fn make(&mut self, before: u64) -> io::Result<()> {
        self.take_room(CHUNK)?;
        if is_unused(&slot_at(&*self.file, 0)?) {
            self.file.publish(0, &header(before))?;
        }
        self.file.sync()?;
        self.fs.sync_dir(self.paths.root())
    }

    /// Allocates space up to that offset, in whole blocks.
    fn take_room(&mut self, to: u64) -> io::Result<()> {
        let to = to.next_multiple_of(CHUNK);
        if let Some(more) = to.checked_sub(self.length).filter(|more| *more > 0) {
            self.file.write_at(self.length, &vec![0; usize::try_from(more).unwrap_or_default()])?;
            self.length = to;
        }
        Ok(())
    }

    /// The offset of the next entry: after the last slot that was written to.
    fn end(&self) -> u64 {
        let mut from = self.length.next_multiple_of(CHUNK);
        while let Some(before) = from.checked_sub(CHUNK) {
            let mut chunk = [0; CHUNK_LENGTH];
            // A block that cannot be read may be full of entries.
            if self.file.read_at(before, &mut chunk).is_err() {
                return from;
            }
            if let Some(last) = slots(&chunk).rposition(|slot| !is_unused(slot)) {
                return before + (last as u64 + 1) * SLOT;
            }
            from = before;
        }
        0
    }
}

/// The content of one of the files.
struct Read {
    before: u64,
    entries: Vec<RemovedStream>,
}

/// Reads a file, if it exists, and notes what is wrong with it.
fn read_file(fs: &dyn Fs, path: &Path, ledger: &mut Ledger) -> io::Result<Option<Read>> {
    let file = match fs.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // A longer file was not written by a journal.
    let length = file.identity()?.length.min(2 * LENGTH);
    let mut bytes = vec![0; usize::try_from(length.next_multiple_of(SLOT)).unwrap_or_default()];
    file.read_at(0, &mut bytes)?;
    let head = bytes.get(..SLOT_LENGTH).unwrap_or_default();
    if let Some(version) = unknown_version(head) {
        ledger.unknown = Some((path.to_owned(), version));
        return Ok(None);
    }
    let used = slots(&bytes).rposition(|slot| !is_unused(slot)).map_or(0, |last| last + 1);
    let mut read = Read { before: before(head).unwrap_or(0), entries: Vec::new() };
    for (index, slot) in slots(&bytes).take(used).enumerate() {
        let is_sound = match index {
            0 => before(slot).is_some(),
            _ => RemovedStream::decode(slot).map(|entry| read.entries.push(entry)).is_some(),
        };
        if !is_sound {
            ledger.damaged.push((path.to_owned(), index as u64 * SLOT));
        }
    }
    Ok(Some(read))
}

fn slot_at(file: &dyn File, offset: u64) -> io::Result<Vec<u8>> {
    let mut slot = vec![0; SLOT_LENGTH];
    file.read_at(offset, &mut slot)?;
    Ok(slot)
}

fn slots(bytes: &[u8]) -> std::slice::ChunksExact<'_, u8> {
    bytes.chunks_exact(SLOT_LENGTH)
}

/// Whether nothing was written here, or not completely.
fn is_unused(slot: &[u8]) -> bool {
    slot.iter().take(4).all(|byte| *byte == 0)
}

fn header(before: u64) -> [u8; SLOT_LENGTH] {
    let mut slot = [0; SLOT_LENGTH];
    put(&mut slot, 0, MAGIC);
    put(&mut slot, 8, &VERSION.to_le_bytes());
    put(&mut slot, 12, &HEADER_LENGTH.to_le_bytes());
    put(&mut slot, 16, &before.to_le_bytes());
    let crc = crc32fast::hash(&slot);
    put(&mut slot, HEADER_CRC, &crc.to_le_bytes());
    slot
}

/// How many entries were written before this file, according to a valid header of this version.
fn before(slot: &[u8]) -> Option<u64> {
    let before = u64_at(slot, 16)?;
    (slot == header(before)).then_some(before)
}

fn unknown_version(slot: &[u8]) -> Option<u16> {
    let version = u16::from_le_bytes(*slot.get(8..)?.first_chunk()?);
    (slot.starts_with(MAGIC) && version > VERSION).then_some(version)
}

impl RemovedStream {
    fn encode(&self) -> [u8; SLOT_LENGTH] {
        let mut slot = [0; SLOT_LENGTH];
        put(&mut slot, 0, &ENTRY.to_le_bytes());
        put(&mut slot, 8, &self.stream.to_bytes());
        put(&mut slot, 24, &self.last.to_le_bytes());
        put(&mut slot, 32, &self.unix_nano.to_le_bytes());
        put(&mut slot, 40, &SETTLED.to_le_bytes());
        let crc = crc32fast::hash(slot.get(8..).unwrap_or_default());
        put(&mut slot, 4, &crc.to_le_bytes());
        slot
    }

    fn decode(slot: &[u8]) -> Option<Self> {
        let is_sound = u32_at(slot, 0)? == ENTRY && u32_at(slot, 4)? == crc32fast::hash(slot.get(8..)?);
        is_sound.then_some(())?;
        Some(Self {
            stream: StreamId::from_bytes(*slot.get(8..)?.first_chunk()?),
            last: u64_at(slot, 24)?,
            unix_nano: u64_at(slot, 32)?,
        })
    }
}

const MAGIC: &[u8; 8] = b"auditled";
const VERSION: u16 = 1;
const HEADER_LENGTH: u32 = 128;
const HEADER_CRC: usize = 124;
/// The length of an entry, marked like that of a frame.
const ENTRY: u32 = 128 | 1 << 31;
/// Why the stream was removed.
const SETTLED: u16 = 1;
/// A slot never crosses a sector, so a power loss leaves all of it or nothing.
const SLOT: u64 = 128;
const SLOT_LENGTH: usize = 128;
/// The size of a full file: months of processes on an ordinary machine, read in a moment.
const LENGTH: u64 = 1 << 20;
const CHUNK: u64 = 4096;
const CHUNK_LENGTH: usize = 4096;
/// A removed stream frees more space than the next chunk needs.
const AHEAD: u64 = 8 * SLOT;

#[cfg(test)]
mod tests;
