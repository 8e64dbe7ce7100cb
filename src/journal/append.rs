//! What is appended, and what is said of it when the journal took it.

use std::time::Duration;

use super::numbers::CallNumber;
use crate::journal::format::Kind;

/// What is appended.
#[derive(Debug, Clone, Copy)]
pub struct Append {
    /// The kind of the frame.
    pub kind: Kind,
    /// The call that a response closes.
    pub call: Option<CallNumber>,
    /// Which room it may use.
    pub room: Room,
    /// How long it waits for a disk that stands still, counted from when that was first seen.
    pub patience: Duration,
    /// Another thread stores it, so that this one waits no longer than that even if the store itself waits in the kernel.
    pub handed: bool,
}

impl Append {
    /// A record that stands alone.
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

    /// With that patience.
    #[must_use]
    pub const fn within(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// With that room.
    #[must_use]
    pub const fn with_room(self, room: Room) -> Self {
        Self { room, ..self }
    }
}

/// Which room a record may use, where the room is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// What nobody else was promised.
    Free,
    /// What was promised to it when its call was admitted, in bytes; and what is free.
    Admitted(u64),
    /// All there is: records that tell of trouble.
    All,
}

/// The journal took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The sequence number of the record; 0 for an intent.
    pub sequence: u64,
    /// Frames so far, this one included: what a commit has to reach.
    pub frames: u64,
    /// The call that a request or an intent has opened.
    pub call: Option<CallNumber>,
}

/// Of the record in a frame: its bytes and their checksum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    pub(super) length: usize,
    pub(super) payload_crc: u32,
}
