//! What an audit needs to know of one JSON-RPC message: the envelope, and a few short facts of what is inside it. Arguments,
//! results and whatever else a message carries are never kept.
//!
//! Every text here is bounded ([`MAX_TEXT`], or what stands beside it), so a message takes little memory whatever its size.

use hmac::Hmac;
use sha2::Sha256;

use crate::trail::Direction;

/// A JSON-RPC message, or what stands in the place of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Message {
    /// `None` if there is no `id` at all.
    pub(crate) id: Option<Id>,
    /// `jsonrpc` is "2.0".
    pub(crate) is_jsonrpc: bool,
    /// The method, if it is a string.
    pub(crate) method: Option<String>,
    /// `result` is an object, as MCP wants it.
    pub(crate) has_result: bool,
    /// `error` is an object.
    pub(crate) has_error: bool,
    pub(crate) params: Params,
    pub(crate) result: Answer,
    pub(crate) error: Error,
    /// It is an element of that batch, counted from 1 for each reader, or tells what is wrong with it.
    pub(crate) batch: Option<u64>,
    /// Tells the server-sent event that it came with from others, if that has an id. Not for elements of a batch.
    pub(crate) event: Option<u64>,
    /// Its length on the wire, without what frames it. If it is flawed, all from where it begins to where the frame ends.
    pub(crate) bytes: u64,
    /// Why it is no message that can be understood. What was read before is in the other fields all the same.
    pub(crate) flaw: Option<Flaw>,
    /// Where others may read something else.
    pub(crate) doubts: Doubts,
    /// It did not stand there in plain UTF-8: it had a byte order mark, or was in UTF-16 or UTF-32. `bytes` is its length in
    /// UTF-8 then.
    pub(crate) is_transcoded: bool,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Notification,
    Result,
    Error,
}

impl Message {
    /// What it is to its reader, or `None` if readers take it for no message. The one place that decides so; the rules are
    /// those of the official SDKs, `JSONRPCMessageSchema` of TypeScript (zod) and `jsonrpc_message_adapter` of Python
    /// (pydantic), and where the two differ, what one of them takes is a message:
    ///
    /// - A result has the version, an id, and an object `result`. An `error` beside it that is none does not count (Python).
    /// - An error has the version, and an object `error` with an integer `code`. It may have no id, or null, if it belongs to
    ///   no request (no id: TypeScript; null: Python). A `result` beside it does not count (Python). Both want a `message`,
    ///   too; here the code is enough, since nothing else looks like this.
    /// - A request or notification has a method. Clients take none without the version. A server may: as it then runs, it
    ///   must not be missed. For the same reason a method counts although what follows is nested too deep to be read here.
    pub(crate) fn kind(&self, direction: Direction) -> Option<Kind> {
        let is_readable = self.flaw.is_none_or(|flaw| flaw == Flaw::TooDeep && self.method.is_some());
        let is_taken = self.is_jsonrpc || (direction == Direction::ClientToServer && self.method.is_some());
        let has_id = self.id.as_ref().is_some_and(|id| !matches!(id.kind, IdKind::Null | IdKind::Other));
        let has_bad_id = self.id.as_ref().is_some_and(|id| id.kind == IdKind::Other);
        match (&self.method, &self.id) {
            _ if !is_readable || !is_taken => None,
            (Some(_), Some(_)) => Some(Kind::Request),
            (Some(_), None) => Some(Kind::Notification),
            (None, _) if self.is_error() && !has_bad_id => Some(Kind::Error),
            (None, _) if self.has_result && has_id => Some(Kind::Result),
            (None, _) => None,
        }
    }

    /// Whether it is JSON in plain UTF-8 that all readers read in one way, so that something may be written into it.
    #[cfg(feature = "proxy")]
    pub(crate) fn is_plain(&self) -> bool {
        self.flaw.is_none() && !self.is_transcoded && !self.doubts.is_ambiguous() && !self.doubts.not_a_number
    }

    /// Whether it says that something failed, if it is an answer.
    pub(crate) fn is_error(&self) -> bool {
        self.has_error && self.error.code.is_some()
    }
}

/// A JSON-RPC id, such that equal ids are equal however they were written (`1`, `1.0` and `1e0`; `"a"` and `"\u0061"`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id {
    pub(crate) kind: IdKind,
    /// The string, or the number in its shortest form; no more than [`MAX_ID`] bytes of it.
    pub(crate) text: String,
    /// What else tells a string or a number from others if `text` is not all of it: a hash; 0 for all other ids. It holds
    /// within one process only.
    pub(crate) rest: u64,
}

impl Id {
    /// This id with the other type: `1` for `"1"` and `"1"` for `1`. Servers answer so, and the official clients take it: they
    /// read a string as a number where it is one (`Number(id)` in TypeScript, `coerce_request_id` in Python).
    pub(crate) fn retyped(&self) -> Option<Self> {
        match self.kind {
            _ if self.rest != 0 => None,
            IdKind::Integer => Some(Self { kind: IdKind::String, text: self.text.clone(), rest: 0 }),
            IdKind::String => {
                let number: i64 = self.text.trim_ascii().parse().ok()?;
                Some(Self { kind: IdKind::Integer, text: number.to_string(), rest: 0 })
            }
            IdKind::Fraction | IdKind::Null | IdKind::Other => None,
        }
    }
}

#[cfg(feature = "rmcp")]
impl Id {
    /// The id that an integer is.
    pub(crate) fn of_integer(number: i64) -> Self {
        Self { kind: IdKind::Integer, text: number.to_string(), rest: 0 }
    }
}

