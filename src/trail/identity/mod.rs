//! The clients for which shares are counted, and who sends the messages of an exchange.

mod clients;
#[cfg(feature = "mcp")]
mod sender;

pub use self::clients::{Client, Share, SharedResource};
pub(crate) use self::clients::{ClientKey, Clients};
#[cfg(feature = "mcp")]
pub(crate) use self::sender::Sender;
