//! The spans that the layer audits or that stand for a call, while they are open: a table beside the registry instead of
//! something in a span's extensions, which would cost an allocation and three look-ups in the registry a span
//! (docs/adr/011).
//!
//! Invariants:
//! 1. The table is that of one layer, so of one registry: ids are unique among the open spans of it.
//! 2. An id that a new span has leads to nothing older, also where a close was missed.
//! 3. A span may be found, and closed, on any thread. Where nothing is kept, or nothing waits for an entering, asking
//!    writes nothing that another thread reads.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::span::Id;

use super::entry::Entry;
use crate::locks::{Mutex, MutexGuard};
use crate::trail::{CallState, HoldsCalls};

/// What the layer keeps of open spans.
#[derive(Debug)]
pub(super) struct OpenSpans {
    shards: Box<[Shard]>,
}

type Entries = HashMap<u64, Kept, BuildHasherDefault<IdHasher>>;

/// A part of the table, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    /// How many are in it. Whoever may use a span has been given it by whoever made it, and so sees it counted.
    count: AtomicUsize,
    /// How many of them wait for their entering.
    waiting: AtomicUsize,
    spans: Mutex<Entries>,
}

#[derive(Debug)]
struct Kept {
    entry: Entry,
    /// Something is to be done when the span is entered.
    waits: bool,
}

impl OpenSpans {
    /// Keeps an entry for a span; says whether something is to be done when it is entered.
    pub(super) fn keep(&self, id: &Id, entry: Entry, waits: bool) {
        let Some(shard) = self.shard(id) else { return };
        let mut spans = shard.spans();
        let missed = spans.insert(id.into_u64(), Kept { entry, waits });
        shard.count.store(spans.len(), Ordering::Relaxed);
        shard.note_waits(missed.as_ref().is_some_and(|missed| missed.waits), waits);
        drop(spans);
        // It may end an OTel span, which calls the user's own code: nothing is locked.
        drop(missed);
    }

    /// Asks what is kept for a span, with its shard locked: no code of others may run in there.
    #[inline]
    pub(super) fn with<T>(&self, id: &Id, ask: impl FnOnce(&Entry) -> T) -> Option<T> {
        self.used_shard(id)?.spans().get(&id.into_u64()).map(|kept| ask(&kept.entry))
    }

    /// What is kept for a span.
    pub(super) fn get(&self, id: &Id) -> Option<Entry> {
        self.used_shard(id)?.spans().get(&id.into_u64()).map(|kept| kept.entry.clone())
    }

    /// Asks what is kept for a span that is being entered, if it waits for that; as [`with`](Self::with).
    #[inline]
    pub(super) fn with_waiting<T>(&self, id: &Id, ask: impl FnOnce(&Entry) -> T) -> Option<T> {
        let shard = self.shard(id).filter(|shard| shard.waiting.load(Ordering::Relaxed) > 0)?;
        let mut spans = shard.spans();
        let kept = spans.get_mut(&id.into_u64()).filter(|kept| kept.waits)?;
        kept.waits = false;
        shard.note_waits(true, false);
        Some(ask(&kept.entry))
    }

    /// Something is to be done when the span is entered again.
    pub(super) fn wait(&self, id: &Id) {
        let Some(shard) = self.used_shard(id) else { return };
        let mut spans = shard.spans();
        if let Some(kept) = spans.get_mut(&id.into_u64()) {
            let waited = std::mem::replace(&mut kept.waits, true);
            shard.note_waits(waited, true);
        }
    }

    /// What is kept for a span, taken out.
    pub(super) fn take(&self, id: &Id) -> Option<Entry> {
        let shard = self.used_shard(id)?;
        let mut spans = shard.spans();
        let Kept { entry, waits } = spans.remove(&id.into_u64())?;
        shard.count.store(spans.len(), Ordering::Relaxed);
        shard.note_waits(waits, false);
        drop(spans);
        Some(entry)
    }

    /// The shard of a span, if anything is in it: most spans are none of ours.
    #[inline]
    fn used_shard(&self, id: &Id) -> Option<&Shard> {
        self.shard(id).filter(|shard| shard.count.load(Ordering::Relaxed) > 0)
    }

    #[inline]
    fn shard(&self, id: &Id) -> Option<&Shard> {
        let index = mixed(id.into_u64() & PLACE) >> (u64::BITS - SHARD_BITS);
        self.shards.get(usize::try_from(index).ok()?)
    }
}

impl HoldsCalls for OpenSpans {
    fn visit_open(&self, visit: &dyn Fn(&CallState)) {
        let kept = |shard: &Shard| shard.spans().values().map(|kept| kept.entry.clone()).collect::<Vec<_>>();
        // Nothing is locked meanwhile.
        for entry in self.shards.iter().flat_map(kept) {
            entry.audited().and_then(|audited| audited.open_call()).into_iter().for_each(visit);
        }
    }
}

impl Shard {
    #[inline]
    fn spans(&self) -> MutexGuard<'_, Entries> {
        self.spans.lock()
    }

    /// Counts those that wait; under the lock, so nobody else writes it.
    #[inline]
    fn note_waits(&self, before: bool, now: bool) {
        if before != now {
            let waiting = self.waiting.load(Ordering::Relaxed);
            let waiting = if now { waiting + 1 } else { waiting.saturating_sub(1) };
            self.waiting.store(waiting, Ordering::Relaxed);
        }
    }
}

impl Default for OpenSpans {
    fn default() -> Self {
        Self { shards: std::iter::repeat_with(Shard::default).take(1 << SHARD_BITS).collect() }
    }
}

/// Ids are given by the registry: nobody can choose them.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    #[inline]
    fn write_u64(&mut self, id: u64) {
        self.0 = mixed(id);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A multiplication spreads them enough over the upper bits; the map wants the lower ones, too.
#[inline]
fn mixed(id: u64) -> u64 {
    let spread = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    spread ^ (spread >> 32)
}

const SHARD_BITS: u32 = 6;

/// The bits of an id that say where in the registry the span stands: those above count how often the place was used, and
/// would lead a thread that makes one span after the other through all shards. Only speed depends on it.
const PLACE: u64 = (1 << 51) - 1;
