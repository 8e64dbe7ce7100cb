//! Counts the exchanges of a client's connection: it is in use while there is one.

use std::sync::Arc;

use super::shared::ConnectionsState;
use super::table::Verdict;

/// Counts the exchanges of one connection.
#[derive(Debug, Clone)]
pub(crate) struct ClientHandle {
    pub(super) shared: Arc<ConnectionsState>,
    pub(super) id: u64,
}

/// Whether a request may be relayed.
#[derive(Debug)]
pub(crate) enum ExchangeStart {
    Open(ExchangeGuard),
    /// The limit is reached, and every connection is in use.
    Full(ExchangeGuard),
    /// The connection is being closed.
    Closing,
}

/// An exchange, until its answer is written or given up.
#[derive(Debug)]
pub(crate) struct ExchangeGuard(ClientHandle);

/// An extension of requests that are answered with 503.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverCapacity;

impl ClientHandle {
    /// Begins an exchange.
    pub(crate) fn begin(&self) -> ExchangeStart {
        let verdict = self.shared.table().begin(self.id, &self.shared.share);
        let guard = || ExchangeGuard(self.clone());
        match verdict {
            Verdict::Open => ExchangeStart::Open(guard()),
            Verdict::Full => ExchangeStart::Full(guard()),
            Verdict::Closing => ExchangeStart::Closing,
        }
    }
}

impl Drop for ExchangeGuard {
    fn drop(&mut self) {
        let ClientHandle { shared, id } = &self.0;
        if shared.table().end(*id, &shared.share) {
            shared.changed.notify_waiters();
        }
    }
}
