//! The path of one stream to the sink: several batches in flight, settled in order.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;

use super::backoff::Backoff;
use super::delivery::Delivery;
use super::frame::Stamp;
use super::reports::QUARANTINE;
use super::reports::RefusedRange;
use super::send::{RefusedPart, send};
use super::shipment::Shipment;
use super::source::{BatchSource, Settle, ShippedStream};
use super::trouble::Trouble;
use crate::journal::{Batch, BatchLimits, Entry, Reader, Refused, Settler, planted};

/// Ships streams over the connection of one shipper. Clones share it. Two streams can be drained at one time.
#[derive(Debug, Clone)]
pub struct Lane(pub(super) Arc<Delivery>);

impl Lane {
    /// Ships everything that is readable, and returns when everything that was read is settled. Records that are
    /// appended in the meantime are shipped, too. Both handles must be of one stream and sink. Must run inside a
    /// tokio runtime.
    ///
    /// The future may be dropped at any time, for example at a deadline. Then nothing is settled out of order, what
    /// was in flight may reach the sink twice, and the next drain of that stream begins with it.
    pub async fn drain(&self, reader: &mut Reader, settler: &mut Settler) {
        self.ship(&ShippedStream::of(reader, settler), reader, settler).await;
    }

    pub(super) async fn ship(&self, shipped: &ShippedStream, source: &mut impl BatchSource, settler: &mut impl Settle) {
        let mut in_flight = InFlight::new(self, shipped);
        loop {
            while in_flight.has_room() {
                let Some(batch) = source.next(LIMITS) else { break };
                in_flight.send_batch(&batch);
            }
            let has_room = in_flight.has_room();
            let Some(first) = in_flight.batches.front_mut() else { return };
            let answered = tokio::select! {
                answered = &mut first.answer => answered,
                () = self.more(source), if has_room => continue,
            };
            let shipment = first.shipment.clone();
            match answered {
                Ok(refusals) => {
                    self.settle(shipped, settler, &shipment, refusals).await;
                    in_flight.batches.pop_front();
                }
                Err(error) => {
                    self.crashed(&error).await;
                    in_flight.send_first_again();
                }
            }
        }
    }

    /// Waits for something new to read, and a little longer for more.
    async fn more(&self, source: &impl BatchSource) {
        let hurries = self.0.hurry.count();
        source.readable().await;
        self.0.linger(hurries).await;
    }

    /// Quarantine, report, settle, in this order, so that a stop in between repeats a step and never loses a record.
    async fn settle(
        &self,
        shipped: &ShippedStream,
        settler: &mut impl Settle,
        shipment: &Shipment,
        refusals: Vec<RefusedPart>,
    ) {
        let mut quarantined = 0;
        for refusal in &refusals {
            let records = shipment.records(&refusal.part);
            self.keep(settler, &records, refusal).await;
            quarantined += refusal.refused;
            let gaps = RefusedRange::of((shipped.stream, shipped.sink), &records, refusal.refused);
            gaps.into_iter().for_each(|gap| self.0.reports.refused(gap));
        }
        if let Some(last) = refusals.last() {
            self.0.notices.warn(format!(
                "{} refused {quarantined} audit record(s) for good ({}); they are in quarantine and a gap \
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

    /// Puts records into quarantine, however long it takes: an unsettled batch only holds up its stream.
    async fn keep(&self, settler: &impl Settle, entries: &[Entry], refusal: &RefusedPart) {
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

    /// A user's sink panicked. Its batch is sent again after a pause, as if it had not been answered.
    async fn crashed(&self, error: &JoinError) {
        let turn = self.0.gate.enter().await;
        let reason = if error.is_panic() { "its connector panicked" } else { "its runtime ended" };
        self.0.gate.failed(turn, Trouble::Away, reason, None);
    }
}

/// The batches in flight, oldest first. When this is dropped, the next drain of the stream finds them.
struct InFlight<'a> {
    delivery: Arc<Delivery>,
    shipped: &'a ShippedStream,
    stamp: Stamp,
    batches: VecDeque<SentBatch>,
}

struct SentBatch {
    shipment: Arc<Shipment>,
    answer: JoinHandle<Vec<RefusedPart>>,
}

impl<'a> InFlight<'a> {
    fn new(lane: &Lane, shipped: &'a ShippedStream) -> Self {
        let stamp = Stamp::of(shipped.stream);
        let mut in_flight = Self { delivery: lane.0.clone(), shipped, stamp, batches: VecDeque::new() };
        for shipment in lane.0.stranded(shipped.stream) {
            in_flight.send(shipment);
        }
        in_flight
    }

    fn has_room(&self) -> bool {
        self.batches.len() < self.delivery.in_flight
    }

    /// Stamps each record, and sends them.
    fn send_batch(&mut self, batch: &Batch) {
        self.send(Arc::new(Shipment::stamped(self.shipped.envelope.clone(), &self.stamp, &batch.entries)));
    }

    fn send(&mut self, shipment: Arc<Shipment>) {
        let answer = self.spawn(&shipment);
        self.batches.push_back(SentBatch { shipment, answer });
    }

    fn send_first_again(&mut self) {
        let Some(first) = self.batches.front() else { return };
        let answer = self.spawn(&first.shipment);
        if let Some(first) = self.batches.front_mut() {
            first.answer = answer;
        }
    }

    /// A separate task, so that it makes progress while an earlier batch is settled.
    fn spawn(&self, shipment: &Arc<Shipment>) -> JoinHandle<Vec<RefusedPart>> {
        let answer = tokio::spawn(send(self.delivery.clone(), shipment.clone()));
        if planted("settle-before-the-answer") {
            drop(answer);
            return tokio::spawn(async { Vec::new() });
        }
        answer
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if self.batches.is_empty() {
            return;
        }
        let shipments = self.batches.iter().map(|batch| batch.shipment.clone()).collect();
        self.delivery.strand(self.shipped.stream, shipments);
    }
}

/// Ends the requests of a batch whose drain was dropped.
impl Drop for SentBatch {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

/// Half a megabyte fills a connection and stays far below the 4 MiB that gRPC servers accept by default.
pub(super) const LIMITS: BatchLimits = BatchLimits { records: 2000, bytes: 512 * 1024 };
