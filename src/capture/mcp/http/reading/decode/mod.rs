//! Decodes the copy of a body that is read.
//!
//! Invariants:
//! 1. Everything that can be decoded of the received bytes is decoded immediately: an event that a server has flushed
//!    is seen when it passes, not when more follows.
//! 2. Memory and work are bounded whatever a body expands to: beyond the limit, which applies to each coding, the
//!    result is [`Undecodable::Expands`](self::layer::Undecodable).
//!
//! The C library reads zstd: decoders in Rust hold back a whole window of decoded data, so the events of a stream
//! would be seen late or, if the client disconnects, not at all.

mod decoder;
mod layer;
mod piece;
#[cfg(test)]
mod tests;

pub(super) use self::decoder::Decoder;
pub(super) use self::layer::Undecodable;
