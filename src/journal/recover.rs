//! Finds out what a stream holds whose owner died. Reads the header of each segment and the frames of the last: so the time
//! it takes does not depend on how much waits.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::cursor::Cursor;
use super::frame::{ALIGNMENT, FrameHeader, Kind, Salt};
use super::fs::{File, Fs};
use super::header::{LONGEST_HEADER, SegmentHeader};
use super::place::{StreamPlace, segment_number};
use super::planted::planted;
use super::resume::begin_at;
use super::scan::{Item, Scan};
use super::state::{Position, Segment};
use super::{CallNumber, Sequence};
use crate::record::StreamId;

/// What was found of a stream.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) segments: VecDeque<Segment>,
    pub(super) resource: Bytes,
    pub(super) scope: Bytes,
    /// Where to read on, and the number that comes next there.
    pub(super) start: Position,
    pub(super) expected: Sequence,
    /// The number that the next record of the stream gets.
    pub(super) sequence: Sequence,
    /// The calls that nobody answered, and their request records or intents.
    pub(super) open: Vec<(CallNumber, Bytes)>,
    /// The stream has its last record.
    pub(super) ended: bool,
    /// Bytes behind the last frame of the last segment that are no frame of it.
    pub(super) torn: Option<Torn>,
    pub(super) next_file: u64,
}

/// A tail that is neither empty nor a frame.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) segment: u64,
    pub(super) offset: u64,
    pub(super) bytes: Bytes,
    /// The last of the numbers that could have stood there.
    pub(super) last: Sequence,
}

/// Reads a stream whose lock this process holds. `None` if there is nothing in it.
///
/// What the dead process had not synced is synced first: it may be shipped now, so it must not be gone after a power loss.
pub(super) fn recover(fs: &dyn Fs, place: &StreamPlace, stream: StreamId) -> io::Result<Option<Recovered>> {
    let mut found = segments(fs, place, stream)?;
    drop_superseded(fs, place, &mut found);
    let owner = fs.open(&place.owner()).ok().and_then(|file| header(&*file).ok().flatten());
    let about = found.iter().find_map(|segment| segment.header.clone()).or(owner);
    let Some(about) = about.filter(|_| !found.is_empty()) else {
        return match found.is_empty() {
            true => Ok(None),
            false => {
                Err(io::Error::other("no header of the stream can be read, so nobody knows whose records they are"))
            }
        };
    };
    found.iter().try_for_each(|segment| segment.file.sync())?;
    place.root().parent().map_or(Ok(()), |streams| fs.sync_dir(streams))?;
    fs.sync_dir(place.root())?;

    let walk = walk_the_end(&found)?;
    let said = found.iter().filter_map(|segment| Some(segment.header.as_ref()?.next_sequence)).max().unwrap_or(1);
    let Some(tail) = found.last_mut() else { return Ok(None) };
    let cursor_file = fs.open(&place.cursor()).ok();
    let cursor = cursor_file.and_then(|file| Cursor::read(&*file, stream)).filter(|_| !planted("reset-cursor"));
    let behind = walk.sequence.max(said);
    let mut sequence = behind.max(cursor.map_or(0, |cursor| cursor.sequence).saturating_add(1));
    if planted("reuse-sequence-number") {
        sequence = sequence.saturating_sub(1).max(1);
    }
    let torn = walk.torn.map(|(from, to)| torn(tail, from, to, sequence)).transpose()?;
    let sequence = torn.as_ref().map_or(sequence, |torn| torn.last + 1);
    tail.info.end = walk.end.max(tail.info.begin);
    if tail.info.end < tail.info.length && torn.is_none() {
        // Nothing was ever published behind it: the space is free for others. A failure costs only that.
        let cut = tail.file.set_length(tail.info.end).and_then(|()| tail.file.sync());
        tail.info.length = if cut.is_ok() { tail.info.end } else { tail.info.length };
    }

    let (start, expected) = begin_at(&found, cursor, behind)?;
    Ok(Some(Recovered {
        next_file: found.last().map_or(1, |segment| segment.info.number + 1),
        segments: found.iter().map(|segment| segment.info).collect(),
        resource: about.resource,
        scope: about.scope,
        start,
        expected,
        sequence,
        open: walk.open.into_iter().map(|(call, payload)| (CallNumber(call), payload)).collect(),
        ended: walk.ended && torn.is_none(),
        torn,
    }))
}

/// What the last segment tells, and those before it as long as what they should have carried, or their header, is not
/// there.
fn walk_the_end(found: &[Found]) -> io::Result<Walk> {
    let (mut walks, mut headless) = (Vec::new(), false);
    for segment in found.iter().rev() {
        let mut walk = Walk::default();
        walk.through(segment)?;
        let is_whole = segment.header.as_ref().is_some_and(|header| header.carried == walk.carried);
        walks.push(walk);
        // Frames that were being written again may belong to calls that were answered in any segment before.
        headless |= segment.header.is_none();
        if is_whole && !headless {
            break;
        }
    }
    let mut all = Walk::default();
    walks.into_iter().rev().for_each(|walk| all.then(walk));
    Ok(all)
}

