//! MCP over HTTP: a tower layer that looks at requests and responses as they pass.
//!
//! ```text
//! McpService ─ Passage ─┬─ request body  ─ Tap ─ Reader ─┐
//!                       └─ response body ─ Tap ─ Reader ─┴─ messages ─► Exchange (correlate) ─► trail
//! ```
//!
//! A reverse proxy that relays bodies is served by the same layer: it is a service whose answer comes from elsewhere.
//!
//! Request and response pass in any order: a server may answer from the head. Their records are one pair.
//!
//! What it cannot see: what the server does not read. Such a request is told by its head, and by as much of its body as has
//! passed.

mod body;
mod charset;
mod content;
mod course;
mod decode;
#[cfg(feature = "proxy")]
mod detour;
mod facts;
mod future;
#[cfg(feature = "proxy")]
mod held;
mod layer;
mod ordinary;
mod passage;
mod paths;
mod reader;
mod service;
mod sessions;
mod sides;
mod tap;
#[cfg(test)]
mod tests;
mod uncoded;
mod unread;

pub use self::body::TapBody;
#[cfg(feature = "proxy")]
pub(crate) use self::detour::Detours;
pub use self::facts::PeerAddr;
pub use self::future::McpFuture;
#[cfg(feature = "proxy")]
pub(crate) use self::held::{Held, Holding, Withheld};
pub use self::layer::McpLayer;
#[cfg(feature = "proxy")]
pub(crate) use self::layer::NotTheServers;
pub use self::ordinary::HttpRecording;
pub use self::service::McpService;
