//! What the proxy answers by itself. It says what happened and what to do; who reads it is a person or a log.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::capture::mcp::message::{Id, IdKind};
use crate::record::names;
use crate::trail::{Because, Refused};

pub(super) type Answer = Response<Full<Bytes>>;

/// A line of plain text.
pub(super) fn plain(status: StatusCode, text: &str) -> Answer {
    with(status, TEXT, format!("auditrail: {text}\n"))
}

/// Calls that must not run: JSON-RPC errors for each of them, as the server would answer.
pub(super) fn refused(calls: &[(Id, Refused)], is_batch: bool) -> Answer {
    let errors = calls.iter().map(|(id, refused)| {
        let what = match refused.because {
            Because::Denied => "call denied",
            Because::Unrecorded => "call refused",
        };
        let data = json!({ names::AUDITRAIL_CALL_ID: refused.call_id.to_string() });
        error(&as_json(id), refused.code(), &format!("{what}: {}", refused.reason), Some(data))
    });
    let mut errors: Vec<Value> = errors.collect();
    let body = if is_batch { Value::Array(errors) } else { errors.pop().unwrap_or_default() };
    with(StatusCode::OK, JSON, body.to_string())
}

/// A body that must not be relayed, and in which no call can be named.
pub(super) fn withheld(status: StatusCode, reason: &str) -> Answer {
    let text = format!("call refused: {reason}");
    with(status, JSON, error(&Value::Null, Refused::UNRECORDED, &text, None).to_string())
}

fn error(id: &Value, code: i64, message: &str, data: Option<Value>) -> Value {
    let mut error = json!({ "code": code, "message": message });
    if let (Some(data), Some(error)) = (data, error.as_object_mut()) {
        error.insert("data".into(), data);
    }
    json!({ "jsonrpc": "2.0", "id": id, "error": error })
}

/// Of an id that is too long to be kept, nothing is known that its client would recognize.
fn as_json(id: &Id) -> Value {
    match id.kind {
        _ if id.rest != 0 => Value::Null,
        IdKind::String => Value::String(id.text.clone()),
        IdKind::Integer | IdKind::Fraction => serde_json::from_str(&id.text).unwrap_or_default(),
        IdKind::Null | IdKind::Other => Value::Null,
    }
}

fn with(status: StatusCode, kind: HeaderValue, text: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
