//! What an HTTP answer means for the records and for the sink.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message as _;

use super::client::{HttpAnswer, Unread};
use crate::journal::planted;
use crate::record::{Clock as _, SystemClock};
use crate::ship::connector::{Accepted, ExportError, accepted_but};

/// Follows the section "OTLP/HTTP Response" of the OTLP specification, except for a wrong address, a redirect or a
/// proxy in between: these say nothing about the records, which would all be given up one by one, so they wait.
pub(super) fn classify(response: &HttpAnswer) -> Result<Accepted, ExportError> {
    let status = response.status();
    // Only the code, not the sink's text, which may quote what was sent.
    let reason = format!("HTTP {}", status.as_u16());
    Err(match status {
        _ if status.is_success() => return accepted(response, &reason),
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
        // Halves are smaller, whatever sent this answer.
        StatusCode::PAYLOAD_TOO_LARGE => ExportError::Rejected { reason },
        // The web page of a proxy in between, or the answer of a TLS port to a plain request.
        _ if status.is_client_error() && form(response) == AnswerForm::Strange => {
            ExportError::Doubtful { reason: format!("{reason} without an OTLP answer") }
        }
        _ if status.is_client_error() => ExportError::Rejected { reason },
        _ if status.is_server_error() => ExportError::Doubtful { reason },
        _ => ExportError::Retry { reason, after: None },
    })
}

/// Only a readable body is an acknowledgement. An empty body means in protobuf that everything was accepted.
fn accepted(response: &HttpAnswer, reason: &str) -> Result<Accepted, ExportError> {
    let unreadable = |what: &str| ExportError::Unreadable { reason: format!("{reason} with {what}") };
    let body = match response.body() {
        Ok(body) => body,
        Err(_) if planted("unreadable-is-taken") => return Ok(Accepted::default()),
        Err(Unread::CutShort) => return Err(unreadable("a body that is cut short")),
        Err(Unread::TooLong) => return Err(unreadable("a body that is too long for an OTLP answer")),
    };
    let rejected = match form(response) {
        AnswerForm::Strange if planted("unreadable-is-taken") => Some(0),
        AnswerForm::Strange => return Err(unreadable("a body that is not of an OTLP type")),
        _ if body.is_empty() => Some(0),
        AnswerForm::Json => rejected_in_json(body),
        AnswerForm::Protobuf => rejected_in_protobuf(body),
        AnswerForm::Text | AnswerForm::Untyped => None,
    };
    accepted_but(rejected.ok_or_else(|| unreadable("a body that cannot be read"))?)
}

fn rejected_in_protobuf(body: &Bytes) -> Option<i64> {
    let answer = ExportLogsServiceResponse::decode(body.clone()).ok()?;
    Some(answer.partial_success.map_or(0, |partial| partial.rejected_log_records))
}

/// Some collectors answer in JSON whatever they were sent. JSON has 64-bit integers as digits in a string, or as a
/// number.
fn rejected_in_json(body: &Bytes) -> Option<i64> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let null = serde_json::Value::Null;
    let partial = answer.as_object()?.get("partialSuccess").unwrap_or(&null);
    if partial.is_null() {
        return Some(0);
    }
    match partial.as_object()?.get("rejectedLogRecords").unwrap_or(&null) {
        serde_json::Value::Null => Some(0),
        serde_json::Value::String(digits) => digits.parse().ok(),
        number => number.as_i64(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AnswerForm {
    Protobuf,
    Json,
    /// The body of an error.
    Text,
    /// Empty, and without a type.
    Untyped,
    Strange,
}

fn form(response: &HttpAnswer) -> AnswerForm {
    let Some(media_type) = response.headers().get(CONTENT_TYPE) else {
        let is_empty = response.body().as_ref().is_ok_and(Bytes::is_empty);
        return if is_empty { AnswerForm::Untyped } else { AnswerForm::Strange };
    };
    let media_type = media_type.to_str().unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/x-protobuf" | "application/protobuf" | "application/vnd.google.protobuf" => AnswerForm::Protobuf,
        "application/json" => AnswerForm::Json,
        "text/plain" => AnswerForm::Text,
        _ => AnswerForm::Strange,
    }
}

/// Seconds or a date (RFC 9110, section 10.2.3).
fn retry_after(response: &HttpAnswer) -> Option<Duration> {
    let text = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit is as long as possible.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date: SystemTime = httpdate::parse_http_date(text).ok()?;
    let date = date.duration_since(UNIX_EPOCH).ok()?;
    Some(date.saturating_sub(Duration::from_nanos(SystemClock.unix_nano())))
}
