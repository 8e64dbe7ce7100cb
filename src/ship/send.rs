//! One batch in flight, until the sink has answered for every record of it.
//!
//! Invariants:
//! 1. A record is given up for one of two reasons: the sink refuses it for good, or, while the sink accepts other
//!    records, it answers this one repeatedly with a code that may mean either.
//! 2. An answer counts against a record only if the sink accepted something else at that time, and only once per
//!    pause of our own. So neither an outage, however long, nor flushes, however many, cost a record.
//! 3. A suspicious record holds up nothing else of its batch.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::backoff::Backoff;
use super::connector::{Accepted, ExportError};
use super::delivery::Delivery;
use super::shipment::Shipment;
use super::trouble::Trouble;
use crate::journal::planted;

/// Records of a batch that the sink refused for good.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RefusedPart {
    pub(super) part: Range<usize>,
    /// The number of refused records; after a partial success, fewer than the part has.
    pub(super) refused: u64,
    pub(super) reason: String,
}

/// Sends a batch and returns when the sink has answered for all of it. A refused batch is halved until the refused
/// records are alone.
pub(super) async fn send(delivery: Arc<Delivery>, shipment: Arc<Shipment>) -> Vec<RefusedPart> {
    let sending = BatchSender { delivery: &delivery, shipment: &shipment };
    let whole = 0..shipment.len();
    let mut parts = Vec::from([whole]);
    let (mut refusals, mut doubts) = (Vec::new(), Vec::new());
    while let Some(part) = parts.pop() {
        match sending.send(&part).await {
            SinkAnswer::Taken => {}
            SinkAnswer::TakenBut(refused) => refusals.push(RefusedPart { part, refused, reason: PARTLY.into() }),
            SinkAnswer::Refused(reason) if part.len() == 1 => refusals.push(RefusedPart { part, refused: 1, reason }),
            SinkAnswer::Doubted(_) if part.len() == 1 => doubts.push(SuspectRecord { part, answers: 0 }),
            SinkAnswer::Refused(_) | SinkAnswer::Doubted(_) => {
                let middle = part.start + part.len() / 2;
                parts.push(middle..part.end);
                parts.push(part.start..middle);
            }
        }
    }
    sending.resolve(doubts, &mut refusals).await;
    joined(refusals)
}

/// Adjacent records that were refused alone, for one reason, are kept together.
fn joined(mut refusals: Vec<RefusedPart>) -> Vec<RefusedPart> {
    refusals.sort_unstable_by_key(|refusal| refusal.part.start);
    let is_whole = |refusal: &RefusedPart| refusal.refused == refusal.part.len() as u64;
    let mut all: Vec<RefusedPart> = Vec::new();
    for refusal in refusals {
        match all.last_mut() {
            Some(last)
                if last.part.end == refusal.part.start
                    && last.reason == refusal.reason
                    && is_whole(last)
                    && is_whole(&refusal) =>
            {
                last.part.end = refusal.part.end;
                last.refused += refusal.refused;
            }
            _ => all.push(refusal),
        }
    }
    all
}

/// The sink's answer about these records.
enum SinkAnswer {
    Taken,
    /// Accepted, except for that many.
    TakenBut(u64),
    Refused(String),
    /// The sink accepts others, but not these.
    Doubted(String),
}

/// A single record that may be at fault.
struct SuspectRecord {
    part: Range<usize>,
    /// The number of answers that count against it.
    answers: u32,
}

struct BatchSender<'a> {
    delivery: &'a Delivery,
    shipment: &'a Shipment,
}

