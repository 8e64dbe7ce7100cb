//! Clients, and the share of each in what they compete for.
//!
//! Invariants:
//! 1. A client is a verified actor or, without one, an address; for IPv6 the network of 64 bits, because one machine can have
//!    any number of its addresses.
//! 2. While less than half of a bound is used, any client may use it. From then on no client may hold more than what is free, so
//!    that as much as the greediest client holds is always left for others (Choudhury and Hahne, Dynamic Queue Length
//!    Thresholds for Shared-Memory Packet Switches, 1998).
//! 3. Nothing here outlives what it counts: a client with nothing held or open is forgotten, and what it wrote is forgotten after
//!    two seconds. The bytes written are counted outside the client, which may come and go with each of its requests.

#![cfg_attr(not(feature = "tower"), allow(dead_code, reason = "only over HTTP are there several"))]

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use crate::identity::Actor;
use crate::locks::{Mutex, MutexGuard};

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    known: Mutex<HashMap<ClientKey, Weak<Client>>>,
    used: Used,
    second: Mutex<Second>,
}

/// One of them.
#[derive(Debug)]
pub struct Client {
    key: ClientKey,
    all: Arc<Clients>,
    used: Used,
}

/// By what a client is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ClientKey {
    Actor { tenant: Option<String>, id: String },
    Address(IpAddr),
    Network(Ipv6Addr),
}

/// What there is to share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedResource {
    /// Bytes of bodies that are held back.
    #[cfg(feature = "internals")]
    HeldBytes,
    /// Calls that are open.
    OpenCalls,
    /// Sessions over HTTP.
    Sessions,
}

#[derive(Debug, Default)]
struct Used([AtomicU64; 3]);

/// What was to be written within this second and the one before.
#[derive(Debug, Default)]
struct Second {
    begun: u64,
    before: Written,
    now: Written,
}

/// How much, and by whom: fewer than there were records.
#[derive(Debug, Default)]
struct Written {
    bytes: u64,
    by: HashMap<ClientKey, u64>,
}

/// A part of a share, until this is dropped.
#[derive(Debug)]
pub struct Share {
    client: Arc<Client>,
    what: SharedResource,
    amount: u64,
}

impl ClientKey {
    pub(crate) fn of(actor: Option<Actor>, address: Option<IpAddr>) -> Option<Self> {
        if let Some(actor) = actor.filter(|actor| actor.verified) {
            return Some(Self::Actor { tenant: actor.tenant, id: actor.id });
        }
        Some(match address?.to_canonical() {
            IpAddr::V6(address) => Self::Network(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
            address @ IpAddr::V4(_) => Self::Address(address),
        })
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Actor { id, .. } => f.write_str(id),
            Self::Address(address) => address.fmt(f),
            Self::Network(address) => write!(f, "{address}/64"),
        }
    }
}

impl Clients {
    pub(crate) fn get(self: &Arc<Self>, key: ClientKey) -> Arc<Client> {
        let mut known = self.known.lock();
        if let Some(client) = known.get(&key).and_then(Weak::upgrade) {
            return client;
        }
        let client = Arc::new(Client { key: key.clone(), all: self.clone(), used: Used::default() });
        known.insert(key, Arc::downgrade(&client));
        client
    }

    fn second(&self) -> MutexGuard<'_, Second> {
        self.second.lock()
    }
}

impl Client {
    pub(crate) fn key(&self) -> &ClientKey {
        &self.key
    }

    /// So much more, whether or not that is more than it should have.
    pub fn take(self: &Arc<Self>, what: SharedResource, amount: u64) -> Share {
        self.used.add(what, amount);
        self.all.used.add(what, amount);
        Share { client: self.clone(), what, amount }
    }

    /// Whether it has more than its share, or all have more than the bound.
    pub(crate) fn is_over(&self, what: SharedResource, bound: u64) -> bool {
        let (own, all) = (self.used.get(what), self.all.used.get(what));
        all > bound / 2 && own > bound.saturating_sub(all)
    }

    /// Notes that it has so many bytes to write now (monotonic nanoseconds), and says whether that is more than its share of
    /// this second: some, and twice what others have on average. Who is alone has nobody to share with.
    pub(crate) fn writes(&self, bytes: u64, now: u64) -> bool {
        let mut second = self.all.second();
        second.turn(now);
        let Second { before, now, .. } = &mut *second;
        now.add(&self.key, bytes);
        let (own, own_before) = (now.of(&self.key), before.of(&self.key));
        let others = now.by.len().max(before.by.len()).saturating_sub(1) as u64;
        let theirs = (now.bytes + before.bytes).saturating_sub(own + own_before);
        others > 0 && own > ANYBODYS + 2 * theirs / others
    }
}

impl Second {
    /// Another one may have begun.
    fn turn(&mut self, now: u64) {
        let past = now.saturating_sub(self.begun);
        if self.now.by.is_empty() || past >= SECOND {
            let last = std::mem::take(&mut self.now);
            let before = if past < 2 * SECOND { last } else { Written::default() };
            *self = Self { begun: now, before, now: Written::default() };
        }
    }
}

