//! All connections, and which of them may be closed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::sync::Notify;

use super::descriptors::ConnectionLimits;

#[derive(Debug, Default)]
pub(crate) struct ConnectionTable {
    clients: HashMap<u64, ClientEntry>,
    /// Those that may be closed, in order.
    idle: BTreeSet<IdleRank>,
    /// How many of the clients are being closed.
    closing: usize,
    servers: usize,
    /// A logical clock.
    now: u64,
}

#[derive(Debug)]
struct ClientEntry {
    exchanges: usize,
    /// Its entry among the idle ones.
    idle: Option<IdleRank>,
    is_closing: bool,
    /// It was accepted over the limit.
    is_beyond: bool,
    closing: Arc<Notify>,
}

/// Whether the connection had an exchange, since when it is idle, and its number.
type IdleRank = (bool, u64, u64);

/// Whether a request may be relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Open,
    Full,
    Closing,
}

impl ConnectionTable {
    /// The number of a new connection, and whether another one is closed for it. `None` if it has to wait.
    pub(crate) fn enter(&mut self, share: &ConnectionLimits, closing: &Arc<Notify>) -> Option<(u64, bool)> {
        let is_full = self.staying() >= share.most;
        let has_displaced = is_full && self.close_one();
        if self.clients.len() >= share.most + share.margin {
            return None;
        }
        self.now += 1;
        let (id, idle) = (self.now, (false, self.now, self.now));
        self.idle.insert(idle);
        let is_beyond = is_full && !has_displaced;
        let closing = closing.clone();
        self.clients.insert(id, ClientEntry { exchanges: 0, idle: Some(idle), is_closing: false, is_beyond, closing });
        Some((id, has_displaced))
    }

    pub(crate) fn begin(&mut self, id: u64, share: &ConnectionLimits) -> Verdict {
        let Some(client) = self.clients.get_mut(&id).filter(|client| !client.is_closing) else {
            return Verdict::Closing;
        };
        client.exchanges += 1;
        let (idle, was_beyond) = (client.idle.take(), client.is_beyond);
        if let Some(idle) = &idle {
            self.idle.remove(idle);
        }
        // Somebody may have gone since, or may go now.
        let is_beyond = was_beyond && self.staying() > share.most && !self.close_one();
        if let Some(client) = self.clients.get_mut(&id) {
            client.is_beyond = is_beyond;
        }
        if is_beyond { Verdict::Full } else { Verdict::Open }
    }

    /// Returns whether a new connection may be waiting for that.
    pub(crate) fn end(&mut self, id: u64, share: &ConnectionLimits) -> bool {
        self.now += 1;
        let Some(client) = self.clients.get_mut(&id) else { return false };
        client.exchanges = client.exchanges.saturating_sub(1);
        if client.exchanges == 0 && client.idle.is_none() && !client.is_closing {
            let idle = (true, self.now, id);
            client.idle = Some(idle);
            self.idle.insert(idle);
        }
        self.clients.len() >= share.most
    }

    pub(crate) fn leave(&mut self, id: u64) {
        let Some(client) = self.clients.remove(&id) else { return };
        if let Some(idle) = &client.idle {
            self.idle.remove(idle);
        }
        self.closing -= usize::from(client.is_closing);
    }

    pub(crate) fn add_server(&mut self, share: &ConnectionLimits) -> bool {
        let has_room = self.servers < share.most;
        self.servers += usize::from(has_room);
        has_room
    }

    pub(crate) fn remove_server(&mut self) {
        self.servers -= 1;
    }

    fn staying(&self) -> usize {
        self.clients.len() - self.closing
    }

    fn close_one(&mut self) -> bool {
        let Some((_, _, id)) = self.idle.pop_first() else { return false };
        if let Some(client) = self.clients.get_mut(&id) {
            (client.idle, client.is_closing) = (None, true);
            client.closing.notify_one();
            self.closing += 1;
        }
        true
    }
}
