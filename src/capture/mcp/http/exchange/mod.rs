//! One HTTP request with its response: its head, its bodies, and its records.

mod body_notes;
#[cfg(feature = "internals")]
mod bypass;
mod head;
#[cfg(feature = "internals")]
mod held_calls;
mod http_exchange;
mod http_pair;
mod ordinary;
mod progress;
mod taps;

#[cfg(feature = "internals")]
pub use self::bypass::Bypasses;
pub(crate) use self::head::origin;
#[cfg(feature = "internals")]
pub use self::held_calls::{HeldCalls, Withheld};
pub(crate) use self::http_exchange::HttpExchange;
pub(crate) use self::http_pair::HttpPair;
pub use self::ordinary::HttpRecording;
pub(crate) use self::ordinary::is_provided_for;
#[cfg(feature = "internals")]
pub use self::taps::NotFromServer;
