//! Where the reading of a stream goes on: what the cursor says, held against what is there.

use std::io;

use super::Sequence;
use super::cursor::Cursor;
use super::recover::Found;
use super::scan::{Item, Scan};
use super::state::{Position, Segment};

/// Where to read on: at the cursor, if what it says is what is there, and at the very beginning otherwise. `behind` is the
/// number behind all that is there.
pub(super) fn begin_at(found: &[Found], cursor: Option<Cursor>, behind: Sequence) -> io::Result<(Position, Sequence)> {
    let rest = |from: u64| found.iter().skip_while(move |segment| segment.info.number < from);
    if let Some(cursor) = cursor {
        let mut at = Position { segment: cursor.segment, offset: cursor.offset };
        if let Some(first) =
            rest(cursor.segment).next().filter(|first| first.info.number > cursor.segment || at.offset == 0)
        {
            at = Position { segment: first.info.number, offset: first.info.begin };
        }
        let (next, wanted) = (first_record(rest(at.segment), at)?.unwrap_or(behind), cursor.sequence.saturating_add(1));
        // What follows may be damaged; then the record before it tells.
        if next == wanted || next > wanted && record_before(found, at)? == Some(cursor.sequence) {
            // What it names may never have reached the disk: then on to what comes behind the last that did.
            let last = found.last().map_or(0, |last| last.info.number);
            if at.segment > last {
                at = Position { segment: last + 1, offset: 0 };
            }
            return Ok((at, cursor.sequence + 1));
        }
    }
    let Some(oldest) = found.first() else { return Ok((Position::default(), 1)) };
    let at = Position { segment: oldest.info.number, offset: oldest.info.begin };
    let first = match oldest.info.first {
        _ if oldest.info.number == 1 => 1,
        0 => first_record(found.iter(), at)?.unwrap_or(behind),
        first => first,
    };
    // The cursor is synced before a segment goes: what is missing behind it was lost.
    Ok((at, cursor.map_or(first, |cursor| first.min(cursor.sequence.saturating_add(1)))))
}

/// The number of the first record from a place on.
fn first_record<'a>(segments: impl Iterator<Item = &'a Found>, at: Position) -> io::Result<Option<Sequence>> {
    for segment in segments {
        let Segment { number, begin, end, .. } = segment.info;
        let from = if number == at.segment { at.offset.max(begin) } else { begin };
        let mut scan = Scan::new(segment.file.clone(), segment.salt, from);
        loop {
            match scan.next(end)? {
                Item::Frame { header, .. } | Item::BadPayload { header, .. } if header.kind.is_record() => {
                    return Ok(Some(header.sequence));
                }
                Item::End => break,
                _ => {}
            }
        }
    }
    Ok(None)
}

/// The number of the last record before a place in its segment.
fn record_before(found: &[Found], at: Position) -> io::Result<Option<Sequence>> {
    let Some(segment) = found.iter().find(|segment| segment.info.number == at.segment) else { return Ok(None) };
    let mut scan = Scan::new(segment.file.clone(), segment.salt, segment.info.begin);
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
