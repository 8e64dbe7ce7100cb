//! Who acts, for whom, and through what. What was verified and what is only claimed are told apart on every fact.

mod actor;
mod chain;
mod claims;
mod environment;
mod extractor;
mod headers;
mod hook;
#[cfg(feature = "tower")]
pub(crate) mod hops;
#[cfg(all(unix, feature = "jwt"))]
pub mod jwt;
mod os_user;
mod request;
mod sender;
mod standing;
mod start;
mod unverified_alarm;

pub use self::actor::{Actor, ActorType, Agent, Claimed, TokenFacts, UnverifiedReason};
pub use self::claims::VerifiedClaims;
pub use self::environment::EnvironmentIdentity;
pub use self::extractor::{Changed, Extractor};
pub use self::headers::IdentityFields;
#[cfg(feature = "tower")]
pub use self::hops::{AddressField, PeerAddr, TrustedHop, TrustedHops};
pub use self::os_user::OsUser;
pub use self::request::RequestFacts;
pub use self::start::{ExtractorStart, IdDigests};
pub use self::unverified_alarm::UnverifiedAlarm;

pub(crate) use self::actor::CODE;
pub(crate) use self::chain::Chain;
pub(crate) use self::hook::{HOOK, Hook};
pub(crate) use self::sender::{PendingActor, Sender};
pub(crate) use self::standing::Standing;
