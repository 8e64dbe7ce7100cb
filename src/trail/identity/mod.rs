//! The clients for which shares are counted.

mod clients;

pub use self::clients::{Client, Share, SharedResource};
pub(crate) use self::clients::{ClientKey, Clients};
