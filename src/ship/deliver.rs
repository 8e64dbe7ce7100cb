//! One batch, until every record of it is taken or given up.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Notify;

use super::backoff::Backoff;
use super::{Envelope, ExportError, ShipStats, Sink};
use crate::config::Notices;
use crate::record::Entropy;

/// Sends batches and says when the sink is away and when it is back, once each.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) sink: Box<dyn Sink>,
    pub(super) target: String,
    pub(super) envelope: Envelope,
    pub(super) stats: Arc<ShipStats>,
    pub(super) notices: Notices,
    pub(super) entropy: Arc<dyn Entropy>,
    /// Cuts a pause short: somebody flushes.
    pub(super) hurry: Arc<Notify>,
    pub(super) away: bool,
}

impl Delivery {
    /// Returns when all are settled. A batch that is refused for good is halved until the refused records are alone.
    pub(super) async fn deliver(&mut self, records: &[Bytes]) {
        let mut parts = vec![records];
        let mut refused: Option<(u64, String)> = None;
        let mut refuse = |count: u64, reason: String| {
            let before = refused.take().map_or(0, |(before, _)| before);
            refused = Some((before + count, reason));
        };
        while let Some(part) = parts.pop() {
            let count = part.len() as u64;
            match self.send(part).await {
                Ok(rejected) => {
                    let rejected = rejected.min(count);
                    self.stats.delivered(count - rejected);
                    if rejected > 0 {
                        refuse(rejected, "OTLP partial success".into());
                    }
                }
                Err(reason) if part.len() == 1 => refuse(1, reason),
                Err(_) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.push(second);
                    parts.push(first);
                }
            }
        }
        if let Some((count, reason)) = refused {
            self.give_up(count, &reason);
        }
    }

    /// Retries until the sink answers; `Err` holds its reason if it refuses these records, or may refuse one of them.
    async fn send(&mut self, records: &[Bytes]) -> Result<u64, String> {
        let request = self.envelope.request(records);
        let mut backoff = Backoff::default();
        let mut doubts = 0;
        loop {
            let (reason, after) = match self.sink.export(request.clone()).await {
                Ok(accepted) => {
                    self.is_back();
                    return Ok(accepted.rejected);
                }
                Err(ExportError::Rejected { reason }) => {
                    self.is_back();
                    return Err(reason);
                }
                Err(ExportError::Doubtful { reason }) => {
                    doubts += 1;
                    if records.len() > 1 || doubts > DOUBTS {
                        return Err(reason);
                    }
                    (reason, None)
                }
                Err(ExportError::Retry { reason, after }) => (reason, after),
            };
            self.stats.failed();
            self.is_away(&reason);
            let pause = backoff.next(after, &*self.entropy);
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.hurry.notified() => {}
            }
        }
    }

    fn is_away(&mut self, reason: &str) {
        if !std::mem::replace(&mut self.away, true) {
            self.notices.warn(format!(
                "the collector at {} does not take audit records ({reason}); they wait in the journal and go out when \
                 it is back",
                self.target
            ));
        }
    }

    fn is_back(&mut self) {
        if std::mem::replace(&mut self.away, false) {
            self.notices.recovered(format!("the collector at {} takes audit records again", self.target));
        }
    }

    fn give_up(&self, records: u64, reason: &str) {
        self.stats.lost(records);
        self.notices.warn(format!(
            "the collector at {} refused {records} audit record(s) for good ({reason}); a gap record tells of them; \
             see what its pipeline rejects",
            self.target
        ));
    }
}

/// How often a single record is sent again that the sink answers with a code that may mean either: half a minute.
const DOUBTS: u32 = 10;
