//! What an HTTP answer says of the records and of the sink.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Response, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message as _;

use crate::record::{Clock as _, SystemClock};
use crate::ship::{Accepted, ExportError};

/// By the section "OTLP/HTTP Response" of the OTLP specification, but for a wrong address, a redirect or a proxy in
/// between: those say nothing of the records, which would all be given up one by one, so they wait.
pub(super) fn classify(response: &Response<Bytes>) -> Result<Accepted, ExportError> {
    let status = response.status();
    // Of the sink's words the code only: it may quote what it was sent.
    let reason = format!("HTTP {}", status.as_u16());
    Err(match status {
        _ if status.is_success() => return Ok(accepted(response.body())),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ExportError::Unauthorized { reason },
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => ExportError::Retry { reason, after: retry_after(response) },
        StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        | StatusCode::REQUEST_TIMEOUT
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::MISDIRECTED_REQUEST
        | StatusCode::TOO_EARLY
        | StatusCode::UPGRADE_REQUIRED => ExportError::Retry { reason, after: None },
        // 413 is among them: halves are smaller.
        _ if status.is_client_error() => ExportError::Rejected { reason },
        _ if status.is_server_error() => ExportError::Doubtful { reason },
        _ => ExportError::Retry { reason, after: None },
    })
}

/// An answer that cannot be read is still an acknowledgement, just not a readable one.
fn accepted(body: &Bytes) -> Accepted {
    let answer = ExportLogsServiceResponse::decode(body.clone()).unwrap_or_default();
    let rejected = answer.partial_success.map_or(0, |partial| partial.rejected_log_records);
    Accepted::but(u64::try_from(rejected).unwrap_or_default())
}

/// Seconds or a date (RFC 9110, section 10.2.3).
fn retry_after(response: &Response<Bytes>) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date: SystemTime = httpdate::parse_http_date(text).ok()?;
    let date = date.duration_since(UNIX_EPOCH).ok()?;
    Some(date.saturating_sub(Duration::from_nanos(SystemClock.unix_nano())))
}
