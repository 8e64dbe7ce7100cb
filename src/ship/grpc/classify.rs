//! What a gRPC status says of the records and of the sink.

use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status};

use crate::ship::connector::{ExportError, LONGEST_ANSWER, describe};

/// By the list of retryable codes in the OTLP specification ("Failures"). A missing service is not the records' fault,
/// so that is retried, too, and somebody is told. Other codes are what collectors answer when a record or the size of a
/// request is refused by their pipeline, but also when they are in trouble themselves.
pub(super) fn classify(status: &Status) -> ExportError {
    let after = retry_delay(status);
    if let Some(cause) = std::error::Error::source(status) {
        // The connection failed: a cause of this side, such as a certificate.
        return ExportError::Retry { reason: self::cause(cause), after };
    }
    // Of the sink's words the code only: it may quote what it was sent.
    let reason = match http_status(status) {
        Some(code) => format!("HTTP {code}, and nothing of gRPC"),
        None => format!("gRPC {:?}", status.code()),
    };
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => ExportError::Unauthorized { reason },
        // Something in between has no time.
        Code::Unavailable => ExportError::Retry { reason, after },
        _ if http_status(status).is_some() => unreadable(&format!("{reason}; {OTHER_PORT}")),
        _ if is_ours(status) => unreadable("an answer that breaks the rules of gRPC"),
        Code::InvalidArgument => ExportError::Rejected { reason },
        Code::ResourceExhausted | Code::OutOfRange if is_too_large(status) => ExportError::Rejected { reason },
        Code::ResourceExhausted if after.is_none() => ExportError::Doubtful { reason },
        Code::Internal | Code::Unknown | Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists => {
            ExportError::Doubtful { reason }
        }
        _ => ExportError::Retry { reason, after },
    }
}

pub(super) fn unreadable(reason: &str) -> ExportError {
    ExportError::Unreadable { reason: reason.to_owned() }
}

/// Why a connection failed. A peer that speaks HTTP/1.1 answers the preface of HTTP/2 with `HTTP/1.1 400 Bad Request`,
/// whose first bytes are taken for a frame that is far too long.
pub(super) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    let text = describe(error);
    let is_other_protocol = causes.any(|cause| cause.to_string().contains("frame with invalid size"));
    if is_other_protocol { format!("it does not speak HTTP/2; {OTHER_PORT}: {text}") } else { text }
}

/// tonic makes a status of an answer that has none.
fn http_status(status: &Status) -> Option<&str> {
    let code = status.message().strip_prefix("grpc-status header missing, mapped from HTTP status code ")?;
    (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// Whether tonic says it of an answer that it could not read.
fn is_ours(status: &Status) -> bool {
    let message = status.message();
    let our_bound = || message.ends_with(&format!("the limit is: {LONGEST_ANSWER} bytes"));
    OURS.iter().any(|words| message.starts_with(words)) || our_bound()
}

/// The message is larger than the server takes. There is no code for that: grpc-go, -core and -java answer
/// RESOURCE_EXHAUSTED, tonic answers OUT_OF_RANGE, each with its own words.
fn is_too_large(status: &Status) -> bool {
    ["larger than max", "length too large", "exceeds maximum size"].iter().any(|words| status.message().contains(words))
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

/// The beginnings of what tonic says of an answer.
const OURS: [&str; 4] =
    ["protocol error: ", "Unexpected EOF decoding stream", "Error decompressing: ", "Missing response message"];
const OTHER_PORT: &str = "it may be the port of OTLP/HTTP: set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, or name the port of \
                          OTLP/gRPC, which is 4317 as a rule";
