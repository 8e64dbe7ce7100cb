//! The open sessions of a server, by the ids that it issued.
//!
//! Invariants:
//! 1. Only the server can add a session, by issuing its id; an id that a client sends is only looked up.
//! 2. The number of sessions stays within the bounds of the trail. A new one closes the least recently used, preferably one
//!    without open exchanges, and is counted. A client that has more than its share loses one of its own.
//! 3. A session that is removed is ended, whatever the reason: only calls of exchanges that are still open can be answered. All
//!    sessions are closed when the table is dropped.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::capture::mcp::correlate::Session;
use crate::locks::{Mutex, MutexGuard};
use crate::trail::{Client, ClientKey, Core, MessageFacts, Share, SharedResource, WireCounter};

/// The open sessions of a server.
pub(crate) struct Sessions {
    core: Arc<Core>,
    most: usize,
    table: Mutex<SessionTable>,
    /// When (monotonic nanoseconds) the last sweep was.
    swept: AtomicU64,
}

#[derive(Default)]
struct SessionTable {
    by_id: HashMap<Arc<str>, OpenSession>,
    /// Least recently used first.
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
    /// The positions of the sessions of one client, if it is known.
    by_client: HashMap<ClientKey, BTreeSet<u64>>,
}

struct OpenSession {
    correlated: Arc<Session>,
    /// The path at which it was begun.
    path: Arc<str>,
    /// Its position in the order.
    place: u64,
    /// When (monotonic nanoseconds) an exchange of it last began or ended.
    used: u64,
    /// The number of its open exchanges.
    open: usize,
    /// Its client, for whose share it counts.
    owner: Option<(Arc<Client>, Share)>,
}

/// An exchange of a session, open until this is dropped.
pub(crate) struct SessionExchange {
    sessions: Arc<Sessions>,
    id: Arc<str>,
    correlated: Arc<Session>,
    path: Arc<str>,
}

impl Sessions {
    pub(crate) fn new(core: &Arc<Core>) -> Self {
        Self::of_at_most(core.bounds().sessions, core)
    }

    pub(crate) fn of_at_most(most: usize, core: &Arc<Core>) -> Self {
        let swept = AtomicU64::new(core.clock().monotonic_nano());
        Self { core: core.clone(), most, table: Mutex::default(), swept }
    }

    /// The server has issued that id to that client, at that path. The exchange in which it did so is open.
    pub(crate) fn begin(
        self: &Arc<Self>,
        id: &str,
        correlated: &Arc<Session>,
        (path, client): (&str, Option<&Arc<Client>>),
    ) -> SessionExchange {
        let (id, path, used): (Arc<str>, Arc<str>, _) = (id.into(), path.into(), self.now());
        let has_own;
        let (same, evicted) = {
            let mut table = self.table();
            let same = table.remove(&id);
            let owner = client.map(|client| (client.clone(), client.take(SharedResource::Sessions, 1)));
            let greedy = client.filter(|client| client.is_over(SharedResource::Sessions, self.most as u64));
            let own = greedy.and_then(|client| table.remove_oldest_of(client.key()));
            has_own = own.is_some();
            let is_full = !has_own && table.by_id.len() >= self.most;
            let evicted = if is_full { table.remove_oldest() } else { own };
            let place = table.append(&id, client);
            let session =
                OpenSession { correlated: correlated.clone(), path: path.clone(), place, used, open: 1, owner };
            table.by_id.insert(id.clone(), session);
            (same, evicted)
        };
        if evicted.is_some() {
            self.core.wire_counters().add(WireCounter::EvictedSession);
        }
        if let Some(client) = client.filter(|_| has_own) {
            self.tell_greedy(client);
        }
        // Not under the lock, because it writes records.
        same.into_iter().chain(evicted).for_each(|correlated| correlated.end(None));
        SessionExchange { sessions: self.clone(), id, correlated: correlated.clone(), path }
    }

    /// Begins an exchange of that session, if there is one.
    pub(crate) fn enter(self: &Arc<Self>, id: &str) -> Option<SessionExchange> {
        let used = self.now();
        let mut table = self.table();
        let (id, session) = table.by_id.get_key_value(id)?;
        let (id, before) = (id.clone(), session.place);
        let client = session.owner.as_ref().map(|(client, _)| client.clone());
        table.leave_place(before, client.as_ref());
        let place = table.append(&id, client.as_ref());
        let session = table.by_id.get_mut(&id)?;
        (session.place, session.used) = (place, used);
        session.open += 1;
        Some(SessionExchange {
            sessions: self.clone(),
            correlated: session.correlated.clone(),
            path: session.path.clone(),
            id,
        })
    }