/// The damaged end of the last segment. Zeros at its end are no part of it.
fn torn(tail: &Found, from: u64, to: u64, sequence: Sequence) -> io::Result<Torn> {
    let mut last = from;
    let mut at = from;
    while at < to {
        let bytes = Scan::new(tail.file.clone(), tail.salt, at).raw(at, to)?;
        if bytes.is_empty() {
            break;
        }
        last = bytes.iter().rposition(|byte| *byte != 0).map_or(last, |index| at + index as u64);
        at += bytes.len() as u64;
    }
    let to = (last + 1).next_multiple_of(ALIGNMENT as u64);
    let bytes = Scan::new(tail.file.clone(), tail.salt, from).raw(from, to)?;
    let frames = ((to - from) / LEAST_FRAME).max(1);
    Ok(Torn { segment: tail.info.number, offset: from, bytes, last: sequence + frames - 1 })
}

/// Segments that were written again as a whole, to a later one that begins with an earlier number. They are gone but for a
/// crash in that moment.
fn drop_superseded(fs: &dyn Fs, place: &StreamPlace, found: &mut Vec<Found>) {
    let mut least = u64::MAX;
    let mut kept: Vec<bool> = found
        .iter()
        .rev()
        .map(|segment| {
            let first = segment.header.as_ref().map_or(u64::MAX, |header| header.next_sequence);
            let kept = first == u64::MAX || first <= least;
            least = least.min(first);
            kept
        })
        .collect();
    found.retain(|segment| {
        let keep = kept.pop().unwrap_or(true);
        if !keep {
            drop(fs.remove(&place.segment(segment.info.number)));
        }
        keep
    });
}

/// A segment as it was found.
pub(super) struct Found {
    pub(super) info: Segment,
    pub(super) header: Option<SegmentHeader>,
    pub(super) file: Arc<dyn File>,
    pub(super) salt: Salt,
}

/// The segments in their order. What has neither a header nor a frame was prepared and never used: it is removed.
fn segments(fs: &dyn Fs, place: &StreamPlace, stream: StreamId) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    let mut numbers: Vec<u64> = fs.list(place.root())?.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    for number in numbers {
        let file = fs.open(&place.segment(number))?;
        let length = file.identity()?.length;
        let salt = Salt::new(stream, number);
        let header = header(&*file)?.filter(|header| header.stream == stream && header.segment == number);
        let begin = match &header {
            Some(header) => Some(header.length() as u64),
            None => first_frame(&file, salt, length)?,
        };
        let Some(begin) = begin else {
            fs.remove(&place.segment(number))?;
            continue;
        };
        let first = header.as_ref().map_or(0, |header| header.next_sequence);
        found.push(Found {
            info: Segment { number, first, begin, end: length, length, remade: 0 },
            header,
            file,
            salt,
        });
    }
    Ok(found)
}

fn header(file: &dyn File) -> io::Result<Option<SegmentHeader>> {
    for length in [4096, LONGEST_HEADER] {
        let mut bytes = vec![0; length];
        let read = file.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        if let Some(header) = SegmentHeader::decode(&bytes) {
            return Ok(Some(header));
        }
    }
    Ok(None)
}

/// Where the first frame of a segment stands whose header is damaged.
fn first_frame(file: &Arc<dyn File>, salt: Salt, length: u64) -> io::Result<Option<u64>> {
    let mut scan = Scan::new(file.clone(), salt, 0);
    loop {
        match scan.next(length)? {
            Item::Frame { offset, .. } => return Ok(Some(offset)),
            Item::BadPayload { header, .. } => return Ok(Some(scan.offset() - header.size() as u64)),
            Item::Damage { .. } => {}
            Item::End => return Ok(None),
        }
    }
}

/// What the frames of a segment tell.
#[derive(Debug, Default)]
struct Walk {
    open: BTreeMap<u64, Bytes>,
    answered: Vec<u64>,
    /// The number behind the highest.
    sequence: Sequence,
    carried: u32,
    ended: bool,
    end: u64,
    torn: Option<(u64, u64)>,
}

impl Walk {
    fn through(&mut self, segment: &Found) -> io::Result<()> {
        let mut scan = Scan::new(segment.file.clone(), segment.salt, segment.info.begin);
        loop {
            match scan.next(segment.info.length)? {
                Item::Frame { header, payload, .. } => {
                    self.see(&header);
                    self.carried += u32::from(header.kind == Kind::Carried);
                    if header.kind.opens() {
                        // A copy: the slice would keep half a megabyte alive.
                        self.open.insert(header.call, Bytes::copy_from_slice(&payload));
                    }
                }
                // A request that cannot be read cannot be answered.
                Item::BadPayload { header, .. } => self.see(&header),
                Item::Damage { from, to, nothing: false } => {
                    self.torn = Some((from, to));
                    continue;
                }
                Item::Damage { .. } => continue,
                Item::End => return Ok(()),
            }
            (self.end, self.torn) = (scan.offset(), None);
        }
    }

    fn see(&mut self, header: &FrameHeader) {
        if header.kind.is_record() {
            self.sequence = self.sequence.max(header.sequence + 1);
        }
        match header.kind {
            Kind::Response => {
                self.open.remove(&header.call);
                self.answered.push(header.call);
            }
            Kind::Last => self.ended = true,
            _ => {}
        }
    }

    /// Goes on with what the next segment tells.
    fn then(&mut self, later: Self) {
        let Self { open, answered, sequence, carried, ended, end, torn } = later;
        self.answered.extend(answered);
        self.open.extend(open);
        // Also where the answer stands earlier: frames that were being written again when the process was killed.
        self.answered.iter().for_each(|call| drop(self.open.remove(call)));
        self.sequence = self.sequence.max(sequence);
        (self.carried, self.ended, self.end, self.torn) = (carried, ended, end, torn);
    }
}

/// A header and the shortest payload.
const LEAST_FRAME: u64 = 64;
