//! The facts of one JSON-RPC message that an audit needs: the envelope, and a few short facts from inside it.
//! Arguments, results and other content are never kept.
//!
//! Every text here is bounded ([`MAX_TEXT`], or as its field says), so a message takes little memory whatever its
//! size.

use std::borrow::Cow;
use std::fmt;

use hmac::Hmac;
use sha2::Sha256;

use super::profile::Profile;
use crate::identity::Claimed;
use crate::trail::{Direction, ToolHints, Truncation, Truncator};

/// A JSON-RPC message, or whatever takes the place of one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// `None` if there is no `id` at all.
    pub id: Option<Id>,
    /// `jsonrpc` is "2.0".
    pub(crate) is_jsonrpc: bool,
    /// The method, if it is a string.
    pub method: Option<String>,
    /// `result` is an object, as MCP requires.
    pub(crate) has_result: bool,
    /// `error` is an object.
    pub(crate) has_error: bool,
    pub(crate) params: Params,
    pub(crate) result: ResultFacts,
    pub(crate) error: ErrorFacts,
    /// The batch that it is an element of, counted from 1 for each reader; or that this message reports a flaw of.
    pub batch: Option<u64>,
    /// Identifies its server-sent event, if that has an id. Not for elements of a batch.
    pub(crate) event: Option<u64>,
    /// Its length on the wire, without framing. If it is flawed, everything from its beginning to the end of the
    /// frame.
    pub(crate) bytes: u64,
    /// Why it is not a message that can be understood. The other fields have what was read before.
    pub flaw: Option<Flaw>,
    /// Where readers may understand it differently.
    pub(crate) doubts: Doubts,
    /// The reader that sees this message in bytes in which most readers see another one, or none.
    pub(crate) reader: Option<Profile>,
    /// The group of readings that it belongs to, among the messages of this direction with several readings: an
    /// answer to one reading applies to all readings with its id.
    pub alternative: Option<u64>,
    /// It was not plain UTF-8: it had a byte order mark, or was in UTF-16 or UTF-32. `bytes` is its length in UTF-8
    /// then.
    pub(crate) is_transcoded: bool,
}

/// The kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// It wants an answer.
    Request,
    /// A request that expects no answer: it has no id, and its method is not that of a notification. By JSON-RPC 2.0
    /// (section 4.1) it is a notification, and the SDKs run nothing for it; a server that looks only at the method
    /// runs it.
    OneWay,
    /// It wants none.
    Notification,
    /// The answer to a request.
    Result,
    /// An answer that says why there is none.
    Error,
}

impl Message {
    /// The error that the proxy answers in the place of the server, as if it had been read off the wire.
    #[cfg(feature = "internals")]
    pub fn of_refusal(id: Option<Id>, code: i64) -> Self {
        let error = ErrorFacts { code: Some(code), message: None };
        Self { id, is_jsonrpc: true, has_error: true, error, ..Self::default() }
    }

    /// What it is to its reader, or `None` if readers do not accept it as a message. This is the only place that
    /// decides it. The rules are those of the official SDKs, `JSONRPCMessageSchema` of TypeScript (zod) and
    /// `jsonrpc_message_adapter` of Python (pydantic); if they differ, what either accepts is a message:
    ///
    /// - A result has the version, an id, and an object `result`. An `error` next to it that is not an error does not
    ///   count (Python).
    /// - An error has the version, and an object `error` with an integer `code`. Without an id, or with null, it
    ///   belongs to no request (no id: TypeScript; null: Python). A `result` next to it does not count (Python). Both
    ///   SDKs also require a `message`; here the code is enough, since nothing else looks like this.
    /// - A request or notification has a method. Clients accept none without the version. A server may, and as it
    ///   then runs, it must not be missed. For that reason a method also counts if what follows is nested too deeply
    ///   to be read here.
    pub fn kind(&self, direction: Direction) -> Option<MessageKind> {
        let is_readable = self.flaw.is_none_or(|flaw| flaw == Flaw::TooDeep && self.method.is_some());
        let is_taken = self.is_jsonrpc || (direction == Direction::ClientToServer && self.method.is_some());
        let has_id = self.id.as_ref().is_some_and(|id| !matches!(id.kind, IdKind::Null | IdKind::Other));
        let has_bad_id = self.id.as_ref().is_some_and(|id| id.kind == IdKind::Other);
        match (&self.method, &self.id) {
            _ if !is_readable || !is_taken => None,
            (Some(_), Some(_)) => Some(MessageKind::Request),
            (Some(method), None) if is_notification(method) => Some(MessageKind::Notification),
            (Some(_), None) => Some(MessageKind::OneWay),
            (None, _) if self.is_error() && !has_bad_id => Some(MessageKind::Error),
            (None, _) if self.has_result && has_id => Some(MessageKind::Result),
            (None, _) => None,
        }
    }