impl BatchSender<'_> {
    /// Retries each of them until it is accepted, refused, or given up.
    async fn resolve(&self, mut doubts: Vec<SuspectRecord>, refusals: &mut Vec<RefusedPart>) {
        let mut patience = Patience::new();
        while !doubts.is_empty() {
            let counts = patience.pause(self.delivery).await;
            let mut still = Vec::new();
            for SuspectRecord { part, answers } in doubts {
                let answers = answers + u32::from(counts);
                match self.send(&part).await {
                    SinkAnswer::Taken => {}
                    SinkAnswer::TakenBut(refused) => {
                        refusals.push(RefusedPart { part, refused, reason: PARTLY.into() })
                    }
                    SinkAnswer::Refused(reason) => refusals.push(RefusedPart { part, refused: 1, reason }),
                    SinkAnswer::Doubted(reason) if answers >= DOUBTS && patience.is_over() => {
                        refusals.push(RefusedPart { part, refused: 1, reason });
                    }
                    SinkAnswer::Doubted(_) => still.push(SuspectRecord { part, answers }),
                }
            }
            doubts = still;
        }
    }

    /// Retries until the sink answers something about these records.
    async fn send(&self, part: &Range<usize>) -> SinkAnswer {
        let (delivery, request) = (self.delivery, self.shipment.request(part));
        loop {
            let turn = delivery.gate.enter().await;
            let answers = delivery.gate.answers();
            match delivery.export(&request).await {
                Ok(Accepted { rejected: 0 }) => {
                    delivery.gate.answered(turn, None);
                    delivery.remember(self.shipment, part, &request);
                    return SinkAnswer::Taken;
                }
                Ok(Accepted { rejected }) => {
                    delivery.gate.answered(turn, Some(PARTLY));
                    return SinkAnswer::TakenBut(rejected.min(part.len() as u64));
                }
                Err(ExportError::Rejected { reason }) => {
                    delivery.gate.answered(turn, Some(&reason));
                    return SinkAnswer::Refused(reason);
                }
                Err(ExportError::Doubtful { reason }) => match delivery.takes_others(answers).await {
                    Some(true) => {
                        delivery.gate.answered(turn, Some(&reason));
                        return SinkAnswer::Doubted(reason);
                    }
                    // No record is known that the sink accepts; it may accept a part.
                    None if part.len() > 1 => return SinkAnswer::Doubted(reason),
                    _ => delivery.gate.failed(turn, Trouble::Away, &reason, None),
                },
                Err(ExportError::Retry { reason, after }) => delivery.gate.failed(turn, Trouble::Away, &reason, after),
                Err(ExportError::Unauthorized { reason }) => {
                    delivery.gate.failed(turn, Trouble::Unauthorized, &reason, None);
                }
                Err(ExportError::Unreadable { reason }) => {
                    delivery.gate.failed(turn, Trouble::Unreadable, &reason, None);
                }
            }
        }
    }
}

/// The pauses between ambiguous answers.
struct Patience {
    begun: Instant,
    /// The end of the pause, after which the next answer counts.
    due: Instant,
    backoff: Backoff,
}

impl Patience {
    fn new() -> Self {
        let now = Instant::now();
        Self { begun: now, due: now, backoff: Backoff::away() }
    }

    /// A flush cuts the pause short; returns whether it was complete.
    async fn pause(&mut self, delivery: &Delivery) -> bool {
        if self.due <= Instant::now() {
            self.due = Instant::now() + self.backoff.next(&*delivery.entropy);
        }
        let hurries = delivery.hurry.count();
        sleep(BETWEEN.min(self.due - Instant::now())).await;
        tokio::select! {
            () = sleep_until(self.due) => {}
            () = delivery.hurry.beyond(hurries) => {}
        }
        self.due <= Instant::now() || planted("give-up-in-an-outage")
    }

    fn is_over(&self) -> bool {
        self.begun.elapsed() >= PATIENCE || planted("give-up-in-an-outage")
    }
}

const PARTLY: &str = "OTLP partial success";
/// How often a single record is sent again if the sink, which accepts others, answers with an ambiguous code.
const DOUBTS: u32 = 20;
/// And for how long at least. A sink that fails half of all requests accepts each record within that time.
const PATIENCE: Duration = Duration::from_secs(120);
/// Kept however many flushes run.
const BETWEEN: Duration = Duration::from_millis(50);
