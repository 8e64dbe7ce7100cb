//! Copies of what a commit makes durable: if its sync fails, nobody knows what the disk has of it, and the kernel may have
//! forgotten it.
//!
//! They are read back from the segments just before the sync, by the thread that commits, so that the caller who appends a
//! record copies it once. Whatever the disk says of it later, until then the system has it in memory.

use std::io;

use super::frame::{self, FrameHeader, Kind};
use super::state::{Position, Unsynced};

/// The frames behind what is durable, in their order.
#[derive(Debug, Default)]
pub(super) struct Copies {
    bytes: Vec<u8>,
    parts: Vec<Part>,
    /// Up to where everything is here.
    reached: Position,
}

/// What is from one segment.
#[derive(Debug)]
struct Part {
    salt: frame::Salt,
    length: usize,
}

impl Copies {
    /// Reads what is not here yet of a part of a segment, whose first frame begins there.
    pub(super) fn read(&mut self, part: &Unsynced, first_frame: u64) -> io::Result<()> {
        let Position { segment, offset } = self.reached;
        let from = match part.segment.cmp(&segment) {
            std::cmp::Ordering::Less => return Ok(()),
            std::cmp::Ordering::Equal => part.from.max(offset),
            std::cmp::Ordering::Greater => part.from,
        };
        let from = from.max(first_frame);
        let length = usize::try_from(part.to.saturating_sub(from)).map_err(io::Error::other)?;
        let before = self.bytes.len();
        self.bytes.resize(before + length, 0);
        let read = part.file.read_at(from, self.bytes.get_mut(before..).unwrap_or_default());
        // A segment that was cut has lost its end.
        self.bytes.truncate(before + read.as_ref().map_or(0, |read| *read));
        self.parts.push(Part { salt: part.salt, length: read? });
        self.reached = Position { segment: part.segment, offset: part.to };
        Ok(())
    }

    /// Headers and payloads of the frames that are sound, but for those that were carried: there are others like them.
    pub(super) fn frames(&self) -> impl Iterator<Item = (FrameHeader, &[u8])> {
        let mut rest = self.bytes.as_slice();
        let parts = self.parts.iter().map(move |part| {
            let (bytes, behind) = rest.split_at_checked(part.length).unwrap_or((rest, &[]));
            rest = behind;
            frame::walk(part.salt, bytes)
        });
        parts.flatten().filter(|(header, _)| header.kind != Kind::Carried)
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
        self.reached = Position::default();
        if self.bytes.capacity() > KEPT {
            // A burst is not paid for with memory for ever.
            self.bytes = Vec::new();
        }
    }
}

/// What is kept of the memory after a burst.
const KEPT: usize = 4 << 20;
