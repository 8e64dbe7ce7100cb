//! Which keys count for whom. Only those of the message and of `params` decide what is run, so only there readers are told
//! apart.

use super::location::{Location, Slot};
use crate::capture::mcp::profile::Profile;

/// What a reader takes for a key that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyRule {
    /// The key as it is. Of two the last counts: `JSON.parse`, Python, `serde_json::Value`.
    Last,
    /// The key as it is. Of two the first counts.
    First,
    /// Any key that is the same under simple case folding (Unicode, `CaseFolding.txt`), into a struct: the last that is no
    /// `null` counts, and a second object adds to the first. As `encoding/json` of Go does.
    Folded,
}

/// Why a key may be read in more than one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyDoubt {
    /// It came before.
    Again,
    /// It is one that is looked for in other letters only.
    Folded,
}

impl KeyRule {
    /// Whose rule it is, if that is not most readers'.
    pub(crate) fn profile(self) -> Option<Profile> {
        match self {
            Self::Last => None,
            Self::First => Some(Profile::Simdjson),
            Self::Folded => Some(Profile::GoJson),
        }
    }

    /// What the value behind a key is for.
    pub(crate) fn member(self, place: Location, key: &[u8]) -> Slot {
        match (place.member(key), self) {
            (Slot::Nothing, Self::Folded) => folded(place, key),
            (slot, _) => slot,
        }
    }
}

/// What the value behind a key would be for that counts in any letters.
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

/// The next letter, and what is behind it. Beside the letters of ASCII, two others fold to some of these.
fn lower(key: &[u8]) -> Option<(u8, &[u8])> {
    match key {
        // U+017F, the long s.
        [0xc5, 0xbf, rest @ ..] => Some((b's', rest)),
        // U+212A, the sign for kelvin.
        [0xe2, 0x84, 0xaa, rest @ ..] => Some((b'k', rest)),
        [letter, rest @ ..] => Some((letter.to_ascii_lowercase(), rest)),
        [] => None,
    }
}

/// The longest key that decides anything is `protocolVersion`.
const LONGEST: usize = 16;
