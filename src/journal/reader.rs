//! The shipper's end of the journal: reads ahead, settles in order.

use bytes::Bytes;

use super::{Journal, JournalError, Position, Sequence};
use crate::record::StreamId;

/// Reads records in the order of their positions. There is one reader.
#[derive(Debug)]
pub struct Reader {
    journal: Journal,
    read: Position,
    stream: StreamId,
    resource: Bytes,
    scope: Bytes,
}

/// One record and its number.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number.
    pub sequence: Sequence,
    /// Its bytes.
    pub record: Bytes,
}

/// Records that the sink refused for good.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// The records.
    pub entries: &'a [Entry],
    /// How many of them were refused.
    pub refused: u64,
    /// Why.
    pub reason: &'a str,
}

/// Consecutive records.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Never empty.
    pub entries: Vec<Entry>,
}

/// How much one batch may hold; a single record is never held back.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// Records.
    pub records: usize,
    /// Bytes of records.
    pub bytes: usize,
}

impl Reader {
    pub(super) fn new(journal: Journal, stream: StreamId, resource: Bytes, scope: Bytes) -> Self {
        Self { journal, read: 0, stream, resource, scope }
    }

    /// The stream.
    pub fn stream(&self) -> StreamId {
        self.stream
    }

    /// The encoded resource.
    pub fn resource(&self) -> &Bytes {
        &self.resource
    }

    /// The encoded scope.
    pub fn scope(&self) -> &Bytes {
        &self.scope
    }

    /// Keeps a copy.
    ///
    /// # Errors
    /// None here.
    pub fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError> {
        self.journal.0.state().quarantine.extend(refused.entries.iter().map(|entry| entry.record.clone()));
        Ok(())
    }

    /// Waits until there is something to read.
    pub async fn readable(&self) {
        loop {
            {
                let mut state = self.journal.0.state();
                if state.appended > self.read {
                    return;
                }
                state.reader_sleeps = true;
            }
            self.journal.0.appended.notified().await;
        }
    }

    /// The next records, if there are any; the reader moves behind them, the journal keeps them.
    pub fn next(&mut self, limits: BatchLimits) -> Option<Batch> {
        let state = self.journal.0.state();
        let skip = usize::try_from(self.read - state.settled).ok()?;
        let mut bytes = 0;
        let entries: Vec<Entry> = state
            .records
            .iter()
            .skip(skip)
            .zip(self.read + 1..)
            .take(limits.records)
            .take_while(|(record, _)| {
                bytes += record.len();
                bytes <= limits.bytes || bytes == record.len()
            })
            .map(|(record, sequence)| Entry { sequence, record: record.clone() })
            .collect();
        drop(state);
        self.read += entries.len() as u64;
        (!entries.is_empty()).then_some(Batch { entries })
    }

    /// Drops everything up to a position: it was accepted by the sink, or given up and counted.
    pub fn settle(&mut self, through: Sequence) {
        let mut state = self.journal.0.state();
        while state.settled < through.min(self.read) {
            let Some(record) = state.records.pop_front() else { break };
            state.bytes -= record.len();
            state.settled += 1;
        }
        drop(state);
        self.journal.0.settled.notify_waiters();
        self.journal.0.settled_blocking.notify_all();
    }
}
