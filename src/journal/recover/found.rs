//! Lists the segments of a stream.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::journal::disk::{File, Fs};
use crate::journal::format::{Item, LONGEST_HEADER, Salt, Scan, SegmentHeader, StreamPaths, segment_number};
use crate::journal::planted;
use crate::journal::state::Segment;
use crate::record::StreamId;

/// A segment on the disk. It is opened only while it is read, because a backlog may have more segments than a process may
/// have open files.
pub(in crate::journal) struct FoundSegment<'f> {
    pub(in crate::journal) info: Segment,
    pub(in crate::journal) header: Option<SegmentHeader>,
    fs: &'f dyn Fs,
    path: PathBuf,
    pub(in crate::journal) salt: Salt,
}

impl FoundSegment<'_> {
    pub(in crate::journal) fn file(&self) -> io::Result<Arc<dyn File>> {
        self.fs.open(&self.path)
    }
}

/// The segments of a stream.
pub(super) struct Listed<'f> {
    /// In order.
    pub(super) found: Vec<FoundSegment<'f>>,
    /// The number of the next file.
    pub(super) next_file: u64,
}

/// Lists the segments. A file of zeros was prepared and never used, and is removed; nothing else is.
pub(super) fn segments<'f>(fs: &'f dyn Fs, paths: &StreamPaths, stream: StreamId) -> io::Result<Listed<'f>> {
    let mut found = Vec::new();
    let mut numbers: Vec<u64> = fs.list(paths.root())?.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    let next_file = numbers.last().map_or(1, |last| last + 1);
    for number in numbers {
        let path = paths.segment(number);
        let file = fs.open(&path)?;
        let length = file.identity()?.length;
        let salt = Salt::new(stream, number);
        let header = sound_header(&file)?.filter(|header| header.stream == stream && header.segment == number);
        if header.is_none() {
            let holds_nothing = Scan::salvaging(file.clone(), salt, 0).holds_nothing(length)?;
            if holds_nothing || planted("remove-unreadable-segment") && !holds_frames(&file, salt, length)? {
                fs.remove(&path)?;
                continue;
            }
            refuse_unknown_version(&file, salt, length)?;
        }
        // Without a header, readers set aside what precedes the first frame.
        let begin = header.as_ref().map_or(0, |header| header.length() as u64);
        let first = header.as_ref().map_or(0, |header| header.next_sequence);
        found.push(FoundSegment {
            info: Segment { number, first, begin, end: length, length, remade: 0 },
            header,
            fs,
            path,
            salt,
        });
    }
    Ok(Listed { found, next_file })
}

/// The header of a file, if it is valid.
///
/// # Errors
/// The header has an unknown version.
pub(super) fn sound_header(file: &Arc<dyn File>) -> io::Result<Option<SegmentHeader>> {
    for length in [4096, LONGEST_HEADER] {
        let bytes = head(file, length as u64)?;
        if let Some(header) = SegmentHeader::decode(&bytes) {
            return Ok(Some(header));
        }
        if let Some(version) = SegmentHeader::unknown_version(&bytes) {
            return Err(unknown(version));
        }
    }
    Ok(None)
}

/// The first bytes of a file.
fn head(file: &Arc<dyn File>, length: u64) -> io::Result<Bytes> {
    // Nothing is checked here.
    Scan::salvaging(file.clone(), Salt::new(StreamId::from_bytes([0; 16]), 0), 0).raw(0, length)
}

/// Refuses a file that starts like a segment with an unknown version and has no frame of this version: its content is
/// unknown.
pub(in crate::journal) fn refuse_unknown_version(file: &Arc<dyn File>, salt: Salt, length: u64) -> io::Result<()> {
    let Some(version) = SegmentHeader::told_version(&head(file, 16)?) else { return Ok(()) };
    if holds_frames(file, salt, length)? { Ok(()) } else { Err(unknown(version)) }
}

/// Whether there is a frame of this version, even with a damaged payload.
fn holds_frames(file: &Arc<dyn File>, salt: Salt, length: u64) -> io::Result<bool> {
    let mut scan = Scan::salvaging(file.clone(), salt, 0);
    loop {
        match scan.next(length)? {
            Item::Frame { .. } | Item::BadPayload { .. } => return Ok(true),
            Item::Damage { .. } => {}
            Item::End => return Ok(false),
        }
    }
}

fn unknown(version: u16) -> io::Error {
    let text = format!(
        "it is of version {version} of the format, which this version of auditrail does not know; it is left as it is: \
         drain it with the version that wrote it"
    );
    io::Error::new(io::ErrorKind::Unsupported, text)
}
