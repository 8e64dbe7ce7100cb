//! What a gRPC status means for the records and for the sink.

use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status};

use crate::ship::connector::{ExportError, LONGEST_ANSWER, describe};

/// Follows the list of retryable codes in the OTLP specification ("Failures"). A missing service is not the records'
/// fault, so it is retried, too, and reported. Collectors use the other codes when their pipeline refuses a record or
/// the size of a request, but also when they are in trouble themselves.
pub(super) fn classify(status: &Status) -> ExportError {
    let after = retry_delay(status);
    if let Some(cause) = std::error::Error::source(status) {
        // The connection failed. The cause is on this side, such as a certificate.
        return ExportError::Retry { reason: self::cause(cause), after };
    }
    // Only the code, not the sink's text, which may quote what was sent.
    let reason = match http_status(status) {
        Some(code) => format!("HTTP {code} without gRPC"),
        None => format!("gRPC {:?}", status.code()),
    };
    match status.code() {
        Code::Unauthenticated | Code::PermissionDenied => ExportError::Unauthorized { reason },
        // An intermediary is overloaded.
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

/// Why a connection failed. A peer with HTTP/1.1 answers the preface of HTTP/2 with `HTTP/1.1 400 Bad Request`, whose
/// first bytes are read as a frame that is far too long.
pub(super) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    let text = describe(error);
    let is_other_protocol = causes.any(|cause| cause.to_string().contains("frame with invalid size"));
    if is_other_protocol { format!("it does not speak HTTP/2; {OTHER_PORT}: {text}") } else { text }
}

/// tonic creates a status if an answer has none.
fn http_status(status: &Status) -> Option<&str> {
    let code = status.message().strip_prefix("grpc-status header missing, mapped from HTTP status code ")?;
    (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// Whether tonic created this status because it could not read the answer.
fn is_ours(status: &Status) -> bool {
    let message = status.message();
    let our_bound = || message.ends_with(&format!("the limit is: {LONGEST_ANSWER} bytes"));
    OURS.iter().any(|words| message.starts_with(words)) || our_bound()
}

/// Whether the message is larger than the server accepts. There is no code for that: grpc-go, -core and -java answer
/// RESOURCE_EXHAUSTED, tonic answers OUT_OF_RANGE, each with its own text.
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

/// The parts of `google.rpc.Status` that are needed.
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

/// The beginnings of tonic's texts about an answer.
const OURS: [&str; 4] =
    ["protocol error: ", "Unexpected EOF decoding stream", "Error decompressing: ", "Missing response message"];
const OTHER_PORT: &str = "it may be the port of OTLP/HTTP: set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, or name the port of \
                          OTLP/gRPC, which is 4317 as a rule";
