//! MCP calls of an rmcp server.

mod answer;
mod request;
mod serve;
mod stdin;
mod trace_context;
mod wrapper;

pub use self::serve::{ServeStdioError, shutdown_signal};
pub use self::wrapper::Audited;
