//! MCP calls, as they are seen on the wire and in the handlers of an rmcp server.

pub(crate) mod message;
pub(crate) mod scan;
mod trace_context;
#[cfg(feature = "rmcp")]
mod wrapper;

/// For the fuzz target `mcp_scanner`.
#[cfg(fuzzing)]
pub use self::scan::oracle::check as check_scanner;
#[cfg(feature = "rmcp")]
pub use self::wrapper::{Audited, ServeStdioError, shutdown_signal};
