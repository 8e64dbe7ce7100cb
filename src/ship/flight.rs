//! One batch on its way, until the sink has answered for every record of it.

use std::ops::Range;
use std::sync::Arc;

use tokio::time::sleep;

use super::backoff::Backoff;
use super::gate::Trouble;
use super::lane::Fleet;
use super::{Envelope, ExportError};
use crate::journal::{Batch, Entry};

/// Records of a batch that the sink refused for good.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) part: Range<usize>,
    /// How many of them; after a partial success fewer than the part has.
    pub(super) refused: u64,
    pub(super) reason: String,
}

/// Returns when the sink has answered for all. A batch that is refused is halved until the refused records are alone.
pub(super) async fn fly(fleet: Arc<Fleet>, envelope: Envelope, batch: Arc<Batch>) -> Vec<Refusal> {
    let whole = 0..batch.entries.len();
    let mut parts = Vec::from([whole]);
    let mut refusals = Vec::new();
    while let Some(part) = parts.pop() {
        let entries = batch.entries.get(part.clone()).unwrap_or_default();
        match send(&fleet, &envelope, entries).await {
            Ok(0) => {}
            Ok(rejected) => {
                let refused = rejected.min(entries.len() as u64);
                refuse(&mut refusals, Refusal { part, refused, reason: "OTLP partial success".into() });
            }
            Err(reason) if entries.len() == 1 => refuse(&mut refusals, Refusal { part, refused: 1, reason }),
            Err(_) => {
                let middle = part.start + part.len() / 2;
                parts.push(middle..part.end);
                parts.push(part.start..middle);
            }
        }
    }
    refusals
}

/// Neighbours that were refused alone, for the same reason, are kept together.
fn refuse(refusals: &mut Vec<Refusal>, refusal: Refusal) {
    let is_whole = |refusal: &Refusal| refusal.refused == refusal.part.len() as u64;
    match refusals.last_mut() {
        Some(last)
            if last.part.end == refusal.part.start
                && last.reason == refusal.reason
                && is_whole(last)
                && is_whole(&refusal) =>
        {
            last.part.end = refusal.part.end;
            last.refused += refusal.refused;
        }
        _ => refusals.push(refusal),
    }
}

/// Retries until the sink answers; `Err` holds its reason if it refuses these records, or may refuse one of them.
async fn send(fleet: &Fleet, envelope: &Envelope, entries: &[Entry]) -> Result<u64, String> {
    let request = envelope.request(entries);
    let mut doubts = 0;
    let mut backoff = Backoff::away();
    loop {
        let turn = fleet.gate.enter().await;
        let under_way = fleet.stats.request(request.len());
        let answer = fleet.sink.export(request.clone()).await;
        under_way.ended(answer.is_ok());
        match answer {
            Ok(accepted) => {
                fleet.gate.answered(turn);
                return Ok(accepted.rejected);
            }
            Err(ExportError::Rejected { reason }) => {
                fleet.gate.answered(turn);
                return Err(reason);
            }
            Err(ExportError::Retry { reason, after }) => fleet.gate.failed(turn, Trouble::Away, &reason, after),
            Err(ExportError::Unauthorized { reason }) => fleet.gate.failed(turn, Trouble::Unauthorized, &reason, None),
            Err(ExportError::Doubtful { reason }) => {
                drop(turn);
                doubts += 1;
                if entries.len() > 1 || doubts > DOUBTS {
                    return Err(reason);
                }
                let (answers, hurries) = (fleet.gate.answers(), fleet.hurry.count());
                tokio::select! {
                    () = sleep(backoff.next(&*fleet.entropy)) => {}
                    () = fleet.hurry.beyond(hurries) => {}
                }
                if fleet.gate.answers() == answers {
                    fleet.gate.doubted(&reason);
                }
            }
        }
    }
}

/// How often a single record is sent again that the sink answers with a code that may mean either: half a minute.
const DOUBTS: u32 = 10;
