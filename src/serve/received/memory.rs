//! The handle to what a receiver holds.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::item::{ReceivedRecord, ReceivedSpan, Weighed};
use super::progress::ArrivalSignal;
use super::ring::{RingLimits, RingSlot};
use super::state::{Dropped, ReceivedState, Snapshot};
use crate::locks::{Mutex, MutexGuard};
use crate::serve::error::WaitError;

/// A handle to what a receiver holds. Clones share the memory, also after the receiver has stopped.
#[derive(Clone, Debug)]
pub struct Received {
    pub(super) shared: Arc<ReceivedShared>,
}

#[derive(Debug)]
pub(super) struct ReceivedShared {
    state: Mutex<ReceivedState>,
    pub(super) progress: watch::Sender<ArrivalSignal>,
}

impl Received {
    /// An empty memory for records and spans, each within `limits`, for a run that starts at `started_unix_nano`.
    pub(crate) fn new(records: RingLimits, spans: RingLimits, started_unix_nano: u64) -> Self {
        let first_position = (started_unix_nano / NANOS_PER_MICRO).max(1);
        let shared = ReceivedShared {
            state: Mutex::new(ReceivedState::new(records, spans, first_position)),
            progress: watch::Sender::new(ArrivalSignal::default()),
        };
        Self { shared: Arc::new(shared) }
    }

    /// All records held, oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<Arc<ReceivedRecord>> {
        self.state().records.to_vec()
    }

    /// All spans held, oldest first.
    #[must_use]
    pub fn spans(&self) -> Vec<Arc<ReceivedSpan>> {
        self.state().spans.to_vec()
    }

    /// The record with this `audit.record.id`; the last received one if there are several.
    #[must_use]
    pub fn record(&self, id: &str) -> Option<Arc<ReceivedRecord>> {
        self.state().record(id)
    }

    /// How many records arrived with an id that a held record already had: redeliveries.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.state().duplicates
    }

    /// How much was dropped to keep memory bounded.
    #[must_use]
    pub fn dropped(&self) -> Dropped {
        self.state().dropped()
    }

    /// Everything that is held, read at one moment.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.state().snapshot()
    }

    /// Waits until `ready` returns true, and returns what it saw. `ready` is called once at first and then whenever
    /// something has arrived.
    ///
    /// # Errors
    ///
    /// [`WaitError::TimedOut`] if it did not return true `within` this time, [`WaitError::Stopped`] if the receiver
    /// was stopped in the meantime.
    pub async fn wait_for(
        &self,
        mut ready: impl FnMut(&Snapshot) -> bool,
        within: Duration,
    ) -> Result<Snapshot, WaitError> {
        let mut progress = self.shared.progress.subscribe();
        let waiting = async {
            loop {
                let stopped = progress.borrow_and_update().stopped;
                let snapshot = self.snapshot();
                if ready(&snapshot) {
                    return Ok(snapshot);
                }
                if stopped || progress.changed().await.is_err() {
                    return Err(WaitError::Stopped);
                }
            }
        };
        match crate::trail::within(within, waiting).await {
            Ok(seen_or_stopped) => seen_or_stopped,
            Err(_late) => Err(self.timed_out(within)),
        }
    }

    /// Adds an export's records.
    pub(crate) fn take_records(&self, records: Vec<Weighed<ReceivedRecord>>) {
        self.state().take_records(records);
        self.announce();
    }

    /// Adds an export's spans.
    pub(crate) fn take_spans(&self, spans: Vec<Weighed<ReceivedSpan>>) {
        self.state().take_spans(spans);
        self.announce();
    }

    /// Nothing will follow: waiting readers are woken.
    pub(crate) fn stop(&self) {
        self.shared.progress.send_modify(|progress| progress.stopped = true);
    }

    /// The newest position of a record.
    pub(crate) fn newest(&self) -> u64 {
        self.state().records.next_position().saturating_sub(1)
    }

    pub(super) fn at(&self, position: u64) -> RingSlot<ReceivedRecord> {
        self.state().records.at(position)
    }

    fn announce(&self) {
        self.shared.progress.send_modify(|progress| progress.changes = progress.changes.wrapping_add(1));
    }

    fn timed_out(&self, within: Duration) -> WaitError {
        let state = self.state();
        let dropped = state.dropped();
        WaitError::TimedOut {
            within,
            records: state.records.len(),
            spans: state.spans.len(),
            dropped: dropped.records.saturating_add(dropped.spans),
        }
    }

    #[cfg(test)]
    pub(crate) fn readers(&self) -> usize {
        self.shared.progress.receiver_count()
    }

    #[cfg(test)]
    pub(crate) async fn no_readers(&self) {
        self.shared.progress.closed().await;
    }

    /// A thread that panicked under the lock leaves the items complete: each step of [`ReceivedState`] is one.
    pub(super) fn state(&self) -> MutexGuard<'_, ReceivedState> {
        self.shared.state.lock()
    }
}

pub(super) const NANOS_PER_MICRO: u64 = 1_000;
