//! Writes the span of a call into the bytes of its request, as `params._meta.traceparent` (the MCP conventions for trace
//! context), so that the server goes on with the trace there.
//!
//! ```text
//!  {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"                                  }}
//!  {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","_meta":{"traceparent":"00-…-01"}}}
//! ```
//!
//! Invariants:
//! 1. Bytes go in and bytes come out; nothing here reads, writes, waits or knows of a call.
//! 2. Only that one member is added or changed, and what must be there around it is added (`params`, `_meta`); every other
//!    byte stays. A `tracestate` of another trace goes: it tells of the span that the `traceparent` beside it names, and
//!    whoever begins a trace anew deletes it (W3C Trace Context, processing model).
//! 3. Where readers may disagree on what is there, a message stays as it is: `params` or `_meta` is no object, or one of the
//!    keys on the way comes twice, or once more in other letters (some readers ignore case).
//! 4. What is looked at is JSON in plain UTF-8: the scanner has found no flaw in it, and no doubt. Of other bytes it may be anything, but never a panic.

mod edit;
mod joined;
mod object;
mod splices;
#[cfg(test)]
mod tests;

pub use self::joined::{CallerTrace, Joined};
pub use self::splices::{MOST_MESSAGES, Splices};
