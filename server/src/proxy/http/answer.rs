//! The proxy's own answers. Each says what happened and what to do, for the person who reads it or a log.

use auditrail::internals::correlate::UnansweredRequest;
use auditrail::internals::mcp::{NotFromServer, RefusedByRule};
use auditrail::internals::message::Id;
use auditrail::trail::Refused;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::Value;

use crate::proxy::refusal::Refusal;

pub(super) type ProxyAnswer = Response<Full<Bytes>>;
/// An error that is an answer instead of the server's; boxed so that it is small.
pub(super) type BoxedAnswer = Box<ProxyAnswer>;

/// A line of plain text.
pub(super) fn plain(status: StatusCode, text: &str) -> ProxyAnswer {
    with(status, TEXT, format!("auditrail: {text}\n"))
}

/// A line of plain text for a request that this proxy refuses by a rule of its own.
pub(super) fn forbidden(rule: &'static str, text: &str) -> ProxyAnswer {
    let mut answer = plain(StatusCode::FORBIDDEN, text);
    answer.extensions_mut().insert(RefusedByRule(rule));
    answer
}

/// The answer for calls that must not run: a JSON-RPC error for each of them, as the server would answer.
pub(super) fn refused(calls: &[(Id, Refused)], is_batch: bool) -> ProxyAnswer {
    let errors = calls.iter().map(|(id, refused)| Refusal::of(Some(id.clone()), refused).json());
    with(StatusCode::OK, JSON, in_batch(errors.collect(), is_batch).to_string())
}

/// The answer for calls that must not run and expect no answer: an HTTP error, as for any notification that is not
/// accepted (2025-11-25, section Sending Messages to the Server).
pub(super) fn unasked(refused: &Refused) -> ProxyAnswer {
    with(StatusCode::FORBIDDEN, JSON, Refusal::of(None, refused).json().to_string())
}

/// The answer for a body that must not be forwarded, and in which no call can be named.
pub(super) fn withheld(status: StatusCode, reason: &str) -> ProxyAnswer {
    with(status, JSON, Refusal::because(None, reason, None).json().to_string())
}

/// The answer for a body that must not be forwarded now, but may be soon.
pub(super) fn busy(reason: &str) -> ProxyAnswer {
    let mut answer = withheld(StatusCode::SERVICE_UNAVAILABLE, reason);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

/// The answer for calls without an answer of the server: a JSON-RPC error for each of them.
pub(super) fn unanswered(status: StatusCode, reason: &str, calls: &[UnansweredRequest]) -> ProxyAnswer {
    let errors = calls.iter().map(|call| Refusal::unanswered(call.id.clone(), reason, call.call_id).json());
    let body = in_batch(errors.collect(), calls.iter().any(|call| call.is_in_batch));
    let mut answer = with(status, JSON, body.to_string());
    answer.extensions_mut().insert(NotFromServer);
    answer
}

fn in_batch(mut errors: Vec<Value>, is_batch: bool) -> Value {
    if is_batch { Value::Array(errors) } else { errors.pop().unwrap_or_default() }
}

fn with(status: StatusCode, kind: HeaderValue, text: String) -> ProxyAnswer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
