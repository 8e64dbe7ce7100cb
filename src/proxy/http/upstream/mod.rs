//! The way to servers.
//!
//! ```text
//!  Pool ─► idle ──────────┐
//!       └► connect (TLS) ─┴─► channel ─► body ─► idle
//! ```
//!
//! Invariants:
//! 1. A connection has one user at a time, and no task of its own: whoever waits for an answer, or reads it, drives the
//!    connection. So what has come is read without a change of tasks, and many frames of it go on by one write.
//! 2. A connection whose answer nobody reads to its end is closed.
//! 3. A request is sent again only if not a byte of it was sent.
//! 4. There are no more connections than [`Connections`] says: idle ones are closed for new ones.
//!
//! It speaks HTTP/1.1 to servers, whatever clients speak. On one connection of HTTP/2 the streams are limited: a hundred
//! event streams would make every other call wait without an end.

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
