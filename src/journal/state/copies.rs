//! Copies of what a commit makes durable. If the sync fails, the content of the disk is unknown, and the kernel may have
//! discarded the pages.
//!
//! The thread that commits reads them back from the segments just before the sync, so that an append copies its record only
//! once. Until the sync the system has the data in memory, whatever the disk returns later. What cannot be read is not
//! copied; it is lost only if the sync fails, too.

use std::cmp::Ordering;

use super::calls::Carried;
use super::commits::Unsynced;
use crate::journal::disk::File;
use crate::journal::format::{FrameHeader, Kind, Position, frame};
use crate::journal::numbers::CallNumber;

/// The frames after the durable part, in order.
#[derive(Debug, Default)]
pub(in crate::journal) struct Copies {
    bytes: Vec<u8>,
    parts: Vec<Part>,
    /// Everything up to here is in this copy.
    reached: Position,
    /// The calls that were carried into a segment that is not durable yet.
    carried: Vec<Carried>,
}

/// The frames of one segment.
#[derive(Debug)]
struct Part {
    salt: frame::Salt,
    length: usize,
}

impl Copies {
    /// Reads the part of a segment that is not here yet. `first_frame` is the offset of its first frame.
    pub(in crate::journal) fn read(&mut self, part: &Unsynced, first_frame: u64) {
        let Position { segment, offset } = self.reached;
        let from = match part.segment.cmp(&segment) {
            Ordering::Less => return,
            Ordering::Equal => part.from.max(offset),
            Ordering::Greater => part.from,
        };
        let from = from.max(first_frame);
        let length = usize::try_from(part.to.saturating_sub(from)).unwrap_or_default();
        let before = self.bytes.len();
        self.bytes.resize(before + length, 0);
        read_what_can_be_read(&*part.file, from, self.bytes.get_mut(before..).unwrap_or_default());
        self.parts.push(Part { salt: part.salt, length });
        self.reached = Position { segment: part.segment, offset: part.to };
    }

    /// Notes that everything here was written again, up to `reached`, together with these carried calls.
    pub(in crate::journal) fn are_written(&mut self, reached: Position, carried: Vec<Carried>) {
        self.reached = reached;
        self.carried = carried;
    }

    /// The request of a call that was carried into a segment whose sync failed.
    pub(in crate::journal) fn carried(&self, call: CallNumber) -> Option<Vec<u8>> {
        let is_it = |carried: &&Carried| carried.call == call && !carried.payload.is_empty();
        let kept = self.carried.iter().find(is_it).map(|carried| carried.payload.clone());
        let opens = |header: &FrameHeader| header.kind.opens() && header.call == call.0;
        kept.or_else(|| self.all().find(|(header, _)| opens(header)).map(|(_, payload)| payload.to_vec()))
    }

    /// Headers and payloads of all sound frames except carried ones, which are copied separately.
    pub(in crate::journal) fn frames(&self) -> impl Iterator<Item = (FrameHeader, &[u8])> {
        self.all().filter(|(header, _)| header.kind != Kind::Carried)
    }

    fn all(&self) -> impl Iterator<Item = (FrameHeader, &[u8])> {
        let mut rest = self.bytes.as_slice();
        let parts = self.parts.iter().map(move |part| {
            let (bytes, behind) = rest.split_at_checked(part.length).unwrap_or((rest, &[]));
            rest = behind;
            frame::walk(part.salt, bytes)
        });
        parts.flatten()
    }

    pub(in crate::journal) fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
        self.carried.clear();
        self.reached = Position::default();
        if self.bytes.capacity() > KEPT {
            // A burst does not keep memory for ever.
            self.bytes = Vec::new();
        }
    }
}

/// Reads in pieces, so that a writer of the same file waits only a short time. What cannot be read stays zero.
fn read_what_can_be_read(file: &dyn File, from: u64, bytes: &mut [u8]) {
    let mut failed = 0;
    for (piece, offset) in bytes.chunks_mut(PIECE).zip((from..).step_by(PIECE)) {
        // A disk that does not answer may take half a minute for each piece.
        if failed < MOST_FAILED && file.read_at(offset, piece).or_else(|_| file.read_at(offset, piece)).is_err() {
            piece.fill(0);
            failed += 1;
        }
    }
}

const PIECE: usize = 256 * 1024;
const MOST_FAILED: usize = 4;
/// How much memory is kept after a burst.
const KEPT: usize = 4 << 20;
