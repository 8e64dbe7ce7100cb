//! Quarantine: what a sink refused, and what was damaged on the disk, kept for people to look at.

mod bound;
mod file;
mod files;
mod set_aside;

pub use self::file::{Cause, Quarantined};
pub use self::files::Quarantine;
pub use self::set_aside::Refused;
