//! Captures MCP calls on the wire and in the handlers of an rmcp server.
//!
//! ```text
//!  bytes ──► tap ──► scan ──► correlate ──► begin and end on the trail
//!            (stdio, HTTP)  messages    ▲
//!  rmcp handlers ──► wrapper ───────────┘ joins the call that the tap has begun, or begins one
//! ```

mod claimed;
pub(crate) mod content;
pub(crate) mod correlate;
#[cfg(feature = "tower")]
pub(crate) mod http;
pub(crate) mod message;
mod profile;
mod raw_content;
mod recent;
#[cfg(any(feature = "internals", feature = "rmcp"))]
pub(crate) mod refusal;
mod request_id;
pub(crate) mod scan;
#[cfg(feature = "internals")]
pub(crate) mod splice;
pub(crate) mod tap;
mod trace_context;
mod turns;
#[cfg(feature = "rmcp")]
mod wrapper;

#[cfg(feature = "tower")]
pub use self::http::{HttpFuture, HttpLayer, HttpRecording, HttpService, McpFuture, McpLayer, McpService, TapBody};
pub use self::request_id::RequestId;
/// For the fuzz target `mcp_scanner`.
#[cfg(fuzzing)]
pub use self::scan::reference::oracle::check as check_scanner;
/// For the fuzz target `mcp_readers`.
#[cfg(fuzzing)]
pub use self::scan::reference::victims::check as check_readers;
pub use self::tap::{Tap, TapRead, TapWrite};
#[cfg(feature = "rmcp")]
pub use self::wrapper::{Audited, ServeStdioError, shutdown_signal};
#[cfg(feature = "tower")]
pub use crate::identity::PeerAddr;
