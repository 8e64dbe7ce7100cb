//! The one door: where calls are opened and ended, whoever captured them, and where their records are written.

pub(crate) mod announce;
mod guarantee;
mod open_call;
mod span;
mod stalled;
mod write;

pub use self::open_call::OpenCall;
#[cfg(feature = "mcp")]
pub(crate) use self::open_call::Opener;
