//! Connections to servers.
//!
//! ```text
//!  Pool ─► idle ──────────┐
//!       └► connect (TLS) ─┴─► connection ─► response body ─► idle
//! ```
//!
//! Invariants:
//! 1. A connection has one user at a time and no task of its own: the reader of an answer drives it. Bytes are read without a
//!    switch of tasks, and many frames are written at a time.
//! 2. A connection whose answer is not read to its end is closed.
//! 3. A request is sent again only if not a byte of it was sent.
//! 4. The number of connections stays within [`Connections`](super::capacity::Connections): idle ones are closed for new ones.
//!
//! The proxy speaks HTTP/1.1 to servers, whatever clients speak. HTTP/2 limits the streams of a connection: a hundred event
//! streams would block every other call.

mod connect;
mod connection;
mod error;
mod idle;
mod pool;
mod response_body;
mod upload;

pub(crate) use self::error::{FailedRequest, UpstreamError, cause, is_late};
pub(crate) use self::pool::Pool;
pub(crate) use self::response_body::ServerBody;
