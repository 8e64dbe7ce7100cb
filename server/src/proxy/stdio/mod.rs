//! The proxy over stdio: starts a server and relays its standard input and output.
//!
//! ```text
//!  client ─► input  ─► server's stdin      one thread for each direction, which reads, audits and writes: a message wakes
//!  client ◄─ output ◄─ server's stdout     only its receiver
//!                      server's stderr     is inherited from the proxy
//! ```
//!
//! Invariants:
//! 1. The proxy forwards bytes unchanged, in order and without delay. It waits only until the record of a request is written,
//!    unless the class of a call requires more. Injected trace context is written into requests, line by line.
//! 2. A call begins before the server can read the last byte of its request, and a call of the server before the client can. An
//!    answer ends its call once it is written, and before the proxy reads what the client sends because of it.
//! 3. If calls may be refused ([`Class`](auditrail::trail::Class), `authorize`), a line of the client is held until it is known
//!    whether all its calls may run, up to [`HELD_BYTES`]; a longer line is refused. The proxy answers a refused call between
//!    two lines of the server. If no call may be refused and trace context is injected, a line is held as well, and a longer
//!    one is forwarded unchanged.
//! 4. A panic of the audit is contained: bytes are forwarded unaudited from then on. If calls may be refused, the server sees
//!    the end of its input instead.
//! 5. When one side closes a stream, the other side sees the end without delay.
//! 6. The proxy exits after the server, with its exit code, once everything that the server wrote is relayed. By then, nothing
//!    of the server's process group is left.

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
