//! Audits an MCP server in any language, from between its client and it.
//!
//! ```text
//!  client ◄──bytes──► proxy ◄──bytes──► server
//!                       │ copies
//!                       ▼
//!          capture::mcp: scan ──► correlate ──► begin and end on the trail
//! ```
//!
//! Invariants:
//! 1. Bytes pass as they are, in order, whatever they are and whatever the audit makes of them. Where the operator asks for
//!    it, and only there, requests say that their parent is the span of their call (`docs/proxy.md`, Traces), and have the
//!    server's own `Host`, a base path, and what tells of their way.
//! 2. Only a call of a class that may not go unrecorded is ever held back or refused; then the proxy answers in the place
//!    of the server, with the codes of [`Refused`](crate::trail::Refused). Over HTTP it also answers where no server does,
//!    and refuses what is for another host where the server cannot see that any more.
//! 3. A failure of the audit side (a panic, a full or broken disk, a collector that is away) ends no relay, but where the
//!    second invariant wants it.

pub mod http;
mod refusal;
pub mod stdio;
mod unjoined;
