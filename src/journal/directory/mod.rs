//! The directory of a journal: its lock, its ledger, and the streams as a whole.

pub(super) mod ledger;
mod lock;
mod owner;
mod previous;
mod remove;

#[cfg(test)]
pub(super) use self::ledger::note;
pub use self::ledger::{Ledger, RemovedStream};
pub(super) use self::lock::{lock, make_directories};
pub(super) use self::owner::make_owner;
pub(super) use self::previous::{read_previous, write_previous};
pub(super) use self::remove::remove_all;
