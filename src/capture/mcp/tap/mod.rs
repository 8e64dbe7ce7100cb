//! Taps on the two byte streams of an MCP connection whose messages are lines of JSON (stdio).
//!
//! [`Trail::serve_stdio`]: crate::Trail::serve_stdio
//!
//! Invariants:
//! 1. Bytes are forwarded unchanged, without delay, whatever the tap makes of them. A client that sends very much at a time is
//!    read in pieces, between which other tasks have a turn, and waits for the disk.
//! 2. A request begins before the server can read a byte behind it; an answer ends its call when the stream has taken its last
//!    byte. A stream that takes bytes before they are out reads them itself, once they are: an answer that its client never
//!    gets does not count ([`Trail::serve_stdio`]).
//! 3. A request of the server is known before the client's answer to it is read, although it is read only once it is written:
//!    writing and reading are one step, which the reading side waits for.
//! 4. A panic in the tap is contained: the tap stops reading that direction, and says so.

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
