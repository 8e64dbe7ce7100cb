//! The way of one stream to the sink: several batches in flight, settled in order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;

use super::backoff::Backoff;
use super::flight::{Refusal, fly};
use super::gate::{Gate, Trouble};
use super::hurry::Hurry;
use super::reports::{QUARANTINE, Reports};
use super::source::{Settle, Source};
use super::{Envelope, GaveUp, ShipStats, Shipment, Sink, Stamp};
use crate::config::Notices;
use crate::journal::{Batch, BatchLimits, Entry, Reader, Refused, Settler, planted};
use crate::record::{Entropy, StreamId};

/// Ships streams by the connection of one shipper; clones share it. Two streams may be drained at the same time.
#[derive(Debug, Clone)]
pub struct Lane(pub(super) Arc<Fleet>);

/// What all flights share.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) gate: Gate,
    pub(super) target: String,
    pub(super) stats: Arc<ShipStats>,
    pub(super) notices: Notices,
    pub(super) reports: Arc<dyn Reports>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) hurry: Hurry,
    /// A request with a record that the sink took.
    pub(super) last_taken: Mutex<Option<Bytes>>,
    /// What drains that were dropped had read and not settled.
    pub(super) stranded: Mutex<Vec<(StreamId, VecDeque<Arc<Shipment>>)>>,
}

impl Lane {
    /// Ships all that is readable; returns when everything that was read is settled. What is appended meanwhile is
    /// shipped, too. Both handles are of the same stream and sink. Must run inside a tokio runtime.
    ///
    /// It may be dropped at any time, at a deadline for example: nothing is settled out of order, what was in flight
    /// may reach the sink twice, and the next drain of the same stream begins with it.
    pub async fn drain(&self, reader: &mut Reader, settler: &mut Settler) {
        self.ship(reader, settler).await;
    }

    pub(super) async fn ship(&self, source: &mut impl Source, settler: &mut impl Settle) {
        let mut convoy = Convoy::new(self, source);
        loop {
            while convoy.has_room() {
                let Some(batch) = source.next(LIMITS) else { break };
                convoy.load(&batch);
            }
            let has_room = convoy.has_room();
            let Some(first) = convoy.flights.front_mut() else { return };
            let landed = tokio::select! {
                landed = &mut first.landing => landed,
                () = self.more(source), if has_room => continue,
            };
            let shipment = first.shipment.clone();
            match landed {
                Ok(refusals) => {
                    self.settle(settler, source.stream(), &shipment, refusals).await;
                    convoy.flights.pop_front();
                }
                Err(error) => {
                    self.crashed(&error).await;
                    convoy.relaunch_first();
                }
            }
        }
    }

    /// Something new to read, after others had the time to come along.
    async fn more(&self, source: &impl Source) {
        let hurries = self.0.hurry.count();
        source.readable().await;
        self.0.linger(hurries).await;
    }

    /// Quarantine, report, settle: in this order, so that a stop in between repeats and never loses.
    async fn settle(&self, settler: &mut impl Settle, stream: StreamId, shipment: &Shipment, refusals: Vec<Refusal>) {
        let mut quarantined = 0;
        for refusal in &refusals {
            let records = shipment.records(&refusal.part);
            self.keep(settler, &records, refusal).await;
            quarantined += refusal.refused;
            let gaps = GaveUp::of((stream, settler.sink()), &records, refusal.refused);
            gaps.into_iter().for_each(|gap| self.0.reports.gave_up(gap));
        }
        if let Some(last) = refusals.last() {
            self.0.notices.warn(format!(
                "the collector at {} refused {quarantined} audit record(s) for good ({}); they are in quarantine and a gap \
                 record tells of them; see what its pipeline rejects",
                self.0.target, last.reason
            ));
        }
        if planted("count-quarantined-as-delivered") {
            quarantined = 0;
        }
        self.0.stats.settled((shipment.len() as u64).saturating_sub(quarantined), quarantined);
        if let Some(last) = shipment.last() {
            settler.settle(last);
        }
    }

    /// Into quarantine, however long it takes: an unsettled batch holds up its stream, a lost one is lost.
    async fn keep(&self, settler: &impl Settle, entries: &[Entry], refusal: &Refusal) {
        let refused = Refused { entries, refused: refusal.refused, reason: &refusal.reason };
        let mut backoff = Backoff::away();
        let mut troubled = false;
        while let Err(error) = settler.quarantine(refused) {
            if !std::mem::replace(&mut troubled, true) {
                self.0.reports.degraded(QUARANTINE);
                self.0.notices.warn(format!(
                    "refused audit records cannot be put into quarantine ({error}); they stay in the journal, and it is \
                     tried again"
                ));
            }
            sleep(backoff.next(&*self.0.entropy)).await;
        }
        if troubled {
            self.0.reports.recovered();
            self.0.notices.recovered("refused audit records are in quarantine now");
        }
    }

