//! The clients for which shares are counted, and how many calls have verified actors.

mod actor_counts;
mod clients;

pub(crate) use self::actor_counts::ActorCounts;
pub(in crate::trail) use self::actor_counts::STANDINGS;
pub use self::clients::{Client, Share, SharedResource};
pub(crate) use self::clients::{ClientKey, Clients};
