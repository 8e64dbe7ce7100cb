//! What a lane needs of a journal.

use std::future::Future;

use bytes::Bytes;

use crate::journal::{Batch, BatchLimits, JournalError, Reader, Refused, Sequence, Settler, SinkName};
use crate::record::StreamId;

/// A stream that is read ahead: the journal's reader, or a fake in tests.
pub(super) trait Source: Send + Sync {
    fn stream(&self) -> StreamId;
    fn resource(&self) -> &Bytes;
    fn scope(&self) -> &Bytes;
    fn readable(&self) -> impl Future<Output = ()> + Send;
    fn next(&mut self, limits: BatchLimits) -> Option<Batch>;
}

/// Settles a stream in order: the journal's settler, or a fake in tests that can fail.
pub(super) trait Settle: Send + Sync {
    fn sink(&self) -> SinkName;
    fn settle(&mut self, through: Sequence);
    fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError>;
}

impl Source for Reader {
    fn stream(&self) -> StreamId {
        self.stream()
    }

    fn resource(&self) -> &Bytes {
        self.resource()
    }

    fn scope(&self) -> &Bytes {
        self.scope()
    }

    fn readable(&self) -> impl Future<Output = ()> + Send {
        self.readable()
    }

    fn next(&mut self, limits: BatchLimits) -> Option<Batch> {
        self.next(limits)
    }
}

impl Settle for Settler {
    fn sink(&self) -> SinkName {
        self.sink()
    }

    fn settle(&mut self, through: Sequence) {
        self.settle(through);
    }

    fn quarantine(&self, refused: Refused<'_>) -> Result<(), JournalError> {
        self.quarantine(refused)
    }
}
