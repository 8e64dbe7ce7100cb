//! The client side: listens, accepts and serves connections, and shuts down.

mod accept;
mod coalesced_wakes;
mod connection;
mod first_byte_timeout;
mod health;
mod proxy;
mod router;

pub use self::proxy::{HttpProxy, serve};
