//! One batch on its way, until the sink has answered for every record of it.
//!
//! Invariants:
//! 1. A record is given up for one of two reasons: the sink refuses it for good, or it answers this record, time and again,
//!    with what may mean either, while it takes others.
//! 2. An answer counts against a record only if the sink took something else at that time, and only one in each pause of our
//!    own. So neither an outage, however long, nor flushes, however many, cost a record.
//! 3. What is doubtful holds up nothing else of its batch.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::backoff::Backoff;
use super::connector::{Accepted, ExportError};
use super::delivery::Delivery;
use super::gate::Trouble;
use super::shipment::Shipment;
use crate::journal::planted;

/// Records of a batch that the sink refused for good.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RefusedPart {
    pub(super) part: Range<usize>,
    /// How many of them; after a partial success fewer than the part has.
    pub(super) refused: u64,
    pub(super) reason: String,
}

/// Returns when the sink has answered for all. A batch that is refused is halved until the refused records are alone.
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

/// Neighbours that were refused alone, for the same reason, are kept together.
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

/// What the sink says of records, once it says something of them.
enum SinkAnswer {
    Taken,
    /// But for that many.
    TakenBut(u64),
    Refused(String),
    /// It takes others, but not these.
    Doubted(String),
}

/// A single record that may be to blame.
struct SuspectRecord {
    part: Range<usize>,
    /// That count against it.
    answers: u32,
}

struct BatchSender<'a> {
    delivery: &'a Delivery,
    shipment: &'a Shipment,
}

impl BatchSender<'_> {
    /// Asks again for each of them until it is taken, refused, or given up.
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

    /// Retries until the sink says something of these records.
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
                    // Nothing is known that it takes; a part may be.
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

/// The pauses between doubtful answers.
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

    /// Somebody who flushes cuts it short; says whether it was whole.
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
/// How often a single record is sent again that the sink, which takes others, answers with a code that may mean either.
const DOUBTS: u32 = 20;
/// And for how long. A sink that answers half of all requests so takes each record within that time.
const PATIENCE: Duration = Duration::from_secs(120);
/// However many flush.
const BETWEEN: Duration = Duration::from_millis(50);
