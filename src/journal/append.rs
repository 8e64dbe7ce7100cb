//! What a caller asks of the journal with a record, and what it gets for it.

use std::time::Duration;

use super::numbers::CallNumber;
use crate::journal::format::{HEADER, Kind};

/// How a record is appended.
#[derive(Debug, Clone, Copy)]
pub struct Append {
    /// The kind of the frame.
    pub kind: Kind,
    /// The call that a response closes, if there is one.
    pub call: Option<CallNumber>,
    /// Which room the record may use.
    pub room: Room,
    /// How long the caller waits for a stalled disk, counted from when this was first noticed.
    pub patience: Duration,
    /// Whether the writer thread stores the record. The caller then waits no longer than its patience, even if the store
    /// itself blocks in the kernel.
    pub handed: bool,
}

impl Append {
    /// A record that belongs to no call.
    pub const MOMENT: Self =
        Self { kind: Kind::Moment, call: None, room: Room::Free, patience: Duration::MAX, handed: false };
    /// A request record.
    pub const REQUEST: Self = Self { kind: Kind::Request, ..Self::MOMENT };
    /// An alarm or a gap record.
    pub const ALARM: Self = Self { room: Room::All, ..Self::MOMENT };

    /// A response record.
    #[must_use]
    pub const fn response(call: Option<CallNumber>) -> Self {
        Self { kind: Kind::Response, call, ..Self::MOMENT }
    }

    /// Limits how long the append waits for a stalled disk.
    #[must_use]
    pub const fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Sets which room the record may use.
    #[must_use]
    pub const fn with_room(self, room: Room) -> Self {
        Self { room, ..self }
    }
}

/// Which room a record may use when the journal is nearly full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Only room that is not reserved.
    Free,
    /// The room that was reserved when the call was admitted, in bytes, and room that is not reserved.
    Admitted(u64),
    /// All room, for records that report trouble.
    All,
}

/// Confirms that the journal has accepted a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The sequence number of the record; 0 for an intent.
    pub sequence: u64,
    /// The number of frames so far, including this one: a commit has to reach it.
    pub frames: u64,
    /// The call that the request or intent has opened.
    pub call: Option<CallNumber>,
}

/// Fills a buffer for [`Journal::append`](super::Journal::append): room for the header of the frame, and then the record that
/// `encode` writes behind it. What the buffer held before is discarded, and its memory is used again.
pub(crate) fn encode_frame(buffer: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    buffer.clear();
    buffer.resize(HEADER, 0);
    encode(buffer);
}

/// Length and checksum of the record in a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    pub(super) length: usize,
    pub(super) payload_crc: u32,
}
