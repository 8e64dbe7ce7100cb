//! A map that forgets: of what comes from outside, memory holds only so much.
//!
//! Invariants:
//! 1. There are never more entries than the bound, and memory grows only with those that there are.
//! 2. The entry that goes for a new one is the oldest: that which was added, or [touched](Recent::touch), before all others.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// The youngest entries, at most so many.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    most: usize,
    /// With the age of each: the higher, the younger.
    entries: HashMap<K, (u64, V)>,
    /// The oldest first.
    order: BTreeMap<u64, K>,
    next: u64,
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    pub(crate) fn of_at_most(most: usize) -> Self {
        Self { most, entries: HashMap::new(), order: BTreeMap::new(), next: 0 }
    }

    /// Adds an entry and returns the one that it replaces, if the map was full. One that is there already gets the value, and
    /// keeps its age.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some((_, known)) = self.entries.get_mut(&key) {
            *known = value;
            return None;
        }
        let is_full = self.entries.len() >= self.most;
        let oldest = if is_full { self.order.pop_first() } else { None };
        let forgotten = oldest.and_then(|(_, key)| self.entries.remove(&key));
        self.next += 1;
        self.order.insert(self.next, key.clone());
        self.entries.insert(key, (self.next, value));
        forgotten.map(|(_, value)| value)
    }

    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|(_, value)| value)
    }

    pub(crate) fn contains<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.entries.contains_key(key)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(feature = "tower")]
impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    /// Makes an entry the youngest.
    pub(crate) fn touch<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (age, value) = self.entries.get_mut(key)?;
        if *age < self.next {
            let key = self.order.remove(age)?;
            self.next += 1;
            *age = self.next;
            self.order.insert(self.next, key);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests;
