//! How many connections a process has to clients and to servers, so that the journal can always open its files and the
//! shipper its connections.
//!
//! Invariants:
//! 1. There are never more than [`Connections::most`] connections of clients and a few on which clients are told that there is
//!    no room, and never more than that to servers. What is left of the limit of descriptors is the process's own.
//! 2. A connection on which an exchange goes on, an open event stream among them, is never closed for another one. Of the
//!    others those go first that never had an exchange, and of these the oldest.
//! 3. A request that comes on a connection that is being closed for another one is not relayed: its client sees the end of a
//!    connection on which nothing was answered.

mod limit;
mod occupied;
mod table;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use self::limit::Share;
pub(super) use self::limit::fitting;
pub(super) use self::occupied::{Occupied, Occupying};
use self::table::{Began, Table};

/// How many connections there may be. Clones share the bound: give the same to all proxies of a process.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    share: Share,
    table: Mutex<Table>,
    /// A connection has ended, or has become idle.
    changed: Notify,
}

/// The place of one client's connection, until that is closed.
#[derive(Debug)]
pub(super) struct Place {
    guest: Guest,
    closing: Arc<Notify>,
    /// Another connection is closed for it.
    pub(super) has_displaced: bool,
}

/// A connection, as its requests know it.
#[derive(Debug, Clone)]
pub(super) struct Guest {
    shared: Arc<Shared>,
    id: u64,
}

/// Whether a request may be relayed.
#[derive(Debug)]
pub(super) enum Entrance {
    Open(Occupying),
    /// There are too many connections, and something goes on on each of them.
    Full(Occupying),
    /// The connection is being closed.
    Closing,
}

/// An extension of requests that are answered with 503.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoRoom;

/// The place of a connection to a server.
#[derive(Debug)]
pub(super) struct ServerPlace(Arc<Shared>);

impl Connections {
    /// As many of clients, and as many to servers: the answer to a client may need both. More than the process's limit of
    /// descriptors leaves room for is refused when a proxy starts.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self::sharing(Share { most, ..Share::of_process() })
    }

    fn sharing(share: Share) -> Self {
        Self(Arc::new(Shared { share, table: Mutex::default(), changed: Notify::new() }))
    }

    /// The bound.
    #[must_use]
    pub fn most(&self) -> usize {
        self.0.share.most
    }

    /// Waits until there is room for one more. Nothing is lost if that is given up.
    pub(super) async fn entered(&self) -> Place {
        loop {
            let mut changed = std::pin::pin!(self.0.changed.notified());
            changed.as_mut().enable();
            if let Some(place) = self.enter() {
                return place;
            }
            changed.await;
        }
    }

    fn enter(&self) -> Option<Place> {
        let closing = Arc::<Notify>::default();
        let (id, has_displaced) = self.0.table().enter(&self.0.share, &closing)?;
        Some(Place { guest: Guest { shared: self.0.clone(), id }, closing, has_displaced })
    }

    /// For a connection to a server, if there is room for it.
    pub(super) fn to_server(&self) -> Option<ServerPlace> {
        self.0.table().add_server(&self.0.share).then(|| ServerPlace(self.0.clone()))
    }
}

/// One for the whole process, from its limit of descriptors when the first proxy was set up: half of what is left of it, after
/// the process's own share, for clients and half for the servers behind them.
impl Default for Connections {
    fn default() -> Self {
        static SHARED: OnceLock<Connections> = OnceLock::new();
        SHARED.get_or_init(|| Self::sharing(Share::of_process())).clone()
    }
}

impl Place {
    pub(super) fn guest(&self) -> Guest {
        self.guest.clone()
    }

    /// Until it is to be closed for another one.
    pub(super) async fn closed(&self) {
        self.closing.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Guest { shared, id } = &self.guest;
        shared.table().leave(*id);
        shared.changed.notify_waiters();
    }
}

impl Guest {
    /// A request has come.
    pub(super) fn begin(&self) -> Entrance {
        let began = self.shared.table().begin(self.id, &self.shared.share);
        let occupying = || Occupying::new(self.clone());
        match began {
            Began::Open => Entrance::Open(occupying()),
            Began::Full => Entrance::Full(occupying()),
            Began::Closing => Entrance::Closing,
        }
    }

    /// Its exchange is over.
    fn end(&self) {
        if self.shared.table().end(self.id, &self.shared.share) {
            self.shared.changed.notify_waiters();
        }
    }
}

impl Drop for ServerPlace {
    fn drop(&mut self) {
        self.0.table().remove_server();
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
