//! Why an export was refused, and the answer of each protocol.
//!
//! A client must not repeat what cannot succeed, and must repeat what can: the codes follow the lists of retryable codes
//! in the OTLP specification ("Failures" of OTLP/gRPC, "Retryable Response Codes" of OTLP/HTTP).

use std::{io, time::Duration};

use axum::http::StatusCode;
use thiserror::Error;
use tonic::Code;

use crate::record::WireError;

/// Why an export was refused. Nothing of it is held.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum ReceiveError {
    #[error("the export is not a valid protobuf message: {0}")]
    Wire(#[from] WireError),

    #[error("the {message} at byte {offset} of the export cannot be decoded: {source}")]
    Message { message: &'static str, offset: usize, source: prost::DecodeError },

    #[error("the schema URL of the {message} at byte {offset} of the export is not valid UTF-8")]
    SchemaUrl { message: &'static str, offset: usize },

    #[error(
        "the export is larger than {limit} bytes after decompression: \
         send smaller batches, or give the receiver a larger `max_message_bytes`"
    )]
    TooLarge { limit: usize },

    #[error("the export has more than {limit} parts (records, spans, scopes and resources): send smaller batches")]
    TooMany { limit: usize },

    #[error("the body is not valid gzip, although its Content-Encoding says so: {source}")]
    Gzip { source: io::Error },

    #[error("the Content-Encoding `{found}` is not supported: send gzip, or no compression")]
    ContentEncoding { found: String },

    #[error(
        "the Content-Type `{found}` is not supported: send application/x-protobuf \
         (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)"
    )]
    ContentType { found: String },

    #[error("the body ended early: {source}")]
    Interrupted { source: axum::Error },

    #[error("the export did not arrive within {within:?}: send it again")]
    Slow { within: Duration },

    #[error("the receiver is stopping: send the export again when it is back")]
    Stopping,
}

impl ReceiveError {
    /// The answer of OTLP/gRPC.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Wire(_)
            | Self::Message { .. }
            | Self::SchemaUrl { .. }
            | Self::Gzip { .. }
            | Self::ContentType { .. }
            | Self::Interrupted { .. } => Code::InvalidArgument,
            Self::ContentEncoding { .. } => Code::Unimplemented,
            Self::TooLarge { .. } | Self::TooMany { .. } => Code::ResourceExhausted,
            Self::Slow { .. } => Code::DeadlineExceeded,
            Self::Stopping => Code::Unavailable,
        }
    }

    /// The answer of OTLP/HTTP.
    pub(crate) fn http_status(&self) -> StatusCode {
        match self {
            Self::Wire(_)
            | Self::Message { .. }
            | Self::SchemaUrl { .. }
            | Self::Gzip { .. }
            | Self::Interrupted { .. } => StatusCode::BAD_REQUEST,
            Self::ContentType { .. } | Self::ContentEncoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } | Self::TooMany { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            // 408 would be more precise, but OTLP clients give up on it.
            Self::Slow { .. } | Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}
