//! The sessions that the server has open, by the ids that it has given them.
//!
//! Invariants:
//! 1. A session is here only if the server has issued its id: what clients say of sessions is looked up, never believed.
//! 2. There are no more than [`MAX_SESSIONS`]. One more closes the one that was used longest ago, if it can be one in which
//!    nothing is open, and is counted.
//! 3. A session that leaves is closed, whatever the reason; so are all when the table goes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::capture::mcp::correlate::Scope;
use crate::trail::{Core, Counted};

/// All of them.
pub(super) struct Sessions {
    core: Arc<Core>,
    most: usize,
    table: Mutex<Table>,
    /// When (monotonic nanoseconds) it was last looked for what waits too long.
    swept: AtomicU64,
}

#[derive(Default)]
struct Table {
    by_id: HashMap<Arc<str>, Session>,
    /// Least recently used first.
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
}

struct Session {
    scope: Arc<Scope>,
    /// Where it was begun.
    path: Arc<str>,
    /// Its place in the order.
    place: u64,
    /// When (monotonic nanoseconds) an exchange of it last began or ended.
    used: u64,
    /// Its exchanges that are open.
    open: usize,
}

/// An exchange of a session, open until this is dropped.
pub(super) struct Entered {
    sessions: Arc<Sessions>,
    id: Arc<str>,
    scope: Arc<Scope>,
    path: Arc<str>,
}

impl Sessions {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        Self::of_at_most(MAX_SESSIONS, core)
    }

    pub(super) fn of_at_most(most: usize, core: &Arc<Core>) -> Self {
        let swept = AtomicU64::new(core.clock().monotonic_nano());
        Self { core: core.clone(), most, table: Mutex::default(), swept }
    }

    /// The server has given a session that id, at that path. The exchange in which it did is open.
    pub(super) fn begin(self: &Arc<Self>, id: &str, scope: &Arc<Scope>, path: &str) -> Entered {
        let (id, path, used): (Arc<str>, Arc<str>, _) = (id.into(), path.into(), self.now());
        let (same, evicted) = {
            let mut table = self.table();
            let same = table.remove(&id);
            let evicted = if table.by_id.len() < self.most { None } else { table.remove_oldest() };
            let place = table.append(&id);
            let session = Session { scope: scope.clone(), path: path.clone(), place, used, open: 1 };
            table.by_id.insert(id.clone(), session);
            (same, evicted)
        };
        if evicted.is_some() {
            self.core.seen().add(Counted::EvictedSession);
        }
        // Not under the lock: it writes records.
        same.into_iter().chain(evicted).for_each(|scope| scope.close());
        Entered { sessions: self.clone(), id, scope: scope.clone(), path }
    }

    /// An exchange of that session begins, if there is one.
    pub(super) fn enter(self: &Arc<Self>, id: &str) -> Option<Entered> {
        let used = self.now();
        let mut table = self.table();
        let (id, session) = table.by_id.get_key_value(id)?;
        let (id, before) = (id.clone(), session.place);
        table.order.remove(&before);
        let place = table.append(&id);
        let session = table.by_id.get_mut(&id)?;
        (session.place, session.used) = (place, used);
        session.open += 1;
        Some(Entered { sessions: self.clone(), scope: session.scope.clone(), path: session.path.clone(), id })
    }

    /// Ends calls and sessions with which nobody will go on. Does so only every now and then, and otherwise costs nothing.
    pub(super) fn sweep(&self) {
        let (now, swept) = (self.now(), self.swept.load(Ordering::Relaxed));
        let is_time = now.saturating_sub(swept) >= SWEEP_EVERY;
        if !is_time || self.swept.compare_exchange(swept, now, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let (idle, left) = {
            let mut table = self.table();
            let is_idle = |session: &Session| session.open == 0 && now.saturating_sub(session.used) >= IDLE;
            let idle = table.by_id.iter().filter(|(_, session)| is_idle(session)).map(|(id, _)| id.clone());
            let idle: Vec<_> = idle.collect();
            let idle: Vec<_> = idle.iter().filter_map(|id| table.remove(id)).collect();
            let left: Vec<_> = table.by_id.values().map(|session| session.scope.clone()).collect();
            (idle, left)
        };
        idle.into_iter().for_each(|scope| scope.close());
        left.into_iter().for_each(|scope| scope.give_up(now.saturating_sub(GIVE_UP)));
    }

    fn end(&self, id: &str, scope: &Arc<Scope>) {
        let ended = {
            let mut table = self.table();
            // Another one may have got the id since.
            let is_this = table.by_id.get(id).is_some_and(|session| Arc::ptr_eq(&session.scope, scope));
            if is_this { table.remove(id) } else { None }
        };
        if let Some(scope) = ended {
            scope.close();
        }
    }

    fn leave(&self, id: &str, scope: &Arc<Scope>) {
        let used = self.now();
        let mut table = self.table();
        if let Some(session) = table.by_id.get_mut(id).filter(|session| Arc::ptr_eq(&session.scope, scope)) {
            session.used = used;
            session.open = session.open.saturating_sub(1);
        }
    }

    fn now(&self) -> u64 {
        self.core.clock().monotonic_nano()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        let table = self.table.get_mut().unwrap_or_else(PoisonError::into_inner);
        table.by_id.drain().for_each(|(_, session)| session.scope.close());
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = self.table().by_id.len();
        f.debug_struct("Sessions").field("open", &open).finish_non_exhaustive()
    }
}

impl Entered {
    pub(super) fn is_of(&self, id: &str) -> bool {
        *self.id == *id
    }

    /// Whether it was begun at that path.
    pub(super) fn is_at(&self, path: &str) -> bool {
        *self.path == *path
    }

    pub(super) fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// The session is over.
    pub(super) fn end(&self) {
        self.sessions.end(&self.id, &self.scope);
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.sessions.leave(&self.id, &self.scope);
    }
}

impl Table {
    /// The last place of the order.
    fn append(&mut self, id: &Arc<str>) -> u64 {
        self.next += 1;
        self.order.insert(self.next, id.clone());
        self.next
    }

    fn remove(&mut self, id: &str) -> Option<Arc<Scope>> {
        let session = self.by_id.remove(id)?;
        self.order.remove(&session.place);
        Some(session.scope)
    }

    fn remove_oldest(&mut self) -> Option<Arc<Scope>> {
        let is_free = |id: &&Arc<str>| self.by_id.get(*id).is_some_and(|session| session.open == 0);
        let free = self.order.values().take(LOOKED_AT).find(is_free);
        let oldest = free.or_else(|| self.order.values().next())?.clone();
        self.remove(&oldest)
    }
}

/// More than one server has clients, as a rule; a session takes a few hundred bytes.
const MAX_SESSIONS: usize = 10_000;
/// How many are looked at for one in which nothing is open.
const LOOKED_AT: usize = 64;
/// Half a minute.
const SWEEP_EVERY: u64 = 30_000_000_000;
/// Ten minutes: clients come back for the rest of a stream within seconds, as the server's `retry` says.
const GIVE_UP: u64 = 600_000_000_000;
/// A day: no session lives on without a request that long.
const IDLE: u64 = 86_400_000_000_000;
