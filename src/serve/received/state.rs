//! The state behind the lock.

use std::{collections::HashMap, sync::Arc};

use super::item::{ReceivedRecord, ReceivedSpan, Weighed};
use super::ring::{Ring, RingLimits, RingSlot};

/// Everything that a receiver holds, read at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The records held, oldest first.
    pub records: Vec<Arc<ReceivedRecord>>,
    /// The spans held, oldest first.
    pub spans: Vec<Arc<ReceivedSpan>>,
    /// How many records arrived with an id that was already held.
    pub duplicates: u64,
    /// How much was dropped to keep memory bounded.
    pub dropped: Dropped,
}

/// How much was dropped to keep memory bounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dropped {
    /// Records, the oldest first.
    pub records: u64,
    /// Spans, the oldest first.
    pub spans: u64,
}

/// Records, spans and the index of record ids, which points at held records only.
#[derive(Debug)]
pub(crate) struct ReceivedState {
    pub(crate) records: Ring<ReceivedRecord>,
    pub(crate) spans: Ring<ReceivedSpan>,
    pub(crate) duplicates: u64,
    by_id: HashMap<String, u64>,
}

impl ReceivedState {
    pub(crate) fn new(records: RingLimits, spans: RingLimits, first_position: u64) -> Self {
        Self {
            records: Ring::new(records, first_position),
            spans: Ring::new(spans, first_position),
            duplicates: 0,
            by_id: HashMap::new(),
        }
    }

    pub(crate) fn take_records(&mut self, records: Vec<Weighed<ReceivedRecord>>) {
        for Weighed { item: mut record, weight } in records {
            record.position = self.records.next_position();
            if let Some(id) = record.id() {
                let earlier = self.by_id.insert(id.to_owned(), record.position);
                self.duplicates = self.duplicates.saturating_add(u64::from(earlier.is_some()));
            }
            self.records.push(Arc::new(record), weight);
            while let Some(dropped) = self.records.drop_excess() {
                self.forget_id(&dropped);
            }
        }
    }

    pub(crate) fn take_spans(&mut self, spans: Vec<Weighed<ReceivedSpan>>) {
        for Weighed { item: span, weight } in spans {
            self.spans.push(Arc::new(span), weight);
            while self.spans.drop_excess().is_some() {}
        }
    }

    pub(crate) fn record(&self, id: &str) -> Option<Arc<ReceivedRecord>> {
        match self.records.at(*self.by_id.get(id)?) {
            RingSlot::Held(record) => Some(record),
            RingSlot::Dropped { .. } | RingSlot::Ahead => None,
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            records: self.records.to_vec(),
            spans: self.spans.to_vec(),
            duplicates: self.duplicates,
            dropped: self.dropped(),
        }
    }

    pub(crate) fn dropped(&self) -> Dropped {
        Dropped { records: self.records.dropped(), spans: self.spans.dropped() }
    }

    /// A later record with the same id keeps its place in the index.
    fn forget_id(&mut self, dropped: &ReceivedRecord) {
        if let Some(id) = dropped.id()
            && self.by_id.get(id) == Some(&dropped.position)
        {
            self.by_id.remove(id);
        }
    }

    #[cfg(test)]
    pub(crate) fn ids(&self) -> usize {
        self.by_id.len()
    }
}
