//! skeleton
pub mod capture;
pub mod config;
pub mod journal;
pub mod policy;
pub mod record;
#[cfg(feature = "serve")]
pub mod serve;
pub mod ship;
pub mod trail;

pub use self::trail::Trail;
