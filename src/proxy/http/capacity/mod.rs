//! How many connections a process has to clients and to servers, so that the journal can always open its files and the
//! shipper its connections.
//!
//! Invariants:
//! 1. There are never more than [`Connections::most`] connections of clients and a few on which clients are told that there is
//!    no room, and never more than that to servers. What is left of the limit of descriptors is the process's own.
//! 2. A connection on which an exchange goes on, an open event stream among them, is never closed for another one. Of the
//!    others those go first that never had an exchange, and of these the oldest.
//! 3. A request that comes on a connection that is being closed for another one is not relayed: its client sees the end of a
//!    connection on which nothing was answered.

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
