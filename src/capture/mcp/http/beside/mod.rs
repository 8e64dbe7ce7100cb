//! Ordinary HTTP beside MCP: a tower layer that records each request as such.
//!
//! ```text
//! HttpService ─ HttpCall ─┬─ span around the inner service
//!                         └─ response body ─ Tap (reads nothing) ─► the end of the call
//! ```

mod future;
mod http_call;
mod layer;
mod service;
mod settings;

pub use self::future::HttpFuture;
pub use self::layer::HttpLayer;
pub use self::service::HttpService;
