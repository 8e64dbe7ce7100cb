//! Idle connections, which wait for another request.
//!
//! Nothing drives them: whether the server has closed one is found when it is taken. Unused ones are closed after [`MOST`].

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use auditrail::internals::locks::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::connect::ServerKey;
use super::connection::ServerConnection;

#[derive(Debug, Default)]
pub(super) struct IdlePool(Arc<Mutex<IdleTable>>);

#[derive(Debug, Default)]
struct IdleTable {
    waiting: HashMap<ServerKey, Vec<IdleConnection>>,
    /// A task closes those that wait too long.
    is_swept: bool,
}

#[derive(Debug)]
struct IdleConnection {
    channel: ServerConnection,
    since: Instant,
}

/// Returns a connection to the pool when it is free.
#[derive(Debug)]
pub(super) struct PoolReturn {
    idle: Arc<Mutex<IdleTable>>,
    key: ServerKey,
}

impl IdlePool {
    /// The most recently used connection that still works.
    pub(super) fn take(&self, key: &ServerKey) -> Option<ServerConnection> {
        loop {
            let IdleConnection { mut channel, since } = lock(&self.0).waiting.get_mut(key)?.pop()?;
            if since.elapsed() < MOST && channel.is_free() {
                return Some(channel);
            }
        }
    }

    /// Closes the connection that has waited longest; returns whether there was one.
    pub(super) fn close_one(&self) -> bool {
        let mut table = lock(&self.0);
        let oldest = |waiting: &&mut Vec<IdleConnection>| waiting.first().map(|first| first.since);
        let Some(waiting) = table.waiting.values_mut().filter(|all| !all.is_empty()).min_by_key(oldest) else {
            return false;
        };
        let closed = waiting.remove(0);
        drop(table);
        drop(closed);
        true
    }

    pub(super) fn home(&self, key: ServerKey) -> PoolReturn {
        PoolReturn { idle: self.0.clone(), key }
    }
}

impl PoolReturn {
    /// Keeps the connection, or closes it if it cannot take another request.
    pub(super) fn put(&self, mut channel: ServerConnection) {
        if !channel.is_free() {
            return channel.finish();
        }
        let mut table = lock(&self.idle);
        let waiting = IdleConnection { channel, since: Instant::now() };
        match table.waiting.get_mut(&self.key) {
            Some(others) => others.push(waiting),
            None => drop(table.waiting.insert(self.key.clone(), vec![waiting])),
        }
        if !std::mem::replace(&mut table.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(&self.idle)));
        }
    }
}

/// Runs as long as there are idle connections.
async fn sweep(table: Weak<Mutex<IdleTable>>) {
    loop {
        tokio::time::sleep(OFTEN).await;
        let Some(table) = table.upgrade() else { return };
        let mut table = lock(&table);
        table.waiting.retain(|_, waiting| {
            waiting.retain(|waiting| waiting.since.elapsed() < MOST);
            !waiting.is_empty()
        });
        table.is_swept = !table.waiting.is_empty();
        if !table.is_swept {
            return;
        }
    }
}

fn lock(table: &Mutex<IdleTable>) -> MutexGuard<'_, IdleTable> {
    table.lock()
}

/// Node.js and uvicorn close idle connections after 5 s. A shorter time makes it unlikely that a request meets a closing one.
const MOST: Duration = Duration::from_secs(4);
const OFTEN: Duration = Duration::from_secs(1);
