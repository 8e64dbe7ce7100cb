//! Quarantine: what a sink refused, and what was damaged on the disk, kept for people to look at.

mod bound;
mod files;

pub use self::bound::QuarantineBound;
pub use self::files::{Cause, Quarantine, Quarantined, Refused};
