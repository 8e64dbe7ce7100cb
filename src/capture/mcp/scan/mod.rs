//! Reads JSON-RPC messages from the wire as their bytes arrive, and keeps only a short
//! [`Message`](super::message::Message) of each.
//!
//! ```text
//!  bytes ─► Lines ──┐             ┌─► Syntax ─► Quoted, Number     the grammar of JSON
//!           Events ─┴─► Scanner ──┤      │
//!           (bodies)              │      ▼
//!                                 └─► Facts ──► Tools, Decimal      what is kept
//! ```
//!
//! There is no buffer of messages. A transport cuts the bytes anywhere, each piece is read once and given back, and only
//! this is carried over a cut:
//!
//! ```text
//!  piece 1                       ┊ piece 2                                ┊ piece 3
//!  {"id":7,"params":{"name":"wea ┊ ther","arguments":{"picture":"iVBORw0K ┊ GgoAAA=="}}}\n{"id":8,…
//!        ▲                   ▲▲▲   ▲▲▲▲                          ╰─────────────────╯    ▲
//!        kept: 7           kept: weather                         skipped, however long    end of the unit: the message
//!                                                                                         is emitted, the next unit begins
//!
//!  part       carried over a cut                        at most
//!  Lines      bytes that may begin a line end           2 bytes
//!  Unicode    an undecided or incomplete character      4 bytes
//!  Quoted     an incomplete character, half a pair      3 bytes and one UTF-16 unit
//!  Key        the key, if it may be a known one         40 bytes (`MAX_KEY`)
//!  Nesting    array or object, one bit per level        512 levels (`MAX_DEPTH`); deeper ones are skipped
//!  Facts      an id                                     256 bytes (`MAX_ID`), then a hash of the whole
//!             any other text                            16 KiB (`MAX_TEXT`), then cut
//!             one definition of a tool, for its digest  256 KiB (`MAX_TOOL`), then dropped
//!             arguments, a result, if they are wanted   64 KiB (`MAX_CONTENT`), then a digest that is running
//! ```
//!
//! Invariants:
//! 1. What is found depends neither on how the bytes are cut into pieces nor on the order of keys.
//! 2. The memory does not grow with the size of a message or the number of messages. The time grows only with the size.
//! 3. A unit has [`Flaw::NotJson`](super::message::Flaw) exactly if it is not one JSON document (RFC 8259), except that
//!    anything [too deep](super::message::Flaw::TooDeep) is skipped by its brackets. A lone surrogate escape (`"\ud800"`)
//!    is JSON. Input that is not JSON but that the parsers of common servers accept is read as they read it and marked with
//!    a doubt: invalid UTF-8 in strings, `NaN` and `Infinity`.
//! 4. Of duplicate keys the last counts, as for `JSON.parse`, Python's `json` and `serde_json::Value`, so that a record
//!    names the tool that the server runs. What other readers ([`Profile`]) run instead is a separate message. (Parsers
//!    that refuse such an object run nothing.)
//! 5. A unit that contains anything except whitespace gives one message. A batch gives one for each element, and one more
//!    for what is wrong with it. Each reader that sees another call adds one.
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
pub(crate) use self::framing::TextScanner;
#[cfg(any(feature = "tower", test))]
pub(crate) use self::scanner::Documents;
#[cfg(test)]
pub(crate) use self::scanner::Scanner;
#[cfg(feature = "internals")]
pub(super) use self::syntax::behind_whitespace;
#[cfg(feature = "internals")]
pub(super) use self::tokens::{KeyText, string};
