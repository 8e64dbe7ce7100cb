//! Reads the stream of a dead process: the header of each segment, and the frames of the last one. The time it takes does
//! not depend on how much waits.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::found::{FoundSegment, Listed, segments, sound_header};
use super::renew::renew;
use super::resume::{Known, begin_at};
use crate::journal::append::WITHDRAWN;
use crate::journal::disk::{File, Fs, is_shortage};
use crate::journal::format::{ALIGNMENT, Cursor, FrameHeader, Item, Kind, Mark, Scan, SinkName, StreamPaths};
use crate::journal::numbers::{CallNumber, Sequence};
use crate::journal::planted::planted;
use crate::journal::state::{Segment, Start};
use crate::record::StreamId;

/// The content of a stream.
#[derive(Debug)]
pub(in crate::journal) struct Recovered {
    pub(in crate::journal) segments: VecDeque<Segment>,
    pub(in crate::journal) resource: Bytes,
    pub(in crate::journal) scope: Bytes,
    /// Where each sink continues to read.
    pub(in crate::journal) starts: Vec<Start>,
    /// The number of the next record.
    pub(in crate::journal) sequence: Sequence,
    /// The calls without an answer, with their request records or intents.
    pub(in crate::journal) open: Vec<(CallNumber, Bytes)>,
    /// The oldest segment that was read to find the open calls.
    pub(in crate::journal) calls_from: u64,
    /// Whether an answer or the last record is damaged and was never shipped, so that it is written again.
    pub(in crate::journal) makes_again: bool,
    /// Whether the stream has its last record.
    pub(in crate::journal) ended: bool,
    /// Bytes after the last frame of the last segment that are not a frame, and may have been one.
    pub(in crate::journal) torn: Option<Torn>,
    /// How far it is durable, if there is no room to make the rest durable. Nothing after that may be read.
    pub(in crate::journal) held_back: Option<Cursor>,
    pub(in crate::journal) next_file: u64,
}

/// A tail that is neither empty nor a frame.
#[derive(Debug)]
pub(in crate::journal) struct Torn {
    pub(in crate::journal) segment: u64,
    pub(in crate::journal) from: u64,
    pub(in crate::journal) to: u64,
    /// The last number that could have been there.
    pub(in crate::journal) last: Sequence,
}

/// Who reads a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) enum By {
    /// The process that has locked it. What the dead process had not synced is made durable first (`renew`), because it may be
    /// shipped now and must then survive a power loss.
    Adopter,
    /// An inspection, which changes nothing.
    Onlooker,
}

/// Reads a stream. `None` if there is nothing in it.
pub(in crate::journal) fn recover(
    fs: &dyn Fs,
    place: &StreamPaths,
    stream: StreamId,
    sinks: impl Iterator<Item = SinkName>,
    by: By,
) -> io::Result<Option<Recovered>> {
    let (mark, has_mark) = {
        let file = opened(fs, &place.mark())?;
        (file.as_ref().and_then(|file| Mark::read(&**file, stream)), file.is_some())
    };
    let marked = mark.map_or(0, |mark| mark.sequence);
    let cursors = Cursors::read(fs, place, stream, sinks)?;
    let owner = opened(fs, &place.owner())?.map_or(Ok(None), |file| sound_header(&file))?;
    let Listed { mut found, next_file } = segments(fs, place, stream)?;
    let next_file = next_file.max(mark.map_or(1, |mark| mark.segment + 1));
    let superseded = take_superseded(&mut found);
    if found.is_empty() && marked <= cursors.settled_by_all() {
        return Ok(None);
    }
    let about = found.iter().find_map(|segment| segment.header.clone()).or(owner);
    let is_durable = by == By::Onlooker || {
        let is_durable = renew(fs, place, &mut found, mark)?;
        place.root().parent().map_or(Ok(()), |streams| fs.sync_dir(streams))?;
        fs.sync_dir(place.root())?;
        // What takes their place is durable.
        superseded.iter().filter(|_| is_durable).for_each(|number| drop(fs.remove(&place.segment(*number))));
        is_durable
    };
    let held_back = (!is_durable).then(|| mark.unwrap_or(Cursor { segment: 0, offset: 0, sequence: 0 }));

    // Without that file, nobody knows what was shipped.
    let shipped = if has_mark { marked } else { Sequence::MAX };
    let (walk, mut calls_from) = walk_the_end(&found, shipped)?;
    if let Some(durable) = held_back {
        // The copies of open requests may be gone after a power loss, so the originals stay.
        let there = found.partition_point(|segment| segment.info.number <= durable.segment);
        calls_from = walk_the_end(found.get(..there).unwrap_or_default(), shipped)?.1;
    }
    // Nobody knows whose it is. Without a frame there is nothing to ship: it is set aside.
    let is_nameless = about.is_none();
    if is_nameless && walk.has_frames {
        return Err(io::Error::other(NAMELESS));
    }
    let (resource, scope) = about.map(|about| (about.resource, about.scope)).unwrap_or_default();
    let said = found.iter().filter_map(|segment| Some(segment.header.as_ref()?.next_sequence)).max().unwrap_or(1);
    let behind = walk.sequence.max(said);
    let mut sequence = behind.max(cursors.settled().max(marked).saturating_add(1));
    if planted("reuse-sequence-number") {
        sequence = sequence.saturating_sub(1).max(1);
    }
    let mut torn = None;
    if let Some(tail) = found.last_mut() {
        tail.info.end = walk.end.max(tail.info.begin);
        torn = match walk.torn {
            Some((from, to)) if is_nameless => Some(Torn { segment: tail.info.number, from, to, last: 0 }),
            Some((from, to)) => Some(self::torn(tail, (from, to), sequence, mark)?),
            // It is not all zeros, and was no segment that anybody was told of.
            None if tail.header.is_none() && walk.end == 0 => {
                Some(Torn { segment: tail.info.number, from: 0, to: tail.info.length, last: 0 })
            }
            None => mark.and_then(|mark| lost_tail(&tail.info, mark)),
        };
    }
    let sequence = torn.as_ref().map_or(sequence, |torn| sequence.max(torn.last + 1));

    let known = Known { behind, marked, next_file };
    let starts = cursors.all.iter().map(|own| begin_at(&found, own.or(cursors.in_place_of(&found)), known));
    let starts = starts.collect::<io::Result<_>>()?;
    Ok(Some(Recovered {
        next_file,
        segments: found.iter().map(|segment| segment.info).collect(),
        resource,
        scope,
        starts,
        sequence,
        open: walk.open.into_iter().map(|(call, payload)| (CallNumber(call), payload)).collect(),
        calls_from,
        makes_again: walk.makes_again,
        ended: walk.ended && torn.is_none() || is_nameless,
        torn,
        held_back,
    }))
}

