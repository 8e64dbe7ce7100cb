//! A server that is started by the proxy, and spoken to over its standard input and output.
//!
//! ```text
//!  client ─► input  ─► server's stdin      a thread each, which reads, hears and writes in turn: nobody is waked up for a
//!  client ◄─ output ◄─ server's stdout     message but who gets it
//!                      server's stderr     is the proxy's own
//! ```
//!
//! Invariants:
//! 1. Bytes are written as they were read, in order, when they are there. Only the audit's copy is looked at, and where no
//!    class wants more, nothing of it is waited for but that the request's record is written. Where trace context is
//!    injected, requests are written with it, line by line.
//! 2. A request is begun before the last byte of it can be read by the server; what the server asks, before the last byte of
//!    that can be read by the client. An answer ends its call once it is written, and before what the client says because of
//!    it is heard.
//! 3. Where calls may be refused ([`Class`](crate::trail::Class), `authorize`), a line of the client is held until it is
//!    known whether all calls in it may run, up to [`HELD_BYTES`]; a longer one is refused. A refused call is answered by the
//!    proxy, between two lines of the server. Where trace context is injected and no call may be refused, a line is held,
//!    too, but a longer one passes as it is.
//! 4. A panic of the audit is contained: bytes pass unheard from then on. Where calls may be refused, the server sees the end
//!    of its input instead.
//! 5. An end that one side makes is the end that the other side sees, at once.
//! 6. The proxy ends when the server has ended, with its exit code, when everything that the server wrote was relayed. Nothing
//!    of the server's process group is left then.

mod child;
mod error;
mod fd;
mod hold;
mod input;
mod launch;
mod output;
mod proxy;
mod refuse;
mod shutdown;
mod signals;
mod streams;
mod threads;

pub use self::error::StdioError;
pub use self::launch::launch;
pub use self::proxy::{HELD_BYTES, StdioProxy};
pub use self::streams::Streams;
