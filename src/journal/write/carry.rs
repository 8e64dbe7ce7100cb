//! Reads the requests of open calls, which are carried from segment to segment.

use crate::journal::format::{FrameHeader, HEADER, ReadHeader};
use crate::journal::numbers::CallNumber;
use crate::journal::state::{Active, Carried, Extent, State};

/// Where the requests of open calls are in the active segment.
pub(in crate::journal) struct OpenRequests {
    active: Active,
    calls: Vec<(CallNumber, Extent)>,
}

impl State {
    pub(in crate::journal) fn open_requests(&self) -> OpenRequests {
        OpenRequests { active: self.segments.active.clone(), calls: self.calls.iter().collect() }
    }
}

impl OpenRequests {
    /// Reads the wanted requests. If one cannot be read here, a failed sync may have dropped it: then it is durable in an
    /// earlier segment, or a commit has a copy of it.
    pub(in crate::journal) fn read(self, wanted: impl Fn(CallNumber) -> bool) -> Vec<Carried> {
        let calls = self.calls.into_iter().filter(|(call, _)| wanted(*call));
        let read = |(call, place)| Carried { call, payload: payload_at(&self.active, call, place).unwrap_or_default() };
        calls.map(read).collect()
    }
}

/// The payload of a call's request frame in the segment that this process writes.
fn payload_at(active: &Active, call: CallNumber, place: Extent) -> Option<Vec<u8>> {
    let mut frame = vec![0; usize::try_from(place.size).ok()?];
    // A second attempt, because otherwise the call would be forgotten.
    let mut read = || active.file.read_at(place.offset, &mut frame);
    let whole = read().or_else(|_| read()).ok()? as u64 == place.size;
    let ReadHeader::Frame(header) = FrameHeader::read(active.salt, &frame) else { return None };
    let payload = frame.get(HEADER..HEADER + header.length)?;
    let sound = whole && header.call == call.0 && header.kind.opens() && crc32fast::hash(payload) == header.payload_crc;
    sound.then(|| payload.to_vec())
}
