//! What a caller asks of the journal with a record, and what it gets for it.

use std::time::Duration;

use super::numbers::CallNumber;
use crate::journal::format::{HEADER, Kind};

/// How a record is appended.
#[derive(Debug, Clone, Copy)]
pub struct Append {
    /// The kind of the frame.
    pub kind: Kind,
    /// The call that a response closes, that a request record was an intent of, or whose intent is withdrawn, if there is one.
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

    /// The request record of a call that has an intent, which stays open until its response.
    #[must_use]
    pub const fn request_of(intent: CallNumber) -> Self {
        Self { call: Some(intent), ..Self::REQUEST }
    }

    /// An intent: a request record that is needed only if nothing settles it. Fill its frame with
    /// `encode_intent`.
    pub const INTENT: Self = Self { kind: Kind::Intent, ..Self::MOMENT };

    /// The end of a call that leaves no record: its intent is not needed any more. Its frame has the payload
    /// `WITHDRAWN`.
    #[must_use]
    pub const fn withdrawal(intent: CallNumber) -> Self {
        Self { call: Some(intent), ..Self::INTENT }
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

/// Like [`encode_frame`], for an intent: the mark comes behind the record, so that recovery finds the record as it was encoded.
pub(crate) fn encode_intent(buffer: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    encode_frame(buffer, encode);
    buffer.extend_from_slice(INTENT_MARK);
}

/// The request record in the payload of an intent, or of a copy of one; `None` for any other payload.
pub(crate) fn intended(payload: &[u8]) -> Option<&[u8]> {
    payload.strip_suffix(INTENT_MARK)
}

/// What comes behind the record in the payload of an intent: the attribute `auditrail.intent` with the value true, encoded. It
/// tells the copy of an intent from that of a request.
const INTENT_MARK: &[u8] = b"\x32\x16\x0a\x10auditrail.intent\x12\x02\x10\x01";
/// The payload of an intent that withdraws the one with its call number.
pub(crate) const WITHDRAWN: &[u8] = &[0];

/// Length and checksum of the record in a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    pub(super) length: usize,
    pub(super) payload_crc: u32,
}