impl Written {
    fn add(&mut self, client: &ClientKey, bytes: u64) {
        self.bytes += bytes;
        match self.by.get_mut(client) {
            Some(own) => *own += bytes,
            None => drop(self.by.insert(client.clone(), bytes)),
        }
    }

    fn of(&self, client: &ClientKey) -> u64 {
        self.by.get(client).copied().unwrap_or_default()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut known = self.all.known.lock();
        // Another may have taken its place.
        if known.get(&self.key).is_some_and(|client| client.strong_count() == 0) {
            known.remove(&self.key);
        }
    }
}

impl Share {
    /// So much more of it.
    #[cfg(feature = "internals")]
    pub fn more(&mut self, amount: u64, bound: u64) -> bool {
        self.client.used.add(self.what, amount);
        self.client.all.used.add(self.what, amount);
        self.amount += amount;
        !self.client.is_over(self.what, bound)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.client.used.sub(self.what, self.amount);
        self.client.all.used.sub(self.what, self.amount);
    }
}

impl Used {
    fn of(&self, what: SharedResource) -> Option<&AtomicU64> {
        self.0.get(what as usize)
    }

    fn add(&self, what: SharedResource, amount: u64) {
        self.of(what).map(|used| used.fetch_add(amount, Ordering::Relaxed));
    }

    fn sub(&self, what: SharedResource, amount: u64) {
        self.of(what).map(|used| used.fetch_sub(amount, Ordering::Relaxed));
    }

    fn get(&self, what: SharedResource) -> u64 {
        self.of(what).map_or(0, |used| used.load(Ordering::Relaxed))
    }
}

const SECOND: u64 = 1_000_000_000;
/// Bytes that nobody is denied: the records of thirty calls.
const ANYBODYS: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn client(clients: &Arc<Clients>, address: &str) -> Arc<Client> {
        clients.get(ClientKey::of(None, Some(address.parse().unwrap())).unwrap())
    }

    #[test]
    fn a_client_is_an_identity_or_an_address_or_a_network() {
        let key = |actor, address: &str| ClientKey::of(actor, address.parse().ok()).map(|key| key.to_string());
        assert_eq!(key(Some(Actor::verified("ada")), "192.0.2.1").as_deref(), Some("ada"));
        assert_eq!(key(Some(Actor::asserted("ada")), "192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(key(None, "::ffff:192.0.2.1").as_deref(), Some("192.0.2.1"));
        assert_eq!(key(None, "2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::/64"));
        assert_eq!(key(None, "").as_deref(), None);
    }

    #[test]
    fn the_greediest_leaves_as_much_as_it_has() {
        let clients = Arc::<Clients>::default();
        let [greedy, modest, third] = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|address| client(&clients, address));
        let take = |client: &Arc<Client>| {
            let taken = client.take(SharedResource::OpenCalls, 1);
            (!client.is_over(SharedResource::OpenCalls, 100)).then_some(taken)
        };
        let most = |client: &Arc<Client>, kept: &mut Vec<Share>| {
            let before = kept.len();
            kept.extend(std::iter::from_fn(|| take(client)));
            kept.len() - before
        };
        let mut kept = Vec::new();
        assert_eq!(most(&greedy, &mut kept), 50);
        assert_eq!(most(&modest, &mut kept), 25);
        assert_eq!(most(&third, &mut kept), 12);
        assert_eq!(most(&greedy, &mut kept), 0);
        drop(kept);
        assert_eq!(most(&modest, &mut Vec::new()), 50, "all was given back");
        drop((greedy, modest, third));
        assert!(clients.known.lock().is_empty());
    }

    #[test]
    fn who_writes_more_than_its_part_of_a_second_is_known() {
        let clients = Arc::<Clients>::default();
        let [flooder, other] = ["192.0.2.1", "192.0.2.2"].map(|address| client(&clients, address));
        assert!(!flooder.writes(100_000, 5), "alone");
        assert!(!other.writes(10, 6));
        assert!(flooder.writes(1000, 7));
        assert!(!other.writes(10, 8));
        assert!(!flooder.writes(1, 5 + SECOND), "a new second");
        assert!(flooder.writes(100_000, 6 + SECOND), "another was there a moment ago");
        assert!(!other.writes(100_000, 7 + SECOND), "no more than that one");
        assert!(!flooder.writes(100_000, 9 * SECOND), "alone again");
    }

    /// Each request may be the only thing that is known of its client.
    #[test]
    fn what_a_client_wrote_outlives_its_requests() {
        let clients = Arc::<Clients>::default();
        let writes = |address, bytes, now| client(&clients, address).writes(bytes, now);
        assert!(!writes("192.0.2.2", 10, 5));
        let first = (1..=100).find(|request| writes("192.0.2.1", 1000, 5 + request));
        assert_eq!(first, Some(66), "of a thousand bytes each, beyond what nobody is denied");
        assert!(!writes("192.0.2.2", 10, 200), "it is one other, however often it asks");
        assert!(writes("192.0.2.1", 1000, 201));
    }
}
