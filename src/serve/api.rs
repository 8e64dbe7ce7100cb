//! The gRPC read service over what was received, specified in `proto/auditrail/v1/trail.proto`.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio_stream::Stream;
use tonic::{Request, Response, Status, async_trait};

use super::received::{Received, ReceivedRecord, Subscription};
use crate::serve::error::TailError;
use crate::serve::proto::trail_service_server::TrailService;
use crate::serve::proto::{AuditRecord, GetRequest, GetResponse, TailRequest, TailResponse};

/// Answers readers from memory.
#[derive(Debug)]
pub(crate) struct TrailApi {
    received: Received,
}

impl TrailApi {
    pub(crate) fn new(received: Received) -> Self {
        Self { received }
    }
}

#[async_trait]
impl TrailService for TrailApi {
    type TailStream = Tail;

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        let GetRequest { record_id } = request.into_inner();
        if record_id.is_empty() {
            return Err(Status::invalid_argument("`record_id` is empty: give the record's `audit.record.id`"));
        }
        let Some(record) = self.received.record(&record_id) else {
            return Err(Status::not_found(
                "no record with this id is held: it was never received, or dropped since to keep memory bounded",
            ));
        };
        Ok(Response::new(GetResponse { record: Some(message(&record)) }))
    }

    async fn tail(&self, request: Request<TailRequest>) -> Result<Response<Tail>, Status> {
        let TailRequest { from_position, follow } = request.into_inner();
        let newest = self.received.newest();
        let records = self.received.subscribe(from_position).map_err(status)?;
        let records = if follow { records } else { records.until(newest) };
        Ok(Response::new(Tail { records, follow, ended: false }))
    }
}

/// The answer to a tail request: records as fast as the client accepts them, read from memory one by one.
#[derive(Debug)]
pub(crate) struct Tail {
    records: Subscription,
    follow: bool,
    ended: bool,
}

impl Stream for Tail {
    type Item = Result<TailResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(Pin::new(&mut self.records).poll_next(context));
        Poll::Ready(match next {
            Some(Ok(record)) => Some(Ok(TailResponse { record: Some(message(&record)) })),
            Some(Err(error)) => {
                self.ended = true;
                Some(Err(status(error)))
            }
            // A follower must not take the end of the receiver for the end of the trail.
            None if self.follow => {
                self.ended = true;
                Some(Err(Status::unavailable("the receiver stops: resume from the last position when it is back")))
            }
            None => None,
        })
    }
}

fn message(record: &Arc<ReceivedRecord>) -> AuditRecord {
    AuditRecord {
        log_record: record.bytes.clone(),
        resource: record.resource_bytes.clone(),
        scope: record.scope_bytes.clone(),
        resource_schema_url: record.resource_schema_url.to_string(),
        scope_schema_url: record.scope_schema_url.to_string(),
        received_unix_nano: record.received_unix_nano,
        position: record.position,
    }
}

fn status(error: TailError) -> Status {
    let message = error.to_string();
    match error {
        TailError::NotHeld { .. } | TailError::Unknown { .. } => Status::out_of_range(message),
        TailError::Lagged { .. } => Status::data_loss(message),
    }
}
