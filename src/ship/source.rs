//! What a lane needs of a journal.

use std::future::Future;

use super::frame::Envelope;
use crate::journal::{Batch, BatchLimits, JournalError, Reader, Refused, Sequence, Settler, SinkName};
use crate::record::StreamId;

/// Which stream is shipped to which sink.
#[derive(Debug)]
pub(super) struct ShippedStream {
    pub(super) stream: StreamId,
    pub(super) sink: SinkName,
    pub(super) envelope: Envelope,
}

impl ShippedStream {
    pub(super) fn of(reader: &Reader, settler: &Settler) -> Self {
        let envelope = Envelope::new(reader.resource().clone(), reader.scope().clone());
        Self { stream: reader.stream(), sink: settler.sink(), envelope }
    }
}

/// A stream that is read ahead: the journal's reader, or a fake in tests.
pub(super) trait BatchSource: Send + Sync {
    fn readable(&self) -> impl Future<Output = ()> + Send;
    fn next(&mut self, limits: BatchLimits) -> Option<Batch>;
}

/// Settles a stream in order: the journal's settler, or a fake in tests that can fail.
pub(super) trait Settle: Send + Sync {
    fn settle(&mut self, through: Sequence);
    fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError>;
}

impl BatchSource for Reader {
    fn readable(&self) -> impl Future<Output = ()> + Send {
        self.readable()
    }

    fn next(&mut self, limits: BatchLimits) -> Option<Batch> {
        self.next(limits)
    }
}

impl Settle for Settler {
    fn settle(&mut self, through: Sequence) {
        self.settle(through);
    }

    fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError> {
        self.quarantine(refused)
    }
}
