//! Finds out what a stream holds whose owner died. Reads the header of each segment and the frames of the last: so the time
//! it takes does not depend on how much waits.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::cursor::Cursor;
use super::frame::{FrameHeader, Kind, Salt};
use super::fs::{File, Fs};
use super::header::{LONGEST_HEADER, SegmentHeader};
use super::place::{StreamPlace, segment_number};
use super::planted::planted;
use super::scan::{Item, Scan};
use super::state::Segment;
use super::{CallNumber, Sequence};
use crate::record::StreamId;

/// What was found of a stream.
#[derive(Debug)]
pub(super) struct Recovered {
    pub(super) segments: VecDeque<Segment>,
    pub(super) resource: Bytes,
    pub(super) scope: Bytes,
    /// Where to read on, and the number that comes next there.
    pub(super) start: Option<(Segment, u64)>,
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
    /// The numbers that could have stood there.
    pub(super) first: Sequence,
    pub(super) last: Sequence,
}

/// Reads a stream whose lock this process holds. `None` if there is nothing in it.
pub(super) fn recover(fs: &dyn Fs, place: &StreamPlace, stream: StreamId) -> io::Result<Option<Recovered>> {
    let mut found = segments(fs, place, stream)?;
    let owner = fs.open(&place.owner()).ok().and_then(|file| header(&*file).ok().flatten());
    let about = found.iter().find_map(|segment| segment.header.clone()).or(owner);
    let (Some(about), Some(last)) = (about, found.len().checked_sub(1)) else {
        return match found.is_empty() {
            true => Ok(None),
            false => Err(io::Error::other("no header of the stream can be read, so nobody knows whose records they are")),
        };
    };

    let mut walk = Walk::default();
    let carried = found.get(last).and_then(|segment| segment.header.as_ref()).map(|header| header.carried);
    let (before, at_end) = found.split_at_mut(last);
    let Some(tail) = at_end.first_mut() else { return Ok(None) };
    let mut tail_walk = Walk::default();
    tail_walk.through(tail)?;
    if carried != Some(tail_walk.carried)
        && let Some(previous) = before.last_mut()
    {
        // What the last segment should have carried is damaged or never reached the disk.
        walk.through(previous)?;
    }
    walk.then(tail_walk);

    let cursor_file = fs.open(&place.cursor()).ok();
    let cursor = cursor_file.and_then(|file| Cursor::read(&*file, stream)).filter(|_| !planted("reset-cursor"));
    let said = tail.header.as_ref().map_or(1, |header| header.next_sequence);
    let settled = cursor.map_or(0, |cursor| cursor.sequence);
    let mut sequence = walk.sequence.max(said).max(settled + 1);
    if planted("reuse-sequence-number") {
        sequence = sequence.saturating_sub(1).max(1);
    }
    let torn = walk.torn.map(|(from, to)| {
        let frames = ((to - from) / LEAST_FRAME).max(1);
        let raw = Scan::new(tail.file.clone(), tail.salt, from).raw(from, to).unwrap_or_default();
        Torn { segment: tail.info.number, offset: from, bytes: raw, first: sequence, last: sequence + frames - 1 }
    });
    let sequence = torn.as_ref().map_or(sequence, |torn| torn.last + 1);
    tail.info.end = walk.end.max(tail.info.begin);
    if tail.info.end < tail.info.length && torn.is_none() {
        // Nothing was ever published behind it: the space is free for others. A failure costs only that.
        let cut = tail.file.set_length(tail.info.end).and_then(|()| tail.file.sync());
        tail.info.length = if cut.is_ok() { tail.info.end } else { tail.info.length };
    }

    let (start, expected) = begin_at(&found, cursor)?;
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

/// A segment as it was found.
struct Found {
    info: Segment,
    header: Option<SegmentHeader>,
    file: Arc<dyn File>,
    salt: Salt,
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
        found.push(Found { info: Segment { number, first, begin, end: length, length }, header, file, salt });
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
            Kind::Carried => self.carried += 1,
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
        answered.iter().for_each(|call| drop(self.open.remove(call)));
        self.open.extend(open);
        self.sequence = self.sequence.max(sequence);
        (self.carried, self.ended, self.end, self.torn) = (carried, ended, end, torn);
    }
}

/// Where to read on: at the cursor, if what it says is what is there, and at the very beginning otherwise.
fn begin_at(found: &[Found], cursor: Option<Cursor>) -> io::Result<(Option<(Segment, u64)>, Sequence)> {
    if let Some(cursor) = cursor
        && let Some(segment) = found.iter().find(|segment| segment.info.number == cursor.segment)
        && is_at(segment, &cursor)?
    {
        return Ok((Some((segment.info, cursor.offset)), cursor.sequence + 1));
    }
    let Some(oldest) = found.first() else { return Ok((None, 1)) };
    let expected = match oldest.info.first {
        0 => first_sequence(oldest)?,
        first => first,
    };
    Ok((Some((oldest.info, oldest.info.begin)), expected))
}

/// Whether the record behind the cursor begins where it says.
fn is_at(segment: &Found, cursor: &Cursor) -> io::Result<bool> {
    let Segment { begin, end, .. } = segment.info;
    if cursor.offset < begin || cursor.offset > end {
        return Ok(false);
    }
    let mut scan = Scan::new(segment.file.clone(), segment.salt, cursor.offset);
    Ok(match scan.next(end)? {
        Item::Frame { header, .. } | Item::BadPayload { header, .. } => {
            !header.kind.is_record() || header.sequence == cursor.sequence + 1
        }
        Item::Damage { nothing, to, .. } => nothing && to == end,
        Item::End => true,
    })
}

/// The number of the first record of a segment whose header is damaged.
fn first_sequence(segment: &Found) -> io::Result<Sequence> {
    let mut scan = Scan::new(segment.file.clone(), segment.salt, segment.info.begin);
    loop {
        match scan.next(segment.info.length)? {
            Item::Frame { header, .. } | Item::BadPayload { header, .. } if header.kind.is_record() => {
                return Ok(header.sequence);
            }
            Item::End => return Ok(1),
            _ => {}
        }
    }
}

/// A header and the shortest payload.
const LEAST_FRAME: u64 = 64;
