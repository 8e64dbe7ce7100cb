//! Finds where reading continues: compares the cursor with what is there.

use std::io;

use super::found::FoundSegment;
use crate::journal::format::{Cursor, Item, Position, Scan};
use crate::journal::numbers::Sequence;
use crate::journal::state::{Segment, Start};

/// What is known of a stream apart from its frames.
#[derive(Debug, Clone, Copy)]
pub(in crate::journal) struct Known {
    /// The number after everything that is there.
    pub(in crate::journal) behind: Sequence,
    /// The last number that was durable, according to the mark.
    pub(in crate::journal) marked: Sequence,
    pub(in crate::journal) next_file: u64,
}

/// Where reading continues: at the cursor, if it matches what is there, and otherwise at the very beginning.
pub(in crate::journal) fn begin_at(
    found: &[FoundSegment<'_>],
    cursor: Option<Cursor>,
    Known { behind, marked, next_file }: Known,
) -> io::Result<Start> {
    let rest = |from: u64| found.iter().skip_while(move |segment| segment.info.number < from);
    if let Some(cursor) = cursor {
        let mut at = Position { segment: cursor.segment, offset: cursor.offset };
        if let Some(first) =
            rest(cursor.segment).next().filter(|first| first.info.number > cursor.segment || at.offset == 0)
        {
            at = Position { segment: first.info.number, offset: first.info.begin };
        }
        let (first, wanted) = (first_record(found, at)?, cursor.sequence.saturating_add(1));
        let next = first.unwrap_or(behind);
        // The end of the stream is gone, including what was settled with it. The mark says that it was there.
        let was_there = || first.is_none() && wanted > behind && cursor.sequence <= marked;
        // What follows may be damaged; then the record before it decides.
        if next == wanted || was_there() || next > wanted && record_before(found, at)? == Some(cursor.sequence) {
            // The segment that the cursor names may never have reached the disk. Then reading continues after the last one
            // that did.
            let last = found.last().map_or(0, |last| last.info.number);
            if at.segment > last {
                at = Position { segment: last + 1, offset: 0 };
            }
            return Ok(Start { at, expected: cursor.sequence + 1 });
        }
    }
    let Some(oldest) = found.first() else {
        // Only the mark and the cursor are there.
        let expected = cursor.map_or(1, |cursor| cursor.sequence.saturating_add(1));
        return Ok(Start { at: Position { segment: next_file, offset: 0 }, expected });
    };
    let at = Position { segment: oldest.info.number, offset: oldest.info.begin };
    let first = match oldest.info.first {
        _ if oldest.info.number == 1 => 1,
        0 => first_record(found, at)?.unwrap_or(behind),
        first => first,
    };
    // The cursor is synced before a segment is removed, so what is missing after it was lost.
    Ok(Start { at, expected: cursor.map_or(first, |cursor| first.min(cursor.sequence.saturating_add(1))) })
}

/// The number of the first record from a position on.
fn first_record(found: &[FoundSegment<'_>], at: Position) -> io::Result<Option<Sequence>> {
    for segment in found.iter().filter(|segment| segment.info.number >= at.segment) {
        let Segment { number, begin, end, .. } = segment.info;
        let from = if number == at.segment { at.offset.max(begin) } else { begin };
        // What was written again to a later segment is read there.
        let later = found.iter().filter(|later| later.info.number > number && later.info.first > 0);
        let again = later.map(|later| later.info.first).min().unwrap_or(Sequence::MAX);
        let mut scan = Scan::salvaging(segment.file()?, segment.salt, from);
        loop {
            match scan.next(end)? {
                Item::Frame { header, .. } | Item::BadPayload { header, .. }
                    if header.kind.is_record() && header.sequence < again =>
                {
                    return Ok(Some(header.sequence));
                }
                Item::End => break,
                _ => {}
            }
        }
    }
    Ok(None)
}

/// The number of the last record before a position in its segment.
fn record_before(found: &[FoundSegment<'_>], at: Position) -> io::Result<Option<Sequence>> {
    let Some(segment) = found.iter().find(|segment| segment.info.number == at.segment) else { return Ok(None) };
    let mut scan = Scan::salvaging(segment.file()?, segment.salt, segment.info.begin);
    let mut last = None;
    loop {
        match scan.next(at.offset.min(segment.info.end))? {
            Item::Frame { header, .. } | Item::BadPayload { header, .. } if header.kind.is_record() => {
                last = Some(header.sequence);
            }
            Item::End => return Ok(last),
            _ => {}
        }
    }
}
