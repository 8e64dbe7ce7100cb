//! MCP calls, as they are seen on the wire and in the handlers of an rmcp server.

pub(crate) mod correlate;
pub(crate) mod message;
mod trace_context;
#[cfg(feature = "rmcp")]
mod wrapper;

#[cfg(feature = "rmcp")]
pub use self::wrapper::{Audited, ServeStdioError, shutdown_signal};
