//! Who asks: the actor of a call, and the client by which shares are counted.

mod actor;
mod clients;

pub use self::actor::{Actor, ActorType, RequestFacts};
pub use self::clients::{Client, Shared, Taken};
pub(crate) use self::clients::{ClientKey, Clients};
