//! The OTLP receiver: ports, protocols and limits.
//!
//! # Guarantees
//!
//! 1. An export that is answered with success is held completely; one that is answered with an error is not held at
//!    all.
//! 2. The bytes of a record, of its resource and of its scope are those that were received: sliced, never encoded
//!    again.
//! 3. No input makes it panic or hold more than the limits allow: messages are limited before and after
//!    decompression, exports by the number of their records and spans and by how many are in progress.
//! 4. Permanent errors are answered with codes that OTLP clients do not retry, so that a sender does not repeat a bad
//!    export forever.
//! 5. It stops within its grace time, whatever its clients do.
//!
//! # Limits
//!
//! It has no TLS and no authentication: listen on loopback, or put a collector in front. While an export is decoded
//! it can take about 40 times its size if it was made for that (empty attributes), until it is counted and the oldest
//! records are dropped.

mod body;
mod builder;
mod error;
mod grpc;
mod http;
mod intake;
mod listen;
mod receiver;
mod request;
#[cfg(test)]
mod tests;

pub use self::builder::ReceiverBuilder;
pub use self::receiver::Receiver;
