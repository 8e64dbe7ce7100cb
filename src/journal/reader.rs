//! The shipper's end of the journal: reads ahead, settles in order.

use bytes::Bytes;

use super::{Journal, Position};

/// Reads records in the order of their positions. There is one reader.
#[derive(Debug)]
pub struct Reader {
    journal: Journal,
    read: Position,
}

/// Consecutive records.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The encoded records, never empty.
    pub records: Vec<Bytes>,
    /// The position of the last of them.
    pub last: Position,
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
    pub(super) fn new(journal: Journal) -> Self {
        Self { journal, read: 0 }
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
        let records: Vec<Bytes> = state
            .records
            .iter()
            .skip(skip)
            .take(limits.records)
            .take_while(|record| {
                bytes += record.len();
                bytes <= limits.bytes || bytes == record.len()
            })
            .cloned()
            .collect();
        drop(state);
        self.read += records.len() as u64;
        (!records.is_empty()).then_some(Batch { records, last: self.read })
    }

    /// Drops everything up to a position: it was accepted by the sink, or given up and counted.
    pub fn settle(&mut self, through: Position) {
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
