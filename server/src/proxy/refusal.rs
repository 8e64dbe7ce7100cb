//! What the proxy answers in the place of the server.

use auditrail::internals::message::{Id, IdKind, Message};
use auditrail::internals::refusal::message_of;
use auditrail::record::{RecordId, names};
use auditrail::trail::Refused;
use serde_json::{Value, json};

/// A JSON-RPC error, and what the correlator learns of it.
#[derive(Debug)]
pub(crate) struct Refusal {
    id: Option<Id>,
    code: i64,
    message: String,
    call_id: Option<RecordId>,
}

impl Refusal {
    /// The answer to a call that may not run.
    pub(crate) fn of(id: Option<Id>, refused: &Refused) -> Self {
        Self { id, code: refused.code(), message: message_of(refused), call_id: Some(refused.call_id) }
    }

    /// The answer to a message that is not relayed for another reason than its own call.
    pub(crate) fn because(id: Option<Id>, reason: &str, call_id: Option<RecordId>) -> Self {
        Self { id, code: Refused::UNRECORDED_CODE, message: format!("call refused: {reason}"), call_id }
    }

    /// The answer to a call without an answer of its server.
    pub(crate) fn unanswered(id: Id, reason: &str, call_id: RecordId) -> Self {
        Self { id: Some(id), code: UNANSWERED, message: reason.into(), call_id: Some(call_id) }
    }

    /// Whether it answers a request with that id.
    pub(crate) fn is_for(&self, id: Option<&Id>) -> bool {
        self.id.as_ref() == id
    }

    /// Its form on the wire, without the framing.
    pub(crate) fn json(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(call), Some(fields)) = (self.call_id, error.as_object_mut()) {
            fields.insert("data".into(), json!({ names::AUDITRAIL_CALL_ID: call.to_string() }));
        }
        json!({ "jsonrpc": "2.0", "id": self.id.as_ref().map_or(Value::Null, of_id), "error": error })
    }

    /// As if it had been read off the wire.
    pub(crate) fn into_message(self) -> Message {
        Message::of_refusal(self.id, self.code)
    }
}

/// An id as it is in an answer. An id that is too long to be kept, or that MCP does not allow, cannot be repeated.
fn of_id(id: &Id) -> Value {
    match id.kind {
        IdKind::String if id.rest == 0 => id.text.clone().into(),
        // Numbers are kept by their value, with all their digits.
        IdKind::Integer | IdKind::Fraction if id.rest == 0 => serde_json::from_str(&id.text).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

/// Beside the codes of [`Refused`], in the range that JSON-RPC leaves to servers.
const UNANSWERED: i64 = -32045;
