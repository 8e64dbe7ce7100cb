//! MCP over HTTP: a tower layer that reads requests and responses as they pass.
//!
//! ```text
//! McpService ─ HttpExchange ─┬─ request body  ─ Tap ─ Reader ─┐
//!                            └─ response body ─ Tap ─ Reader ─┴─ messages ─► Exchange (correlate) ─► trail
//! ```
//!
//! The HTTP proxy uses the same layer around its relay.
//!
//! Request and response may overlap in any way: a server may answer from the head alone. They have one pair of records.
//!
//! The layer cannot see what the server does not read. Such a request is recorded by its head and the part of its body that was
//! read.

mod beside;
mod exchange;
mod reading;
mod server;
#[cfg(test)]
mod tests;
mod tower;

pub use self::beside::{HttpFuture, HttpLayer, HttpService};
pub use self::exchange::HttpRecording;
#[cfg(feature = "internals")]
pub use self::exchange::{Bypasses, HeldCalls, NotFromServer, Withheld};
#[cfg(feature = "internals")]
pub use self::server::HoldReasons;
pub use self::tower::{McpFuture, McpLayer, McpService, TapBody};