    /// A sink of somebody else panicked: its batch is sent again, after a pause, like one that was not answered.
    async fn crashed(&self, error: &JoinError) {
        let turn = self.0.gate.enter().await;
        let reason = if error.is_panic() { "its connector panicked" } else { "its runtime ended" };
        self.0.gate.failed(turn, Trouble::Away, reason, None);
    }
}

impl Fleet {
    pub(super) fn taken(&self) -> MutexGuard<'_, Option<Bytes>> {
        self.last_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first record after a pause waits for others, unless somebody has hurried since that count.
    pub(super) async fn linger(&self, hurries: u64) {
        tokio::select! {
            () = sleep(LINGER) => {}
            () = self.hurry.beyond(hurries) => {}
        }
    }

    /// A shipment is dropped from here only when a drain has taken it over.
    fn stranded(&self, stream: StreamId) -> VecDeque<Arc<Shipment>> {
        let mut stranded = self.stranded.lock().unwrap_or_else(PoisonError::into_inner);
        match stranded.iter().position(|(of, _)| *of == stream) {
            Some(place) => stranded.swap_remove(place).1,
            None => VecDeque::new(),
        }
    }
}

/// The batches in flight, oldest first. Dropped, it lands them all where the next drain finds them.
struct Convoy {
    fleet: Arc<Fleet>,
    stream: StreamId,
    envelope: Envelope,
    stamp: Stamp,
    flights: VecDeque<Flight>,
}

struct Flight {
    shipment: Arc<Shipment>,
    landing: JoinHandle<Vec<Refusal>>,
}

impl Convoy {
    fn new(lane: &Lane, source: &impl Source) -> Self {
        let stream = source.stream();
        let mut convoy = Self {
            fleet: lane.0.clone(),
            stream,
            envelope: Envelope::new(source.resource().clone(), source.scope().clone()),
            stamp: Stamp::of(stream),
            flights: VecDeque::new(),
        };
        for shipment in lane.0.stranded(stream) {
            convoy.launch(shipment);
        }
        convoy
    }

    fn has_room(&self) -> bool {
        self.flights.len() < IN_FLIGHT
    }

    /// Puts on each record what it gets, and sends them.
    fn load(&mut self, batch: &Batch) {
        self.launch(Arc::new(Shipment::stamped(self.envelope.clone(), &self.stamp, &batch.entries)));
    }

    fn launch(&mut self, shipment: Arc<Shipment>) {
        let landing = self.take_off(&shipment);
        self.flights.push_back(Flight { shipment, landing });
    }

    fn relaunch_first(&mut self) {
        let Some(first) = self.flights.front() else { return };
        let landing = self.take_off(&first.shipment);
        if let Some(first) = self.flights.front_mut() {
            first.landing = landing;
        }
    }

    /// A task of its own, so that it goes on while an earlier one is settled.
    fn take_off(&self, shipment: &Arc<Shipment>) -> JoinHandle<Vec<Refusal>> {
        let flight = tokio::spawn(fly(self.fleet.clone(), shipment.clone()));
        if planted("settle-before-the-answer") {
            drop(flight);
            return tokio::spawn(async { Vec::new() });
        }
        flight
    }
}

impl Drop for Convoy {
    fn drop(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        let shipments = self.flights.iter().map(|flight| flight.shipment.clone()).collect();
        self.fleet.stranded.lock().unwrap_or_else(PoisonError::into_inner).push((self.stream, shipments));
    }
}

/// Ends the requests of a batch whose drain was dropped.
impl Drop for Flight {
    fn drop(&mut self) {
        self.landing.abort();
    }
}

/// Enough to fill a connection while answers are on their way; with the limits below, some megabytes.
pub(super) const IN_FLIGHT: usize = 4;
/// Half a megabyte fills a connection and stays far below the 4 MiB that gRPC servers take by default.
pub(super) const LIMITS: BatchLimits = BatchLimits { records: 2000, bytes: 512 * 1024 };
/// One request instead of many, one wake-up of the shipper's thread.
const LINGER: Duration = Duration::from_millis(10);
