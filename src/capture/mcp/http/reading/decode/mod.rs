//! The copy of a body that is read, without its content coding.
//!
//! Invariants:
//! 1. What can be decoded of the bytes that have come is decoded now: an event that a server has flushed is seen when it
//!    passes, not when more follows.
//! 2. Memory is bounded whatever a body expands to, and so is the work: [`Undecodable::Expands`](self::layer::Undecodable) beyond the limit, which is
//!    that of each coding where there are several.
//!
//! zstd is read by the C library: the decoders that are written in Rust keep back a whole window of what they have decoded, so
//! the events of a stream would be seen late or, if the client goes away, not at all.

mod decoder;
mod layer;
mod piece;
#[cfg(test)]
mod tests;

pub(super) use self::decoder::Decoder;
pub(super) use self::layer::Undecodable;
