//! Reads JSON-RPC messages off the wire as their bytes come by, and keeps of each no more than a [`Message`](super::message::Message).
//!
//! ```text
//!  bytes ─► Lines ──┐             ┌─► Syntax ─► Quoted, Number     what JSON is
//!           Events ─┴─► Scanner ──┤      │
//!           (bodies)              │      ▼
//!                                 └─► Facts ──► Tools, Decimal      what an audit keeps of it
//! ```
//!
//! Invariants:
//! 1. What is found does not depend on how the bytes are cut into pieces, nor on the order of keys.
//! 2. The memory that is held does not grow with the size of a message or the number of messages, and the time grows with
//!    the size alone.
//! 3. [`Flaw::NotJson`](super::message::Flaw) is told of a unit exactly if it is not one JSON document (RFC 8259), except that what is
//!    [`Flaw::TooDeep`](super::message::Flaw) is passed over by its brackets. A lone surrogate escape (`"\ud800"`) is JSON. What is not, and is read by the parsers
//!    of usual servers, is read as they do, and told as a doubt: bytes in strings that are no UTF-8, `NaN` and `Infinity`.
//! 4. Of a key that comes twice the last counts, as for `JSON.parse`, Python's `json` and `serde_json::Value`, so that an
//!    audit does not name another tool than the one that the server runs. What other readers ([`Profile`]) run in its place
//!    is a message of its own. (Parsers that refuse such an object do not run anything.)
//! 5. A unit in which there is anything but whitespace gives one message; a batch gives one for each element, and one
//!    more for what is wrong with it; and one for each reader that sees another call in its place.
//!
//! [`Profile`]: crate::capture::mcp::profile::Profile

mod facts;
mod framing;
mod process_hasher;
#[cfg(any(test, fuzzing))]
pub(super) mod reference;
mod scanner;
mod syntax;
#[cfg(test)]
mod tests;
mod tokens;

#[cfg(any(feature = "tower", test))]
pub(crate) use self::framing::Events;
pub(crate) use self::framing::Lines;
#[cfg(feature = "tower")]
pub(crate) use self::framing::Texts;
#[cfg(any(feature = "tower", test))]
pub(crate) use self::scanner::Documents;
#[cfg(test)]
pub(crate) use self::scanner::Scanner;
#[cfg(feature = "internals")]
pub(super) use self::syntax::behind_whitespace;
#[cfg(feature = "internals")]
pub(super) use self::tokens::{Key, string};
