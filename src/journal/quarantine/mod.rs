//! The quarantine: records that a sink refused, and damaged bytes, kept for people to look at.

mod bound;
mod file;
mod files;
mod set_aside;

pub use self::file::{Cause, Quarantined};
pub use self::files::Quarantine;
pub use self::set_aside::Refused;
