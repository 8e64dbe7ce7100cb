//! The state that all connections of a process share.

use auditrail::internals::locks::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::descriptors::Share;
use super::table::Table;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) share: Share,
    table: Mutex<Table>,
    /// A connection has ended, or has become idle.
    pub(super) changed: Notify,
}

impl Shared {
    pub(super) fn new(share: Share) -> Self {
        Self { share, table: Mutex::default(), changed: Notify::new() }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock()
    }
}