    /// Whether it is JSON in plain UTF-8 that all readers read in one way, so that text can be inserted.
    #[cfg(feature = "internals")]
    pub fn is_plain(&self) -> bool {
        self.flaw.is_none() && !self.is_transcoded && !self.is_ambiguous() && !self.doubts.not_a_number
    }

    /// Whether a reader may run something other than this.
    #[cfg(feature = "internals")]
    pub fn is_ambiguous(&self) -> bool {
        self.reader.is_some() || self.doubts.is_ambiguous()
    }

    /// What a server runs of it, and for which request.
    pub(crate) fn runs(&self) -> Option<MessageIdentity<'_>> {
        let (method, params) = (self.method.as_deref()?, &self.params);
        let subject = match method {
            "tools/call" | "prompts/get" => &params.name,
            _ if method.starts_with("resources/") || method.starts_with("skills/") => &params.uri,
            _ => &params.task_id,
        };
        let cancelled = params.request_id.as_ref().filter(|_| method == "notifications/cancelled");
        Some((method, subject.as_deref(), self.id.as_ref(), cancelled))
    }

    /// Whether it is an answer that reports a failure.
    pub(crate) fn is_error(&self) -> bool {
        self.has_error && self.error.code.is_some()
    }
}

/// Whether a method is that of a notification: in MCP, the names of all notifications begin so.
pub(crate) fn is_notification(method: &str) -> bool {
    method.starts_with("notifications/")
}

/// Method, its subject, the id, and the id of the request that is cancelled.
pub(crate) type MessageIdentity<'a> = (&'a str, Option<&'a str>, Option<&'a Id>, Option<&'a Id>);

/// A JSON-RPC id. Ids are equal if their values are, however they are written (`1`, `1.0` and `1e0`; `"a"` and
/// `"\u0061"`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id {
    /// Its JSON type.
    pub kind: IdKind,
    /// The string, or the number in its shortest form; at most `MAX_ID` bytes.
    pub text: String,
    /// A hash that distinguishes long strings and numbers of which `text` is not all; 0 for all other ids. It is
    /// valid only within one process.
    pub rest: u64,
}

impl Id {
    /// The class of ids that servers may turn into one another. An answer has the class of the request that it
    /// answers, or answers another one.
    ///
    /// Servers answer a number as a string and vice versa, and the official clients accept it: they convert a string
    /// to a number if it is one (`Number(id)` in TypeScript, `coerce_request_id` in Python). Readers with doubles
    /// only (JavaScript, Go's `any`) round ids beyond 2⁵³ and write the nearest double.
    pub(crate) fn class(&self) -> IdClass {
        match self.double() {
            Some(double) => IdClass::Number(double.to_bits()),
            None => IdClass::Text(self.kind, self.text.clone(), self.rest),
        }
    }

    /// Whether an answer with this id may belong to a request with `asked`, which is of the same class.
    pub(crate) fn may_answer(&self, asked: &Self) -> bool {
        let Some(double) = self.double() else { return self == asked };
        let is_same = self.rest == asked.rest && self.digits() == asked.digits();
        is_same || self.is_rounded(double)
    }

    /// Whether a reader with doubles only could write it: either with the fewest digits that distinguish it from its
    /// neighbours (JavaScript, Go), or with all digits.
    fn is_rounded(&self, double: f64) -> bool {
        let Some(digits) = self.digits() else { return true };
        // The cast is exact where it is compared: doubles of that size are integers.
        #[expect(clippy::cast_possible_truncation, reason = "see above")]
        let is_exact = || double.abs() < MOST_EXACT && (double as i128).to_string() == digits;
        digits == double.to_string() || is_exact()
    }

