//! MCP over HTTP: a tower layer that looks at requests and responses as they pass.
//!
//! ```text
//! McpService ─ Passage ─┬─ request body  ─ Tap ─ Reader ─┐
//!                       └─ response body ─ Tap ─ Reader ─┴─ messages ─► Exchange (correlate) ─► trail
//! ```
//!
//! A reverse proxy that relays bodies is served by the same layer: it is a service whose answer comes from elsewhere.
//!
//! What it cannot see: a request without `Content-Length` whose server answers before it has read the end of it. Its call is
//! begun after its answer has passed, and ends without one.

mod body;
mod content;
mod decode;
#[cfg(feature = "proxy")]
mod detour;
mod facts;
mod future;
#[cfg(feature = "proxy")]
mod held;
mod layer;
mod passage;
mod reader;
mod service;
mod sessions;
mod tap;
#[cfg(test)]
mod tests;
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
pub use self::service::McpService;
