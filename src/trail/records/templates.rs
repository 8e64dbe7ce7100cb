//! Templates: bytes that many records share, encoded once, into which only ids are copied.

use std::sync::LazyLock;

use crate::record::{Attributes, Detail, Encoder, EventName, Outcome, RecordId, Status, names};

/// Bytes with places for the texts of ids.
#[derive(Debug)]
pub(in crate::trail) struct Template<const IDS: usize> {
    bytes: Vec<u8>,
    /// Where the texts begin, in the order in which they stand.
    places: [usize; IDS],
}

/// The beginning of a moment, behind its time: severity, body, and what tells what it is.
pub(in crate::trail) fn moment(event: EventName, outcome: &Outcome) -> Option<&'static Template<1>> {
    static MOMENTS: LazyLock<Vec<[Template<1>; 4]>> = LazyLock::new(|| {
        let of = |event: EventName| {
            OUTCOMES.map(|(status, detail)| {
                let outcome = Outcome { detail, ..Outcome::status(status) };
                Template::new(|buffer| {
                    let mut encoder = Encoder::new(buffer, 0, &outcome.severity());
                    let ending = outcome.detail.map_or(outcome.status.as_str(), Detail::as_str);
                    encoder.body_parts(&[short(event), ": ", ending]);
                    identity(&mut encoder, event);
                })
            })
        };
        EventName::ALL.iter().copied().map(of).collect()
    });
    let index = match (outcome.status, outcome.detail) {
        (Status::Success, _) => 0,
        (Status::Unknown, _) => 1,
        (Status::Failure, Some(Detail::Denied)) => 2,
        (Status::Failure, _) => 3,
    };
    MOMENTS.get(event as usize)?.get(index)
}

/// All outcomes that a severity and a body tell apart.
const OUTCOMES: [(Status, Option<Detail>); 4] = [
    (Status::Success, None),
    (Status::Unknown, None),
    (Status::Failure, Some(Detail::Denied)),
    (Status::Failure, None),
];

/// What tells what a half of a call is, and of which call.
pub(in crate::trail) fn half(event: EventName, phase: Phase) -> Option<&'static Template<2>> {
    static HALVES: LazyLock<Vec<[Template<2>; 2]>> = LazyLock::new(|| {
        let of = |event: EventName| {
            ["request", "response"].map(|phase| {
                Template::new(|buffer| {
                    let mut encoder = Encoder::continued(buffer);
                    identity(&mut encoder, event);
                    encoder.text(names::AUDITRAIL_PHASE, phase);
                    encoder.text(names::AUDITRAIL_CALL_ID, RecordId::NIL.encode(&mut [0; 36]));
                })
            })
        };
        EventName::ALL.iter().copied().map(of).collect()
    });
    HALVES.get(event as usize)?.get(phase as usize)
}

/// Which half of a call.
#[derive(Debug, Clone, Copy)]
pub(in crate::trail) enum Phase {
    Request,
    Response,
}

fn identity(encoder: &mut Encoder<'_>, event: EventName) {
    encoder.text(names::AUDIT_RECORD_ID, RecordId::NIL.encode(&mut [0; 36]));
    let mut same = Attributes::default();
    same.set(names::AUDITRAIL_EVENT, event.as_str());
    same.set(names::AUDIT_SCHEMA_VERSION, names::SCHEMA_VERSION);
    encoder.attributes(&same);
}

impl<const IDS: usize> Template<IDS> {
    /// Encodes what has nil ids in its places.
    fn new(encode: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = Vec::new();
        encode(&mut bytes);
        let mut nil = [0; 36];
        let nil = RecordId::NIL.encode(&mut nil).as_bytes();
        let mut found = (0..bytes.len()).filter(|start| bytes.get(*start..).is_some_and(|rest| rest.starts_with(nil)));
        let places = std::array::from_fn(|_| found.next().unwrap_or_default());
        drop(found);
        Self { bytes, places }
    }

    #[inline]
    pub(in crate::trail) fn write(&self, encoder: &mut Encoder<'_>, ids: [&[u8; 36]; IDS]) {
        encoder.prepared(&self.bytes, self.places.iter().copied().zip(ids));
    }
}

/// The name of an event without the prefix that all have.
pub(super) fn short(event: EventName) -> &'static str {
    let name = event.as_str();
    name.strip_prefix("auditrail.").unwrap_or(name)
}
