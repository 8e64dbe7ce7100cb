//! The limit on the number of connections, and the slots under it.

use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use super::client::ClientHandle;
use super::descriptors::ConnectionLimits;
use super::shared::ConnectionsState;

/// The limit of connections. Clones share it: give clones of one value to all proxies of a process.
#[derive(Debug, Clone)]
pub struct Connections(pub(super) Arc<ConnectionsState>);

/// The slot of one client's connection, held until the connection is closed.
#[derive(Debug)]
pub(crate) struct ClientSlot {
    client: ClientHandle,
    closing: Arc<Notify>,
    /// Another connection was closed for it.
    pub(crate) has_evicted: bool,
}

/// The slot of a connection to a server.
#[derive(Debug)]
pub(crate) struct ServerSlot(Arc<ConnectionsState>);

impl Connections {
    /// Limits the connections of clients to `most`, and those to servers, too: the answer to a client may need both.
    /// A proxy refuses to start if that is more than the process's descriptor limit has room for.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self::sharing(ConnectionLimits { most, ..ConnectionLimits::of_process() })
    }

    pub(super) fn sharing(share: ConnectionLimits) -> Self {
        Self(Arc::new(ConnectionsState::new(share)))
    }

    /// The limit.
    #[must_use]
    pub fn most(&self) -> usize {
        self.0.share.most
    }

    /// Waits for a free slot. Cancel safe.
    pub(crate) async fn acquire(&self) -> ClientSlot {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if let Some(slot) = self.try_acquire() {
                return slot;
            }
            changed.await;
        }
    }

    pub(super) fn try_acquire(&self) -> Option<ClientSlot> {
        let closing = Arc::<Notify>::default();
        let (id, has_evicted) = self.0.table().enter(&self.0.share, &closing)?;
        Some(ClientSlot { client: ClientHandle { shared: self.0.clone(), id }, closing, has_evicted })
    }

    /// A slot for a connection to a server, if there is one.
    pub(crate) fn try_acquire_server(&self) -> Option<ServerSlot> {
        self.0.table().add_server(&self.0.share).then(|| ServerSlot(self.0.clone()))
    }
}

/// One limit for the whole process, computed from its descriptor limit when the first proxy is set up: after the
/// process's own reserve, half is for clients and half for the servers behind them.
impl Default for Connections {
    fn default() -> Self {
        static SHARED: OnceLock<Connections> = OnceLock::new();
        SHARED.get_or_init(|| Self::sharing(ConnectionLimits::of_process())).clone()
    }
}

impl ClientSlot {
    pub(crate) fn client(&self) -> ClientHandle {
        self.client.clone()
    }

    /// Completes when the connection is to be closed for another one.
    pub(crate) async fn closed(&self) {
        self.closing.notified().await;
    }
}

impl Drop for ClientSlot {
    fn drop(&mut self) {
        let ClientHandle { shared, id } = &self.client;
        shared.table().leave(*id);
        shared.changed.notify_waiters();
    }
}

impl Drop for ServerSlot {
    fn drop(&mut self) {
        self.0.table().remove_server();
    }
}