impl Recovered {
    /// Where the sink reads on that has the least.
    pub(in crate::journal) fn start(&self) -> Start {
        self.starts.iter().copied().min_by_key(|start| (start.at, start.expected)).unwrap_or_default()
    }
}

/// The cursors of the sinks, in their order, as far as they can be believed.
struct Cursors {
    all: Vec<Option<Cursor>>,
}

impl Cursors {
    fn read(
        fs: &dyn Fs,
        place: &StreamPaths,
        stream: StreamId,
        sinks: impl Iterator<Item = SinkName>,
    ) -> io::Result<Self> {
        let read = |sink| {
            let cursor = opened(fs, &place.cursor(sink))?.and_then(|file| Cursor::read(&*file, stream));
            Ok(cursor.filter(|_| !planted("reset-cursor")))
        };
        Ok(Self { all: sinks.map(read).collect::<io::Result<_>>()? })
    }

    /// The last number that a sink has.
    fn settled(&self) -> Sequence {
        self.all.iter().flatten().map(|cursor| cursor.sequence).max().unwrap_or(0)
    }

    /// The last number that all have which have a cursor.
    fn settled_by_all(&self) -> Sequence {
        self.all.iter().flatten().map(|cursor| cursor.sequence).min().unwrap_or(0)
    }