    /// Ends calls and sessions that nothing will continue. It works only now and then, and otherwise costs nothing.
    pub(crate) fn sweep(&self) {
        let (now, swept) = (self.now(), self.swept.load(Ordering::Relaxed));
        let is_time = now.saturating_sub(swept) >= SWEEP_EVERY;
        if !is_time || self.swept.compare_exchange(swept, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let (idle, left) = {
            let mut table = self.table();
            let is_idle = |session: &OpenSession| session.open == 0 && now.saturating_sub(session.used) >= IDLE;
            let idle = table.by_id.iter().filter(|(_, session)| is_idle(session)).map(|(id, _)| id.clone());
            let idle: Vec<_> = idle.collect();
            let idle: Vec<_> = idle.iter().filter_map(|id| table.remove(id)).collect();
            let left: Vec<_> = table.by_id.values().map(|session| session.correlated.clone()).collect();
            (idle, left)
        };
        idle.into_iter().for_each(|correlated| correlated.end(None));
        left.into_iter().for_each(|correlated| correlated.give_up(now.saturating_sub(GIVE_UP)));
    }

    fn tell_greedy(&self, client: &Client) {
        let (client, most) = (client.key(), self.most);
        self.core.notices().warn(format!(
            "{client} has more sessions than its share of {most}: its least recently used sessions are closed; raise \
             bounds.sessions if it should be able to have that many"
        ));
    }

    fn end(&self, id: &str, correlated: &Arc<Session>, by: Option<MessageFacts>) {
        let ended = {
            let mut table = self.table();
            // Another session may have that id by now.
            let is_this = table.by_id.get(id).is_some_and(|session| Arc::ptr_eq(&session.correlated, correlated));
            if is_this { table.remove(id) } else { None }
        };
        if let Some(correlated) = ended {
            correlated.end(by);
        }
    }

    fn leave(&self, id: &str, correlated: &Arc<Session>) {
        let used = self.now();
        let mut table = self.table();
        if let Some(session) = table.by_id.get_mut(id).filter(|session| Arc::ptr_eq(&session.correlated, correlated)) {
            session.used = used;
            session.open = session.open.saturating_sub(1);
        }
    }

    fn now(&self) -> u64 {
        self.core.clock().monotonic_nano()
    }

    fn table(&self) -> MutexGuard<'_, SessionTable> {
        self.table.lock()
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        let table = self.table.get_mut();
        table.by_id.drain().for_each(|(_, session)| session.correlated.close());
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.table().by_id.len();
        f.debug_struct("Sessions").field("open", &open).finish_non_exhaustive()
    }
}

impl SessionExchange {
    pub(crate) fn is_of(&self, id: &str) -> bool {
        *self.id == *id
    }

    /// Whether it was begun at that path.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        *self.path == *path
    }

    pub(crate) fn correlated(&self) -> &Arc<Session> {
        &self.correlated
    }

    /// The session is over, by a request with those facts or for another reason.
    pub(crate) fn end(&self, by: Option<MessageFacts>) {
        self.sessions.end(&self.id, &self.correlated, by);
    }
}

impl Drop for SessionExchange {
    fn drop(&mut self) {
        self.sessions.leave(&self.id, &self.correlated);
    }
}

impl SessionTable {
    /// Adds a session at the end of the order.
    fn append(&mut self, id: &Arc<str>, client: Option<&Arc<Client>>) -> u64 {
        self.next += 1;
        self.order.insert(self.next, id.clone());
        if let Some(client) = client {
            self.by_client.entry(client.key().clone()).or_default().insert(self.next);
        }
        self.next
    }

    fn leave_place(&mut self, place: u64, client: Option<&Arc<Client>>) {
        self.order.remove(&place);
        let Some(key) = client.map(|client| client.key()) else { return };
        if let Some(places) = self.by_client.get_mut(key) {
            places.remove(&place);
            if places.is_empty() {
                self.by_client.remove(key);
            }
        }
    }

    fn remove(&mut self, id: &str) -> Option<Arc<Session>> {
        let session = self.by_id.remove(id)?;
        self.leave_place(session.place, session.owner.as_ref().map(|(client, _)| client));
        Some(session.correlated)
    }

    fn remove_oldest(&mut self) -> Option<Arc<Session>> {
        self.remove_oldest_in(self.order.values().take(LOOKED_AT).cloned().collect())
    }

    fn remove_oldest_of(&mut self, client: &ClientKey) -> Option<Arc<Session>> {
        let places = self.by_client.get(client)?.iter().take(LOOKED_AT);
        self.remove_oldest_in(places.filter_map(|place| self.order.get(place)).cloned().collect())
    }

    fn remove_oldest_in(&mut self, oldest: Vec<Arc<str>>) -> Option<Arc<Session>> {
        let is_free = |id: &&Arc<str>| self.by_id.get(*id).is_some_and(|session| session.open == 0);
        let id = oldest.iter().find(is_free).or_else(|| oldest.first())?;
        self.remove(id)
    }
}

/// How many are checked for one without an open exchange.
const LOOKED_AT: usize = 64;
/// Half a minute.
const SWEEP_EVERY: u64 = 30_000_000_000;
/// Ten minutes: clients come back for the rest of a stream within seconds, as the server's `retry` says.
const GIVE_UP: u64 = 600_000_000_000;
/// A day: no session lives that long without a request.
const IDLE: u64 = 86_400_000_000_000;