    /// The value, if it is a number or the text of one.
    fn double(&self) -> Option<f64> {
        let text = match self.kind {
            IdKind::Integer | IdKind::Fraction => self.text.as_str(),
            IdKind::String if self.rest == 0 => Some(self.text.trim_ascii()).filter(|text| is_number(text))?,
            IdKind::String | IdKind::Null | IdKind::Other => return None,
        };
        // There is only one zero: -0 and 0 are one number.
        text.parse::<f64>().ok().filter(|double| double.is_finite()).map(|double| double + 0.0)
    }

    /// All its digits, if it is a number or the text of an integer.
    fn digits(&self) -> Option<Cow<'_, str>> {
        match self.kind {
            IdKind::String => self.text.trim_ascii().parse::<i128>().ok().map(|integer| integer.to_string().into()),
            _ => Some(self.text.as_str().into()),
        }
    }
}

/// Whether it is a short text of digits and other characters of numbers.
fn is_number(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    text.len() <= MAX_NUMBER && text.bytes().all(is_part)
}

/// See [`Id::class`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum IdClass {
    /// The bits of the nearest double.
    Number(u64),
    /// This very id only.
    Text(IdKind, String, u64),
}

#[cfg(feature = "rmcp")]
impl Id {
    /// The id of an integer.
    pub(crate) fn of_integer(number: i64) -> Self {
        Self { kind: IdKind::Integer, text: number.to_string(), rest: 0 }
    }
}

/// The JSON type of an id. JSON-RPC 2.0 (section 4) allows strings, numbers and, for errors that belong to no
/// request, null; MCP requires strings or integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// A string.
    String,
    /// A whole number.
    Integer,
    /// Another number.
    Fraction,
    /// `null`.
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
    /// `requestId`: the request that `notifications/cancelled` cancels.
    pub(crate) request_id: Option<Id>,
    /// `reason` of a cancellation.
    pub(crate) reason: Option<String>,
    /// A keyed digest of `requestState` (2026-07-28).
    pub(crate) request_state: Option<StateDigest>,
    /// `protocolVersion` of `_meta` (2026-07-28), or of `initialize`.
    pub(crate) protocol_version: Option<String>,
    /// `clientInfo.name` of `_meta`, or of `initialize`.
    pub(crate) client_name: Option<String>,
    /// `clientInfo.version` of `_meta`, or of `initialize`.
    pub(crate) client_version: Option<String>,
    /// `_meta.traceparent`.
    pub(crate) traceparent: Option<String>,
    /// `_meta.tracestate`.
    pub(crate) tracestate: Option<String>,
    /// What the client claims in `_meta`.
    pub(crate) claimed: Option<Box<Claimed>>,
}

/// Short facts of `result`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ResultFacts {
    /// `isError` is true.
    pub(crate) is_error: bool,
    /// `resultType` (2026-07-28); absent means complete.
    pub(crate) result_type: Option<String>,
    /// A keyed digest of `requestState` (2026-07-28).
    pub(crate) request_state: Option<StateDigest>,
    /// `taskId`; it names a task only if the result is one.
    pub(crate) task_id: Option<String>,
    /// `status`; it is a task's only if the result is one.
    pub(crate) task_status: Option<String>,
    /// `task.taskId`.
    pub(crate) inner_task_id: Option<String>,
    /// `task.status`.
    pub(crate) inner_task_status: Option<String>,
    /// `content` is a list: the result itself, not the promise of one.
    pub(crate) has_content: bool,
    /// `protocolVersion` of the answer to `initialize`.
    pub(crate) protocol_version: Option<String>,
    /// The elements of `tools`, of which at most [`MAX_TOOLS`] are read.
    pub(crate) tools: Vec<ToolDefinition>,
    /// The first bytes of the texts in `content`, one per line; only of errors, and only if
    /// [`ScanOptions::wants_error_text`] is set.
    pub(crate) text: Option<String>,
}

/// Short facts of `error`.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ErrorFacts {
    /// `code`, if it is an integer.
    pub(crate) code: Option<i64>,
    /// The first bytes of `message`, only if [`ScanOptions::wants_error_text`] is set.
    pub(crate) message: Option<String>,
}