    /// For a sink that has none: it gets what is there, and where nothing is, nobody owes it anything.
    fn in_place_of(&self, found: &[FoundSegment<'_>]) -> Option<Cursor> {
        self.all.iter().flatten().max_by_key(|cursor| cursor.sequence).copied().filter(|_| found.is_empty())
    }
}

/// What the last segment tells, and those before it as long as what they should have carried, or their header, is not
/// there; with the number of the first of them. No record above `shipped` was ever handed to the shipper.
fn walk_the_end(found: &[FoundSegment<'_>], shipped: Sequence) -> io::Result<(Walk, u64)> {
    let (mut walks, mut headless, mut from) = (Vec::new(), false, 0);
    for segment in found.iter().rev() {
        let mut walk = Walk::default();
        walk.through(segment, shipped)?;
        from = segment.info.number;
        walk.is_whole = segment.header.as_ref().is_some_and(|header| header.carried as usize == walk.carried.len());
        let is_whole = walk.is_whole;
        walks.push(walk);
        // Frames that were being written again may belong to calls that were answered in any segment before.
        headless |= segment.header.is_none();
        if is_whole && !headless {
            break;
        }
    }
    let mut all = Walk::default();
    walks.into_iter().rev().for_each(|walk| all.then(walk));
    Ok((all, from))
}

/// The damaged end of the last segment. Zeros at its end are no part of it.
fn torn(tail: &FoundSegment<'_>, (from, to): (u64, u64), sequence: Sequence, mark: Option<Cursor>) -> io::Result<Torn> {
    let last = Scan::salvaging(tail.file()?, tail.salt, from).last_byte(from, to)?.unwrap_or(from);
    let to = (last + 1).next_multiple_of(ALIGNMENT as u64);
    if mark.is_some_and(|mark| mark.segment == tail.info.number && to <= mark.offset) {
        // Nobody has to guess which numbers stood there.
        return Ok(Torn { segment: tail.info.number, from, to, last: 0 });
    }
    let frames = ((to - from) / LEAST_FRAME).max(1);
    Ok(Torn { segment: tail.info.number, from, to, last: sequence + frames - 1 })
}

/// The end of the last segment where the mark says that there was more. Its numbers are known.
fn lost_tail(tail: &Segment, mark: Cursor) -> Option<Torn> {
    let is_short = mark.segment == tail.number && mark.offset > tail.end;
    is_short.then_some(Torn { segment: tail.number, from: tail.end, to: tail.length, last: 0 })
}

/// Takes out segments that were written again as a whole, to a later one that begins with an earlier number. They are gone but
/// for a crash in that moment.
fn take_superseded(found: &mut Vec<FoundSegment<'_>>) -> Vec<u64> {
    let (mut least, mut superseded) = (u64::MAX, Vec::new());
    for segment in found.iter().rev() {
        let first = segment.header.as_ref().map_or(u64::MAX, |header| header.next_sequence);
        if first != u64::MAX && first > least {
            superseded.push(segment.info.number);
        }
        least = least.min(first);
    }
    found.retain(|segment| !superseded.contains(&segment.info.number));
    superseded
}

/// A file without which a stream is recovered, too. That this process has no descriptor left says nothing of it: without the
/// mark, numbers would be given again.
fn opened(fs: &dyn Fs, path: &Path) -> io::Result<Option<Arc<dyn File>>> {
    match fs.open(path) {
        Err(error) if is_shortage(&error) => Err(error),
        opened => Ok(opened.ok()),
    }
}

/// What the frames of a segment tell.
#[derive(Debug, Default)]
struct Walk {
    open: BTreeMap<u64, Bytes>,
    answered: Vec<u64>,
    /// The number behind the highest.
    sequence: Sequence,
    carried: Vec<u64>,
    /// Its header and all that it carries are there.
    is_whole: bool,
    has_frames: bool,
    makes_again: bool,
    ended: bool,
    end: u64,
    torn: Option<(u64, u64)>,
}

impl Walk {
    fn through(&mut self, segment: &FoundSegment<'_>, shipped: Sequence) -> io::Result<()> {
        let mut scan = Scan::salvaging(segment.file()?, segment.salt, segment.info.begin);
        loop {
            match scan.next(segment.info.length)? {
                Item::Frame { header, payload, .. } => {
                    self.see(&header);
                    self.carried.extend((header.kind == Kind::Carried).then_some(header.call));
                    if header.kind == Kind::Intent && payload[..] == *WITHDRAWN {
                        self.open.remove(&header.call);
                        self.answered.push(header.call);
                    } else if header.kind.opens() {
                        // A copy: the slice would keep half a megabyte alive.
                        self.open.insert(header.call, Bytes::copy_from_slice(&payload));
                    }
                }
                // An answer or an end that nobody has is made again, most often after a power loss while it was written.
                Item::BadPayload { header, .. }
                    if matches!(header.kind, Kind::Response | Kind::Last) && header.sequence > shipped =>
                {
                    self.see(&FrameHeader { kind: Kind::Moment, ..header });
                    self.makes_again = true;
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
        self.has_frames = true;
        if header.kind.is_record() {
            self.sequence = self.sequence.max(header.sequence + 1);
        }
        match header.kind {
            Kind::Response if !planted("answer-again") => {
                self.open.remove(&header.call);
                self.answered.push(header.call);
            }
            Kind::Last => self.ended = true,
            _ => {}
        }
    }

    /// Goes on with what the next segment tells.
    fn then(&mut self, later: Self) {
        let Self { open, answered, sequence, carried, is_whole, has_frames, makes_again, ended, end, torn } = later;
        self.has_frames |= has_frames;
        self.makes_again |= makes_again;
        if is_whole {
            // What it carries was open when it was begun, also where a damaged answer stands before it.
            self.answered.retain(|call| !carried.contains(call));
        }
        self.answered.extend(answered);
        self.open.extend(open);
        // Also where the answer stands earlier: frames that were being written again when the process was killed.
        self.answered.iter().for_each(|call| drop(self.open.remove(call)));
        self.sequence = self.sequence.max(sequence);
        (self.ended, self.end, self.torn) = (ended, end, torn);
    }
}

const NAMELESS: &str = "no header of the stream can be read, so it is unknown whose records they are";
/// A header and the shortest payload.
const LEAST_FRAME: u64 = 64;
