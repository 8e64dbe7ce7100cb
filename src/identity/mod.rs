//! Who acts, for whom, and through what. What was verified and what is only claimed are told apart on every fact.

mod actor;
mod extractor;
mod request;

pub use self::actor::{Actor, ActorType, Agent, Claimed, TokenFacts, UnverifiedReason};
pub use self::extractor::{Changed, Extractor};
pub use self::request::RequestFacts;

pub(crate) use self::actor::ACTOR_KEYS;
