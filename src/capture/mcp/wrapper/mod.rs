//! The wrapper of any rmcp server: its handlers run inside the spans of their calls.

mod answer;
mod audited;
mod request;
mod serve;
mod stdin;
mod stdout;
mod tapped_call;

pub use self::audited::Audited;
pub use self::serve::{ServeStdioError, shutdown_signal};
