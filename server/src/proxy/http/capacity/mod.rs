//! Limits the connections to clients and to servers, so that the journal can always open its files and the shipper its
//! connections.
//!
//! Invariants:
//! 1. There are at most [`Connections::most`] connections of clients, plus a few on which clients are told that the limit is
//!    reached, and at most [`Connections::most`] to servers. The process keeps the rest of its descriptors.
//! 2. A connection with an exchange, which includes an open event stream, is never closed for another one. Of the others, those
//!    without any exchange so far are closed first, the oldest of them before the others.
//! 3. A request on a connection that is being closed is not relayed: the client sees the connection end without an answer.

mod client;
mod connections;
mod descriptors;
mod guarded_body;
mod shared;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use self::client::{ClientHandle, ExchangeStart, OverCapacity};
pub use self::connections::Connections;
pub(crate) use self::connections::{ClientSlot, ServerSlot};
pub(crate) use self::descriptors::{MORE_ROOM, max_connections};
pub(crate) use self::guarded_body::GuardedBody;
