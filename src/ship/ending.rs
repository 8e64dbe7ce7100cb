//! A stream of a dead process, which gets its end when all that is in it was read: only then is it known what the end comes
//! behind.

use std::future::Future;

use bytes::Bytes;

use super::lane::Lane;
use super::source::Source;
use crate::journal::{Batch, BatchLimits, Reader, Settler};
use crate::locks::Mutex;
use crate::record::StreamId;

impl Lane {
    /// As [`drain`](Self::drain). As soon as all that is there is read, whether or not it is settled, `end` appends what comes
    /// behind it, which is shipped, too. It is not called if that does not come to pass: a sink that is away stops the reading
    /// of a long stream, and a disk that cannot be read that of any.
    pub(crate) async fn drain_to_the_end(&self, reader: &mut Reader, settler: &mut Settler, end: impl FnOnce() + Send) {
        self.ship(&mut Ending { reader, end: Mutex::new(Some(end)) }, settler).await;
    }
}

struct Ending<'a, E> {
    reader: &'a mut Reader,
    /// Until it is called.
    end: Mutex<Option<E>>,
}

impl<E: FnOnce() + Send> Source for Ending<'_, E> {
    fn stream(&self) -> StreamId {
        self.reader.stream()
    }

    fn resource(&self) -> &Bytes {
        self.reader.resource()
    }

    fn scope(&self) -> &Bytes {
        self.reader.scope()
    }

    fn readable(&self) -> impl Future<Output = ()> + Send {
        self.reader.readable()
    }

    fn next(&mut self, limits: BatchLimits) -> Option<Batch> {
        let batch = self.reader.next(limits);
        if batch.is_some() || !self.reader.is_at_end() {
            return batch;
        }
        let end = self.end.get_mut().take()?;
        end();
        self.reader.next(limits)
    }
}
