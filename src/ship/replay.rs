//! Sends records of the quarantine again, after an operator has found out why the collector refused them.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep, timeout_at};

use super::backoff::{Backoff, granted};
use super::connector::{Accepted, Connector, ExportError, Sink};
use super::frame::{Envelope, Stamp};
use super::ship_error::ShipError;
use super::shipment::Shipment;
use crate::config::OtlpSettings;
use crate::journal::{Cause, JournalError, Quarantine, Quarantined, SinkName};
use crate::record::ThreadEntropy;

/// A connection for replaying the quarantine. Must not be dropped inside a tokio runtime.
#[derive(Debug)]
pub struct Replay {
    runtime: Runtime,
    sink: Arc<dyn Sink>,
}

/// Why a file is still in quarantine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file holds damaged bytes.
    #[error("it holds bytes that were damaged on the disk, not a record; inspect and discard them")]
    Damaged,
    /// Another sink than the collector refused the records.
    #[error("the sink `{0}` refused it, not the collector, which has accepted or refused its records separately")]
    OfAnotherSink(SinkName),
    /// The sink refused some of the records again.
    #[error(
        "the collector refused {rejected} of the {records} record(s) again; it accepted the others, which keep their ids"
    )]
    Partly {
        /// The number of refused records.
        rejected: u64,
        /// The number of records in the file.
        records: u64,
    },
    /// The sink did not accept the request.
    #[error("the collector did not accept it: {0}")]
    Refused(#[from] ExportError),
    /// There was no answer in time.
    #[error("the collector did not answer in time")]
    Unanswered,
    /// The file cannot be read, or cannot be removed after the sink accepted all of it.
    #[error("{0}")]
    Journal(#[from] JournalError),
}

impl Replay {
    /// Creates the connection.
    ///
    /// # Errors
    /// If no runtime can be created, or the connector refuses the settings.
    pub fn connect(connector: &dyn Connector, settings: &OtlpSettings) -> Result<Self, ShipError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let sink = {
            let _inside = runtime.enter();
            connector.connect(settings)
        };
        let endpoint = settings.shown_endpoint();
        let sink = sink.map_err(|reason| ShipError::Connect { endpoint, reason })?;
        Ok(Self { runtime, sink })
    }

    /// Sends the records of a file as they were shipped, with their own Resource and scope, and removes the file once
    /// the sink has accepted all of them. Returns the number of records. After a partial success, the sink may
    /// already have some of them: their `audit.record.id` is unchanged.
    ///
    /// # Errors
    /// Why the file is still there.
    pub fn replay(&self, quarantine: &Quarantine, name: &str, within: Duration) -> Result<u64, ReplayError> {
        let file = quarantine.read(name)?;
        if file.cause == Cause::Damaged {
            return Err(ReplayError::Damaged);
        }
        if let Some(sink) = file.shipped_to.filter(|sink| *sink != SinkName::OTLP) {
            return Err(ReplayError::OfAnotherSink(sink));
        }
        let records = file.entries.len() as u64;
        match self.runtime.block_on(self.send(&file, within))? {
            Accepted { rejected: 0 } => {
                quarantine.discard(name)?;
                Ok(records)
            }
            Accepted { rejected } => Err(ReplayError::Partly { rejected, records }),
        }
    }

    /// Retries while the sink is overloaded or does not answer.
    async fn send(&self, file: &Quarantined, within: Duration) -> Result<Accepted, ReplayError> {
        let end = Instant::now() + within.min(LONGEST);
        let envelope = Envelope::new(file.resource.clone(), file.scope.clone());
        let shipment = match file.shipped_to {
            Some(_) => Shipment::again(envelope, &file.entries),
            None => Shipment::stamped(envelope, &Stamp::of(file.stream), &file.entries),
        };
        let request = shipment.request(&(0..shipment.len()));
        let mut backoff = Backoff::away();
        loop {
            let answer = timeout_at(end, self.sink.export(request.clone())).await;
            match answer.map_err(|_| ReplayError::Unanswered)? {
                Ok(accepted) => return Ok(accepted),
                Err(error @ (ExportError::Retry { .. } | ExportError::Unreadable { .. })) => {
                    let wish = if let ExportError::Retry { after, .. } = &error { *after } else { None };
                    let pause = backoff.next(&ThreadEntropy).max(granted(wish));
                    if Instant::now() + pause >= end {
                        return Err(error.into());
                    }
                    sleep(pause).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Practically unlimited, and short enough to be added to a clock.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