/// What an id is. JSON-RPC 2.0 (section 4) has strings, numbers and, for errors that belong to no request, null; MCP
/// requires strings or integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum IdKind {
    String,
    Integer,
    Fraction,
    Null,
    /// A bool, an array or an object.
    Other,
}

/// Short facts of `params`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Params {
    /// `name`: the tool or prompt.
    pub(crate) name: Option<String>,
    /// `uri`: the resource.
    pub(crate) uri: Option<String>,
    /// `taskId`.
    pub(crate) task_id: Option<String>,
    /// `requestId`: what `notifications/cancelled` cancels.
    pub(crate) request_id: Option<Id>,
    /// `reason` of a cancellation.
    pub(crate) reason: Option<String>,
    /// A keyed digest of `requestState` (2026-07-28).
    pub(crate) request_state: Option<StateDigest>,
    /// `protocolVersion` of `_meta` (2026-07-28), or of `initialize`.
    pub(crate) protocol_version: Option<String>,
    /// `clientInfo.name` of `_meta`, or of `initialize`.
    pub(crate) client_name: Option<String>,
    /// `clientInfo.version`, likewise.
    pub(crate) client_version: Option<String>,
    /// `_meta.traceparent`.
    pub(crate) traceparent: Option<String>,
    /// `_meta.tracestate`.
    pub(crate) tracestate: Option<String>,
}

/// Short facts of `result`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answer {
    /// `isError` is true.
    pub(crate) is_error: bool,
    /// `resultType` (2026-07-28); absent means complete.
    pub(crate) result_type: Option<String>,
    /// A keyed digest of `requestState` (2026-07-28).
    pub(crate) request_state: Option<StateDigest>,
    /// `taskId`, which is a task's only where the result is one.
    pub(crate) task_id: Option<String>,
    /// `status`, likewise.
    pub(crate) task_status: Option<String>,
    /// `task.taskId`.
    pub(crate) inner_task_id: Option<String>,
    /// `task.status`.
    pub(crate) inner_task_status: Option<String>,
    /// `content` is a list: it is what was asked for, and not the promise of it.
    pub(crate) has_content: bool,
    /// `protocolVersion` of the answer to `initialize`.
    pub(crate) protocol_version: Option<String>,
    /// The elements of `tools`, of which no more than [`MAX_TOOLS`] are looked at.
    pub(crate) tools: Vec<ToolDefinition>,
    /// The first bytes of the texts in `content`, one to a line, only of errors and where [`Reading::wants_error_text`]
    /// says so.
    pub(crate) text: Option<String>,
}

/// Short facts of `error`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Error {
    /// `code`, if it is an integer.
    pub(crate) code: Option<i64>,
    /// The first bytes of `message`, only where [`Reading::wants_error_text`] says so.
    pub(crate) message: Option<String>,
}

/// One element of `result.tools`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolDefinition {
    pub(crate) name: String,
    /// SHA-256 of the definition in canonical form (RFC 8785).
    pub(crate) digest: [u8; 32],
}

/// HMAC-SHA256 of a `requestState` string: it is opaque, may be a credential, and must only be recognized again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StateDigest(pub(crate) [u8; 32]);

/// Why something is no JSON-RPC message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// No JSON (RFC 8259), or more than one value where one is expected.
    NotJson,
    /// JSON that is nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// JSON, but no object, or without a string `method`, an object `result` and an object `error`, or an empty batch. What
    /// has one of them may be no message all the same ([`Message::kind`]).
    NotAMessage,
}

impl Flaw {
    /// As it stands in a record (`auditrail.message.flaw`).
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::NotAMessage => "not_a_message",
        }
    }
}

/// Why readers may disagree on what a message says. It was read as most of them would; those that refuse it run nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    /// A key that says what is to be run, and which request it is, comes twice: the last counts.
    pub(crate) duplicate_key: bool,
    /// Bytes of a string are no UTF-8: each U+FFFD stands for some.
    pub(crate) invalid_utf8: bool,
    /// There is a `NaN` or `Infinity` in it.
    pub(crate) not_a_number: bool,
    /// There is a carriage return before or in it where lines end with newlines.
    pub(crate) carriage_return: bool,
    /// What came with it says that it is in an encoding in which its bytes may say something else.
    pub(crate) charset: bool,
    /// What else may be run: a method, with a tool or prompt if it has one.
    pub(crate) readings: Vec<String>,
}

impl Doubts {
    /// As they stand in a record (`auditrail.message.flaw`).
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.duplicate_key, "duplicate_key"),
            (self.invalid_utf8, "invalid_utf8"),
            (self.not_a_number, "not_a_number"),
            (self.carriage_return, "carriage_return"),
            (self.charset, "charset"),
        ];
        all.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name)
    }

    /// Whether a reader that runs it may run something else.
    #[cfg(feature = "proxy")]
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.duplicate_key || self.invalid_utf8 || self.carriage_return || self.charset
    }
}

/// What a reader of messages looks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    /// The key of [`StateDigest`]; without it there are none.
    pub(crate) state_key: Option<Hmac<Sha256>>,
    /// Keeps the beginning of error texts, for a hook. They are never written down.
    pub(crate) wants_error_text: bool,
}

/// The longest text that is kept, in bytes of UTF-8; what is longer is cut, never inside a character. The limits of the policy
/// are lower, and say so on the record.
pub(crate) const MAX_TEXT: usize = 16 * 1024;
/// The longest text of an id that is kept.
pub(crate) const MAX_ID: usize = 256;
/// The deepest nesting that is read.
pub(crate) const MAX_DEPTH: usize = 512;
/// The longest definition of a tool, in bytes, of which a digest is made.
pub(crate) const MAX_TOOL: usize = 256 * 1024;
/// How many definitions are looked at in one message.
pub(crate) const MAX_TOOLS: usize = 4096;
