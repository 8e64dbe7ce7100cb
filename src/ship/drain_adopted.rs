//! The end of a dead process's stream. It is written when everything in the stream has been read, because only then
//! is it known what precedes it.

use std::future::Future;

use super::lane::Lane;
use super::source::{BatchSource, ShippedStream};
use crate::journal::{Batch, BatchLimits, Reader, Settler};
use crate::locks::Mutex;

impl Lane {
    /// Like [`drain`](Self::drain). Once everything that is there has been read, settled or not, `end` appends the
    /// end of the stream, which is shipped, too. `end` is not called if that moment does not come: a sink that is
    /// away stops the reading of a long stream, and an unreadable disk stops that of any.
    pub(crate) async fn drain_to_the_end(&self, reader: &mut Reader, settler: &mut Settler, end: impl FnOnce() + Send) {
        let shipped = ShippedStream::of(reader, settler);
        self.ship(&shipped, &mut ReaderWithEnd { reader, end: Mutex::new(Some(end)) }, settler).await;
    }
}

struct ReaderWithEnd<'a, E> {
    reader: &'a mut Reader,
    /// Present until it is called.
    end: Mutex<Option<E>>,
}

impl<E: FnOnce() + Send> BatchSource for ReaderWithEnd<'_, E> {
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
