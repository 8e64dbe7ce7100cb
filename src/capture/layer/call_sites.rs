//! The decision for each call site, read at every span and event without a lock.
//!
//! Invariants:
//! 1. A decision is never changed or dropped: call sites are static, so their number is bounded.
//! 2. After the first time, reading writes nothing that another thread reads.

#[cfg(test)]
mod tests;

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use tracing::callsite::Identifier;

/// A hash table that only grows: if a call site finds no slot, in another table after it.
#[derive(Debug)]
pub(super) struct CallSites<P> {
    slots: Box<[OnceLock<(Identifier, P)>]>,
    more: OnceLock<Box<Self>>,
}

impl<P: Default> CallSites<P> {
    /// The decision for a call site, made now if there is none. Two threads may decide at one time; one decision
    /// counts.
    pub(super) fn get(&self, site: Identifier, decide: impl FnOnce() -> P) -> &P {
        match self.find(&site) {
            Some(decided) => decided,
            // Not under the lock of a slot: the decision calls the user's code, which may itself be traced.
            None => self.keep(site, decide()),
        }
    }

    #[inline]
    fn find(&self, site: &Identifier) -> Option<&P> {
        for slot in self.slots_of(site) {
            // The first free slot ends the search, because no slot is ever freed.
            let (kept, decided) = slot.get()?;
            if kept == site {
                return Some(decided);
            }
        }
        self.more.get()?.find(site)
    }

    fn keep(&self, site: Identifier, mut decided: P) -> &P {
        for slot in self.slots_of(&site) {
            let (kept, plan) = slot.get_or_init(|| (site.clone(), std::mem::take(&mut decided)));
            if *kept == site {
                return plan;
            }
        }
        self.more.get_or_init(Box::default).keep(site, decided)
    }

    /// The slots that a call site may use.
    fn slots_of(&self, site: &Identifier) -> impl Iterator<Item = &OnceLock<(Identifier, P)>> {
        let mut hasher = AddressHasher::default();
        site.hash(&mut hasher);
        // The upper bits are those that the multiplication has mixed.
        let start = usize::from(hasher.finish().to_be_bytes()[0]);
        self.slots.iter().skip(start).take(TRIES)
    }
}

impl<P> Default for CallSites<P> {
    fn default() -> Self {
        let slots = std::iter::repeat_with(OnceLock::new).take(usize::from(u8::MAX) + TRIES).collect();
        Self { slots, more: OnceLock::new() }
    }
}

/// A call site is identified by an address in this program: no input can choose it, and a multiplication mixes it
/// well enough.
#[derive(Debug, Default)]
struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_usize(usize::from(*byte));
        }
    }

    fn write_usize(&mut self, part: usize) {
        self.0 = (self.0.rotate_left(5) ^ part as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The slots that are checked before the search continues in the next table.
const TRIES: usize = 4;
