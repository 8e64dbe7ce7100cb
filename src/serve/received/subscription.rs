//! Reading records in order, from a position on, at the reader's pace.
//!
//! A subscription holds only a position: a slow reader costs no memory, and one that is too slow gets an error.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio_stream::{Stream, wrappers::WatchStream};

use super::item::ReceivedRecord;
use super::memory::Received;
use super::progress::ArrivalSignal;
use super::ring::RingSlot;
use crate::serve::error::TailError;

/// A stream of records in the order of arrival, without a gap. It ends after an error, and when the receiver is
/// stopped and everything that is held was read.
pub struct Subscription {
    received: Received,
    wake: WatchStream<ArrivalSignal>,
    next: u64,
    last: Option<u64>,
    state: ReadState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadState {
    /// More may come.
    Open,
    /// Nothing more will come, but something may be held that was not read.
    Stopped,
    /// Everything was returned.
    Ended,
}

impl Received {
    /// The records after `position`, then new ones, in order and without a gap. `0` starts with the oldest held.
    ///
    /// # Errors
    ///
    /// [`TailError::NotHeld`] and [`TailError::Unknown`] if reading cannot continue after `position`.
    pub fn subscribe(&self, position: u64) -> Result<Subscription, TailError> {
        let next = self.state().records.resume_after(position)?;
        Ok(Subscription::new(self.clone(), next))
    }
}

impl Subscription {
    pub(crate) fn new(received: Received, next: u64) -> Self {
        let progress = received.shared.progress.subscribe();
        let state = if progress.borrow().stopped { ReadState::Stopped } else { ReadState::Open };
        let wake = WatchStream::from_changes(progress);
        Self { received, wake, next, last: None, state }
    }

    /// Ends the subscription with the record at `position` instead of waiting for more.
    #[must_use]
    pub fn until(mut self, position: u64) -> Self {
        self.last = Some(position);
        self
    }

    /// Waits for the next record. `None` at the end. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`TailError::Lagged`] if the next record was dropped, because the reader is slower than the records arrive.
    pub async fn next(&mut self) -> Option<Result<Arc<ReceivedRecord>, TailError>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    fn step(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Arc<ReceivedRecord>, TailError>>> {
        loop {
            if self.state == ReadState::Ended || self.last.is_some_and(|last| self.next > last) {
                return Poll::Ready(None);
            }
            match self.received.at(self.next) {
                RingSlot::Held(record) => {
                    self.next = self.next.saturating_add(1);
                    return Poll::Ready(Some(Ok(record)));
                }
                RingSlot::Dropped { oldest } => {
                    self.state = ReadState::Ended;
                    return Poll::Ready(Some(Err(TailError::Lagged { next: self.next, oldest })));
                }
                RingSlot::Ahead if self.state == ReadState::Stopped => self.state = ReadState::Ended,
                RingSlot::Ahead => match ready!(Pin::new(&mut self.wake).poll_next(context)) {
                    Some(ArrivalSignal { stopped: false, .. }) => {}
                    Some(ArrivalSignal { stopped: true, .. }) | None => self.state = ReadState::Stopped,
                },
            }
        }
    }
}

impl Stream for Subscription {
    type Item = Result<Arc<ReceivedRecord>, TailError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.step(context)
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { next, last, state, .. } = self;
        formatter
            .debug_struct("Subscription")
            .field("next", next)
            .field("last", last)
            .field("state", state)
            .finish_non_exhaustive()
    }
}
