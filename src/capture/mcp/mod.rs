//! MCP calls, as they are seen on the wire and in the handlers of an rmcp server.

pub(crate) mod correlate;
#[cfg(feature = "tower")]
mod http;
pub(crate) mod message;
mod scan;
mod trace_context;
#[cfg(feature = "rmcp")]
mod wrapper;

#[cfg(feature = "tower")]
pub use self::http::{McpFuture, McpLayer, McpService, PeerAddr, TapBody};
#[cfg(feature = "rmcp")]
pub use self::wrapper::{Audited, ServeStdioError, shutdown_signal};
