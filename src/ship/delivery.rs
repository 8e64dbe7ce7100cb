//! What all batches of a shipper share: the connection, the gate in front of it, and the receivers of reports.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::sleep;

use super::connector::{Accepted, Connector, ExportError, Sink};
use super::gate::{Gate, GateContext};
use super::hurry::Hurry;
use super::reports::Reports;
use super::shipment::Shipment;
use super::stats::ShipStats;
use super::target::Target;
use crate::config::Notices;
use crate::journal::planted;
use crate::locks::{Mutex, MutexGuard};
use crate::record::{Entropy, StreamId};

/// The parts that a shipper is built from.
#[derive(Debug)]
pub struct ShipperParts {
    /// Creates the connection.
    pub connector: Arc<dyn Connector>,
    /// Where the shipper reports that the collector is away or back.
    pub notices: Notices,
    /// Randomness for the jitter of retries.
    pub entropy: Arc<dyn Entropy>,
    /// Turns what was given up into records.
    pub reports: Arc<dyn Reports>,
}

/// Where a shipper reports, and its randomness.
#[derive(Debug, Clone)]
pub(crate) struct ShipperContext {
    pub(crate) notices: Notices,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) reports: Arc<dyn Reports>,
}

/// What the lanes of one shipper share.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) gate: Gate,
    pub(super) target: Target,
    /// How many batches of a stream are sent before the first of them is answered.
    pub(super) in_flight: usize,
    pub(super) stats: Arc<ShipStats>,
    pub(super) notices: Notices,
    pub(super) reports: Arc<dyn Reports>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) hurry: Hurry,
    /// A request with one record that the sink has accepted.
    pub(super) last_taken: Mutex<Option<Bytes>>,
    /// Shipments that dropped drains had read and not settled.
    pub(super) stranded: Mutex<Vec<(StreamId, VecDeque<Arc<Shipment>>)>>,
}

impl Delivery {
    pub(super) fn new(parts: ShipperContext, sink: Arc<dyn Sink>, target: Target) -> Self {
        let hurry = Hurry::default();
        let context = GateContext {
            target: target.clone(),
            notices: parts.notices.clone(),
            reports: parts.reports.clone(),
            entropy: parts.entropy.clone(),
            hurry: hurry.clone(),
        };
        Self {
            sink,
            gate: Gate::new(context),
            in_flight: target.in_flight(),
            target,
            stats: Arc::new(ShipStats::default()),
            notices: parts.notices,
            reports: parts.reports,
            entropy: parts.entropy,
            hurry,
            last_taken: Mutex::default(),
            stranded: Mutex::default(),
        }
    }

    pub(super) fn taken(&self) -> MutexGuard<'_, Option<Bytes>> {
        self.last_taken.lock()
    }

    /// The first record after a pause waits for more, unless a flush has started since that count.
    pub(super) async fn linger(&self, hurries: u64) {
        tokio::select! {
            () = sleep(LINGER) => {}
            () = self.hurry.beyond(hurries) => {}
        }
    }

    /// Keeps the shipments that a dropped drain had read and not settled.
    pub(super) fn strand(&self, stream: StreamId, shipments: VecDeque<Arc<Shipment>>) {
        self.stranded.lock().push((stream, shipments));
    }

    /// A shipment is removed from here only when a drain has taken it over.
    pub(super) fn stranded(&self, stream: StreamId) -> VecDeque<Arc<Shipment>> {
        let mut stranded = self.stranded.lock();
        match stranded.iter().position(|(of, _)| *of == stream) {
            Some(place) => stranded.swap_remove(place).1,
            None => VecDeque::new(),
        }
    }

    pub(super) async fn export(&self, request: &Bytes) -> Result<Accepted, ExportError> {
        let under_way = self.stats.request(request.len());
        let answer = self.sink.export(request.clone()).await;
        under_way.ended(answer.is_ok());
        answer
    }

    /// Whether the sink accepts records now: it answered other requests since that count, or accepts one again that
    /// it already has. Readers drop that duplicate by its `audit.record.id`. `None` if there is no such record.
    pub(super) async fn takes_others(&self, answers: u64) -> Option<bool> {
        if self.gate.answers() != answers || planted("give-up-in-an-outage") {
            return Some(true);
        }
        let request = self.taken().clone()?;
        Some(matches!(self.export(&request).await, Ok(_) | Err(ExportError::Rejected { .. })))
    }

    /// Keeps a request with one record that the sink has; a small one, because it stays in memory.
    pub(super) fn remember(&self, shipment: &Shipment, part: &Range<usize>, request: &Bytes) {
        if part.len() == 1 {
            *self.taken() = Some(request.clone());
        } else if let Some(shortest) = shipment.shortest(part) {
            *self.taken() = Some(shipment.request(&(shortest..shortest + 1)));
        }
    }
}

/// One request instead of many, and one wake-up of the shipper's thread.
const LINGER: Duration = Duration::from_millis(10);
