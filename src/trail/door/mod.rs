//! The one door: opens and ends calls for every route of capture, and writes their records.

mod actor_gate;
pub(crate) mod announce;
#[cfg(feature = "mcp")]
mod content;
mod current;
mod decision;
mod durably;
mod guarantee;
mod http_span;
mod open_call;
#[cfg(all(feature = "mcp", feature = "redaction"))]
mod redacted;
mod scope;
mod span;
mod stalled;
mod treat;
mod write;

pub use self::durably::NotRecorded;
pub use self::open_call::OpenCall;
#[cfg(feature = "mcp")]
pub(crate) use self::open_call::Opener;
