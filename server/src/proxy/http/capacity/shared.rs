//! The state that all connections of a process share.

use auditrail::internals::locks::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::descriptors::ConnectionLimits;
use super::table::ConnectionTable;

#[derive(Debug)]
pub(super) struct ConnectionsState {
    pub(super) share: ConnectionLimits,
    table: Mutex<ConnectionTable>,
    /// A connection has ended, or has become idle.
    pub(super) changed: Notify,
}

impl ConnectionsState {
    pub(super) fn new(share: ConnectionLimits) -> Self {
        Self { share, table: Mutex::default(), changed: Notify::new() }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, ConnectionTable> {
        self.table.lock()
    }
}
