//! A collector in memory.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message as _;
use tokio::sync::Notify;

use super::audit_record::AuditRecord;
use crate::config::OtlpSettings;
use crate::locks::{Condvar, Mutex};
use crate::record::Record;
use crate::ship::{Accepted, Connector, ExportError, ExportFuture, Sink};

/// Keeps the records that arrive. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Inbox(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    records: Mutex<Vec<AuditRecord>>,
    arrived: Condvar,
    /// For those who wait without a thread.
    tells: Notify,
}

impl Inbox {
    /// What arrived, in that order.
    pub(super) fn records(&self) -> Vec<AuditRecord> {
        self.0.records.lock().clone()
    }

    /// Blocks until there are more than `seen` records, or until the time has come. Returns whether there are more.
    pub(super) fn wait_beyond(&self, seen: usize, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        let records = self.0.arrived.wait_timeout_while(self.0.records.lock(), left, |records| records.len() <= seen);
        records.len() > seen
    }

    /// Completes when there are more than `seen` records.
    pub(super) async fn beyond(&self, seen: usize) {
        loop {
            // Before the look, so that nothing that arrives after it is missed.
            let told = self.0.tells.notified();
            if self.0.records.lock().len() > seen {
                return;
            }
            told.await;
        }
    }

    fn take(&self, request: Bytes) -> Result<(), String> {
        let request = ExportLogsServiceRequest::decode(request).map_err(|error| error.to_string())?;
        let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        let records = scopes.flat_map(|scope| scope.log_records).map(Record::from_proto);
        let records: Vec<_> =
            records.collect::<Result<_, _>>().map_err(|error: crate::record::DecodeError| error.to_string())?;
        self.0.records.lock().extend(records.into_iter().map(AuditRecord::from));
        self.0.arrived.notify_all();
        self.0.tells.notify_waiters();
        Ok(())
    }
}

impl Connector for Inbox {
    fn connect(&self, _: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        Ok(Arc::new(self.clone()))
    }
}

impl Sink for Inbox {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        let taken = self.take(request).map(|()| Accepted::default());
        Box::pin(async move { taken.map_err(|reason| ExportError::Rejected { reason }) })
    }
}
