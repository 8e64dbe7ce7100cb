//! One HTTP request with its response: its head, its bodies, and its records.

mod body_notes;
#[cfg(feature = "proxy")]
mod bypass;
mod head;
#[cfg(feature = "proxy")]
mod held_calls;
mod http_exchange;
mod ordinary;
mod progress;
mod taps;

#[cfg(feature = "proxy")]
pub(crate) use self::bypass::Bypasses;
pub use self::head::PeerAddr;
#[cfg(feature = "proxy")]
pub(crate) use self::held_calls::{HeldCalls, Withheld};
pub(crate) use self::http_exchange::HttpExchange;
pub use self::ordinary::HttpRecording;
#[cfg(feature = "proxy")]
pub(crate) use self::taps::NotFromServer;
