//! Taps on the two byte streams of an MCP connection whose messages are lines of JSON (stdio).
//!
//! [`Trail::serve_stdio`]: crate::Trail::serve_stdio
//!
//! Invariants:
//! 1. Bytes are forwarded unchanged and without delay, whatever the tap reads in them. If a client sends very much at
//!    a time, it is read in pieces with turns for other tasks in between, and waits for the disk.
//! 2. A request begins before the server can read a byte after it; an answer ends its call when the stream has
//!    accepted its last byte. A stream that accepts bytes before they are written reads them itself, once they are:
//!    an answer that its client never gets does not count ([`Trail::serve_stdio`]).
//! 3. A request of the server is known before the client's answer to it is read, although it is read only once it is
//!    written: writing and reading are one step, which the reading side waits for.
//! 4. A panic in the tap is contained: the tap stops reading that direction, and reports it.

mod close;
mod direction;
mod paced;
mod read;
mod streams;
mod write;

#[cfg(any(feature = "internals", feature = "rmcp"))]
pub use self::direction::DirectionReader;
pub use self::read::TapRead;
pub use self::streams::Tap;
pub use self::write::TapWrite;
