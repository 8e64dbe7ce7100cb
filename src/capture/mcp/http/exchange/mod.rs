//! One HTTP request with its response: its head, its bodies, and its records.

mod body_notes;
#[cfg(feature = "internals")]
mod bypass;
mod head;
#[cfg(feature = "internals")]
mod held_calls;
mod http_exchange;
mod ordinary;
mod progress;
mod taps;

#[cfg(feature = "internals")]
pub use self::bypass::Bypasses;
#[cfg(feature = "internals")]
pub use self::held_calls::{HeldCalls, Withheld};
pub(crate) use self::http_exchange::HttpExchange;
pub use self::ordinary::HttpRecording;
#[cfg(feature = "internals")]
pub use self::taps::NotFromServer;
