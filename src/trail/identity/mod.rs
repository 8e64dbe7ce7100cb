//! Who sends requests: the actor of a call, and the client for which shares are counted.

mod actor;
mod clients;

pub use self::actor::{Actor, ActorType, RequestFacts};
pub use self::clients::{Client, Share, SharedResource};
pub(crate) use self::clients::{ClientKey, Clients};
