//! The directory of a journal: what stands beside the streams.

pub(super) mod ledger;

#[cfg(test)]
pub(super) use self::ledger::note;
pub use self::ledger::{Ledger, Removed};
