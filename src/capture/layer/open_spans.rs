//! The open spans that the layer audits or that belong to a call, in a table next to the registry. An entry in a
//! span's extensions would cost an allocation and three lookups in the registry per span (docs/adr/011).
//!
//! Invariants:
//! 1. A table belongs to one layer, and so to one registry: ids are unique among its open spans.
//! 2. The id of a new span leads to nothing older, even if a close was missed.
//! 3. A span can be found and closed on any thread. If a shard is empty, or nothing waits for an entry, a lookup
//!    writes nothing that another thread reads.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::span::Id;

use super::span_entry::SpanEntry;
use crate::locks::{Mutex, MutexGuard};
use crate::trail::CallState;

/// The layer's table of open spans.
#[derive(Debug)]
pub(super) struct OpenSpans {
    shards: Box<[Shard]>,
}

type SpanTable = HashMap<u64, KeptSpan, BuildHasherDefault<IdHasher>>;

/// A part of the table, on separate cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    /// The number of entries. A thread that uses a span got it from the thread that created it, and so sees it
    /// counted.
    count: AtomicUsize,
    /// How many of them wait for their entry.
    waiting: AtomicUsize,
    spans: Mutex<SpanTable>,
}

#[derive(Debug)]
struct KeptSpan {
    entry: SpanEntry,
    /// There is work to do when the span is entered.
    waits: bool,
}

impl OpenSpans {
    /// Keeps an entry for a span. `waits` says whether there is work to do when it is entered.
    pub(super) fn keep(&self, id: &Id, entry: SpanEntry, waits: bool) {
        let Some(shard) = self.shard(id) else { return };
        let mut spans = shard.spans();
        let missed = spans.insert(id.into_u64(), KeptSpan { entry, waits });
        shard.count.store(spans.len(), Ordering::Relaxed);
        shard.note_waits(missed.as_ref().is_some_and(|missed| missed.waits), waits);
        drop(spans);
        // It may end an OTel span, which calls the user's code, so nothing is locked.
        drop(missed);
    }

    /// Reads the entry of a span, with its shard locked: `ask` must not run code of others.
    #[inline]
    pub(super) fn with<T>(&self, id: &Id, ask: impl FnOnce(&SpanEntry) -> T) -> Option<T> {
        self.used_shard(id)?.spans().get(&id.into_u64()).map(|kept| ask(&kept.entry))
    }

    /// The entry of a span.
    pub(super) fn get(&self, id: &Id) -> Option<SpanEntry> {
        self.used_shard(id)?.spans().get(&id.into_u64()).map(|kept| kept.entry.clone())
    }

    /// Reads the entry of a span that is being entered, if it waits for that; like [`with`](Self::with).
    #[inline]
    pub(super) fn with_waiting<T>(&self, id: &Id, ask: impl FnOnce(&SpanEntry) -> T) -> Option<T> {
        let shard = self.shard(id).filter(|shard| shard.waiting.load(Ordering::Relaxed) > 0)?;
        let mut spans = shard.spans();
        let kept = spans.get_mut(&id.into_u64()).filter(|kept| kept.waits)?;
        kept.waits = false;
        shard.note_waits(true, false);
        Some(ask(&kept.entry))
    }

    /// There is work to do when the span is entered again.
    pub(super) fn wait(&self, id: &Id) {
        let Some(shard) = self.used_shard(id) else { return };
        let mut spans = shard.spans();
        if let Some(kept) = spans.get_mut(&id.into_u64()) {
            let waited = std::mem::replace(&mut kept.waits, true);
            shard.note_waits(waited, true);
        }
    }

    /// Takes the entry of a span out of the table.
    pub(super) fn take(&self, id: &Id) -> Option<SpanEntry> {
        let shard = self.used_shard(id)?;
        let mut spans = shard.spans();
        let KeptSpan { entry, waits } = spans.remove(&id.into_u64())?;
        shard.count.store(spans.len(), Ordering::Relaxed);
        shard.note_waits(waits, false);
        drop(spans);
        Some(entry)
    }

    /// The shard of a span, if it is not empty: most spans are not audited.
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

impl OpenSpans {
    /// Shows all calls of spans of the user's that are open, one after the other.
    pub(super) fn visit_open(&self, visit: &dyn Fn(&CallState)) {
        let kept = |shard: &Shard| shard.spans().values().map(|kept| kept.entry.clone()).collect::<Vec<_>>();
        // Nothing is locked meanwhile.
        for entry in self.shards.iter().flat_map(kept) {
            entry.audited().and_then(|audited| audited.open_call()).into_iter().for_each(visit);
        }
    }
}

impl Shard {
    #[inline]
    fn spans(&self) -> MutexGuard<'_, SpanTable> {
        self.spans.lock()
    }

    /// Counts the waiting entries; under the lock, so nothing else writes the count.
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

/// The registry assigns the ids, so no input can choose them.
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

/// A multiplication mixes them well enough in the upper bits; the map also needs the lower ones.
#[inline]
fn mixed(id: u64) -> u64 {
    let spread = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    spread ^ (spread >> 32)
}

const SHARD_BITS: u32 = 6;

/// The bits of an id that are the span's slot in the registry. The bits above count the uses of the slot, and would
/// lead a thread that creates one span after the other through all shards. This only affects speed.
const PLACE: u64 = (1 << 51) - 1;
