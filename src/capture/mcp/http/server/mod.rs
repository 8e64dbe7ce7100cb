//! The state of one layer about its server: sessions, paths, and how it is audited.

#[cfg(feature = "internals")]
mod hold_reasons;
mod paths;
mod sessions;
mod state;

#[cfg(feature = "internals")]
pub use self::hold_reasons::HoldReasons;
pub(crate) use self::sessions::SessionExchange;
#[cfg(test)]
pub(crate) use self::sessions::Sessions;
pub(crate) use self::state::ServerState;
