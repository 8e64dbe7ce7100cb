//! Runs an audited proxy in front of any MCP server.
//!
//! ```text
//!  client ◄──bytes──► proxy ◄──bytes──► server
//!                       │ copies
//!                       ▼
//!          capture::mcp: scan ──► correlate ──► begin and end on the trail
//! ```
//!
//! Invariants:
//! 1. The proxy forwards every byte unchanged and in order, whatever the audit makes of it. Only if the operator asks for it,
//!    requests name the span of their call as their parent (`docs/proxy.md`, Traces), and get the server's own `Host`, a base
//!    path, and `Forwarded`.
//! 2. Only a call whose class does not allow it to go unrecorded is held back or refused; the proxy then answers in the place
//!    of the server, with the codes of [`Refused`](auditrail::trail::Refused). Over HTTP it also answers if no server does, and
//!    refuses requests for another host if the server cannot see the `Host` any more.
//! 3. A failure of the audit (a panic, a full or broken disk, an unreachable collector) does not end the relay, except where
//!    the second invariant requires it.

pub mod http;
mod refusal;
pub mod stdio;
mod unjoined;