/// One element of `result.tools`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolDefinition {
    pub(crate) name: String,
    /// SHA-256 of the definition in canonical form (RFC 8785).
    pub(crate) digest: [u8; 32],
    /// The canonical form, only if [`ScanOptions::definitions`] is set.
    pub(crate) canonical: Option<CanonicalDefinition>,
    /// Its `annotations`.
    pub(crate) hints: ToolHints,
}

/// The canonical form of a tool's definition. Descriptions may contain secrets, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct CanonicalDefinition {
    pub(crate) text: String,
    /// What it was, if it was too long.
    pub(crate) cut: Option<Truncation>,
}

impl fmt::Debug for CanonicalDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CanonicalDefinition")
    }
}

/// HMAC-SHA256 of a `requestState` string. The string is opaque and may be a credential, so it is only made
/// recognizable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct StateDigest(pub(crate) [u8; 32]);

/// Why something is not a JSON-RPC message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Not JSON (RFC 8259), or more than one value where one is expected.
    NotJson,
    /// JSON that is nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// JSON that is not an object, or has no string `method`, object `result` or object `error`, or an empty batch.
    /// An object with one of them may still not be a message ([`Message::kind`]).
    NotAMessage,
}

impl Flaw {
    /// The name in a record (`auditrail.message.flaw`).
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::NotAMessage => "not_a_message",
        }
    }
}

/// Why readers may disagree on a message. It was read as most of them do; readers that refuse it run nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    /// A key that decides what is run, or which request it is, occurs twice: the last counts.
    pub(crate) duplicate_key: bool,
    /// A string contains invalid UTF-8, which U+FFFD replaces.
    pub(crate) invalid_utf8: bool,
    /// It contains `NaN` or `Infinity`.
    pub(crate) not_a_number: bool,
    /// A carriage return precedes it or is in it, while lines end with newlines.
    pub(crate) carriage_return: bool,
    /// A key that decides what is run occurs in another letter case, instead of the original or in addition to it.
    pub(crate) key_case: bool,
    /// It contains a line end of some readers, after which they see a message.
    pub(crate) line_separator: bool,
    /// Its metadata names an encoding in which its bytes may mean something else.
    pub(crate) charset: bool,
    /// Other readings: a method, with a tool or prompt if it has one.
    pub(crate) readings: Vec<String>,
}

impl Doubts {
    /// The names in a record (`auditrail.message.flaw`).
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.duplicate_key, "duplicate_key"),
            (self.invalid_utf8, "invalid_utf8"),
            (self.not_a_number, "not_a_number"),
            (self.carriage_return, "carriage_return"),
            (self.key_case, "key_case"),
            (self.line_separator, "line_separator"),
            (self.charset, "charset"),
        ];
        all.into_iter().filter(|(is_there, _)| *is_there).map(|(_, name)| name)
    }

    /// Whether a reader may run something else.
    #[cfg(feature = "internals")]
    pub(crate) fn is_ambiguous(&self) -> bool {
        self.duplicate_key
            || self.invalid_utf8
            || self.carriage_return
            || self.key_case
            || self.line_separator
            || self.charset
    }
}

/// What a reader of messages keeps in addition to the usual facts.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScanOptions {
    /// The key of [`StateDigest`]; without it there are none.
    pub(crate) state_key: Option<Hmac<Sha256>>,
    /// Keep the beginning of error texts, for a hook. They are never recorded.
    pub(crate) wants_error_text: bool,
    /// Keep the definitions of tools, and cut them with this.
    pub(crate) definitions: Option<Truncator>,
}

/// The longest text that is kept, in bytes of UTF-8; a longer one is cut, never inside a character. The limits of the
/// policy are lower, and are shown on the record.
pub(crate) const MAX_TEXT: usize = 16 * 1024;
/// The longest text of an id that is kept.
pub(crate) const MAX_ID: usize = 256;
/// The longest text that may be a number: more than the digits of any double.
const MAX_NUMBER: usize = 64;
/// Doubles below this have exact 128-bit integers.
const MOST_EXACT: f64 = 1.0e38;
/// The deepest nesting that is read.
pub(crate) const MAX_DEPTH: usize = 512;
/// The longest definition of a tool, in bytes, for which a digest is computed.
pub(crate) const MAX_TOOL: usize = 256 * 1024;
/// How many definitions of one message are read.
pub(crate) const MAX_TOOLS: usize = 4096;
