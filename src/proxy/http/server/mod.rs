//! The side of the clients: listens, accepts connections, serves them, and ends.

mod accept;
mod coalesced_wakes;
mod connection;
mod first_byte_timeout;
mod health;
mod proxy;
mod router;

pub use self::proxy::{HttpProxy, serve};
