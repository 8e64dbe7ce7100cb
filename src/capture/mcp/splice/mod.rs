//! Writes the span of a call into the bytes of its request, as `params._meta.traceparent` (the MCP conventions for
//! trace context), so that the server continues the trace.
//!
//! ```text
//!  {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"                                  }}
//!  {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","_meta":{"traceparent":"00-…-01"}}}
//! ```
//!
//! Invariants:
//! 1. Bytes go in and bytes come out; nothing here does I/O, waits or knows calls.
//! 2. Only that one member is added or changed, and what it needs around it is added (`params`, `_meta`); every other
//!    byte stays. A `tracestate` of another trace is removed: it describes the span that its `traceparent` names, and
//!    starting a new trace means deleting it (W3C Trace Context, processing model).
//! 3. If readers may disagree on the content, a message stays unchanged: `params` or `_meta` is not an object, or one
//!    of the keys on the path occurs twice, or again in another letter case (which some readers ignore).
//! 4. The input is JSON in plain UTF-8: the scanner has found no flaw in it, and no doubt. For other bytes the result
//!    is unspecified, but never a panic.

mod edit;
mod injected_trace;
mod object;
mod splices;
#[cfg(test)]
mod tests;

pub use self::injected_trace::{CallerTrace, InjectedTrace};
pub use self::splices::{MOST_MESSAGES, Splices};
