//! Which keys count for which reader. Only the keys of the message and of `params` decide what is run, so readers are
//! distinguished only there.

use super::location::{Location, Slot};
use crate::capture::mcp::profile::Profile;

/// How a reader matches keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyRule {
    /// By the exact key; of duplicates the last counts: `JSON.parse`, Python, `serde_json::Value`.
    Last,
    /// By the exact key; of duplicates the first counts.
    First,
    /// By simple case folding (Unicode, `CaseFolding.txt`), into a struct: the last value that is not `null` counts,
    /// and a second object is merged into the first. As `encoding/json` of Go.
    Folded,
}

/// Why readers may treat a key differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyDoubt {
    /// It occurred before.
    Again,
    /// It matches a known key only in another letter case.
    Folded,
}

impl KeyRule {
    /// The profile of the reader, if it is not that of most readers.
    pub(crate) fn profile(self) -> Option<Profile> {
        match self {
            Self::Last => None,
            Self::First => Some(Profile::Simdjson),
            Self::Folded => Some(Profile::GoJson),
        }
    }

    /// The meaning of the value after a key.
    pub(crate) fn member(self, place: Location, key: &[u8]) -> Slot {
        match (place.member(key), self) {
            (Slot::Nothing, Self::Folded) => folded(place, key),
            (slot, _) => slot,
        }
    }
}

/// The meaning that the value after a key has for a reader that ignores letter case.
pub(crate) fn folded(place: Location, key: &[u8]) -> Slot {
    if !matches!(place, Location::Message | Location::Params) {
        return Slot::Nothing;
    }
    let (mut letters, mut length, mut rest) = ([0; LONGEST], 0, key);
    while let Some((letter, behind)) = lower(rest) {
        let Some(to) = letters.get_mut(length) else { return Slot::Nothing };
        (*to, rest) = (letter, behind);
        length += 1;
    }
    let key: &[u8] = match letters.get(..length).unwrap_or_default() {
        b"taskid" => b"taskId",
        b"requestid" => b"requestId",
        b"requeststate" => b"requestState",
        b"protocolversion" => b"protocolVersion",
        b"clientinfo" => b"clientInfo",
        key => key,
    };
    place.member(key)
}

/// The next letter in lower case, and the rest. In addition to ASCII letters, two other characters fold to letters of
/// known keys.
fn lower(key: &[u8]) -> Option<(u8, &[u8])> {
    match key {
        // U+017F, the long s.
        [0xc5, 0xbf, rest @ ..] => Some((b's', rest)),
        // U+212A, the kelvin sign.
        [0xe2, 0x84, 0xaa, rest @ ..] => Some((b'k', rest)),
        [letter, rest @ ..] => Some((letter.to_ascii_lowercase(), rest)),
        [] => None,
    }
}

/// The longest key that decides anything is `protocolVersion`.
const LONGEST: usize = 16;
