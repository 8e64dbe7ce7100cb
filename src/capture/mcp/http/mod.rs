//! MCP over HTTP: a tower layer that looks at requests and responses as they pass.
//!
//! ```text
//! McpService ─ HttpExchange ─┬─ request body  ─ Tap ─ Reader ─┐
//!                       └─ response body ─ Tap ─ Reader ─┴─ messages ─► Exchange (correlate) ─► trail
//! ```
//!
//! A reverse proxy that relays bodies is served by the same layer: it is a service whose answer comes from elsewhere.
//!
//! Request and response pass in any order: a server may answer from the head. Their records are one pair.
//!
//! What it cannot see: what the server does not read. Such a request is told by its head, and by as much of its body as has
//! passed.

mod exchange;
mod reading;
mod server;
#[cfg(test)]
mod tests;
mod tower;

#[cfg(feature = "proxy")]
pub(crate) use self::exchange::{Bypasses, HeldCalls, NotFromServer, Withheld};
pub use self::exchange::{HttpRecording, PeerAddr};
#[cfg(feature = "proxy")]
pub(crate) use self::server::HoldReasons;
pub use self::tower::{McpFuture, McpLayer, McpService, TapBody};
