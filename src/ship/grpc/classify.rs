//! What a gRPC status says of the records and of the sink.

use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status};

use crate::ship::ExportError;
use crate::ship::connector::describe;

/// By the list of retryable codes in the OTLP specification ("Failures"). A missing service is not the records' fault,
/// so that is retried, too, and somebody is told. Other codes are what collectors answer when a record or the size of a
/// request is refused by their pipeline, but also when they are in trouble themselves.
pub(super) fn classify(status: &Status) -> ExportError {
    let (reason, after) = (reason(status), retry_delay(status));
    let ours = std::error::Error::source(status).is_some();
    match status.code() {
        _ if ours => ExportError::Retry { reason, after },
        Code::InvalidArgument => ExportError::Rejected { reason },
        Code::ResourceExhausted | Code::OutOfRange if is_too_large(status) => ExportError::Rejected { reason },
        Code::Unauthenticated | Code::PermissionDenied => ExportError::Unauthorized { reason },
        Code::ResourceExhausted if after.is_none() => ExportError::Doubtful { reason },
        Code::Internal | Code::Unknown | Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists => {
            ExportError::Doubtful { reason }
        }
        _ => ExportError::Retry { reason, after },
    }
}

/// The message is larger than the server takes. There is no code for that: grpc-go, -core and -java answer
/// RESOURCE_EXHAUSTED, tonic answers OUT_OF_RANGE, each with its own words.
fn is_too_large(status: &Status) -> bool {
    ["larger than max", "length too large", "exceeds maximum size"].iter().any(|words| status.message().contains(words))
}

/// Of the sink's words the code only: it may quote what it was sent.
fn reason(status: &Status) -> String {
    match std::error::Error::source(status) {
        // The connection failed: a cause of this side, such as a certificate.
        Some(cause) => describe(cause),
        None => format!("gRPC {:?}", status.code()),
    }
}

/// The delay of a `google.rpc.RetryInfo` in the status details.
fn retry_delay(status: &Status) -> Option<Duration> {
    let details = RpcStatus::decode(status.details()).ok()?;
    let info = details.details.into_iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    Some(Duration::new(u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?))
}

/// `google.rpc.Status`, as far as it is needed.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtoDuration>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, prost::Message)]
struct ProtoDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}
