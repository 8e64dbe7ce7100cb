//! How a call ended: `audit.outcome`, `auditrail.outcome.detail`, `error.type` and the severity that follows from them.

use std::borrow::Cow;
use std::str::FromStr;

use super::error_type;

/// `audit.outcome`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// A response was seen and it was good.
    Success,
    /// It failed, was denied or refused.
    Failure,
    /// Nobody can say: a request half, or a call without a response.
    Unknown,
}

/// `auditrail.outcome.detail`: the finer outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detail {
    /// A good response.
    Ok,
    /// The tool answered `isError`.
    ToolError,
    /// A JSON-RPC error.
    JsonrpcError,
    /// An HTTP error without a JSON-RPC message.
    HttpError,
    /// Denied by a decision.
    Denied,
    /// Cancelled by the client.
    Cancelled,
    /// A deadline passed.
    Timeout,
    /// The handler panicked.
    Panic,
    /// No response was sent, or none was seen.
    NoResponse,
    /// The process ended in the middle.
    Interrupted,
    /// The server asked for input; a retry follows.
    InputRequired,
    /// The server answered with a task handle.
    Task,
}

impl Status {
    /// As in the record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Unknown => "unknown",
        }
    }
}

impl Detail {
    const ALL: [(Self, &'static str); 12] = [
        (Self::Ok, "ok"),
        (Self::ToolError, error_type::TOOL_ERROR),
        (Self::JsonrpcError, error_type::JSONRPC_ERROR),
        (Self::HttpError, error_type::HTTP_ERROR),
        (Self::Denied, error_type::DENIED),
        (Self::Cancelled, "cancelled"),
        (Self::Timeout, "timeout"),
        (Self::Panic, error_type::PANIC),
        (Self::NoResponse, "no_response"),
        (Self::Interrupted, "interrupted"),
        (Self::InputRequired, "input_required"),
        (Self::Task, "task"),
    ];

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().map(|(detail, _)| detail)
    }

    /// As in the record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(detail, _)| *detail == self).map_or("", |(_, text)| text)
    }

    /// The status that the detail implies (the contract's table of outcomes).
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Ok => Status::Success,
            Self::Cancelled
            | Self::Timeout
            | Self::NoResponse
            | Self::Interrupted
            | Self::InputRequired
            | Self::Task => Status::Unknown,
            _ => Status::Failure,
        }
    }
}

impl FromStr for Status {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
        [Self::Success, Self::Failure, Self::Unknown]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownOutcome)
    }
}

impl FromStr for Detail {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, UnknownOutcome> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(detail, _)| *detail).ok_or(UnknownOutcome)
    }
}

/// The text is no outcome of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an outcome; use success, failure or unknown, or one of the details that auditrail::record::Detail names")]
pub struct UnknownOutcome;

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The outcome.
    pub status: Status,
    /// The finer outcome, if it is known.
    pub detail: Option<Detail>,
    /// `error.type`, of low cardinality.
    pub error_type: Option<Cow<'static, str>>,
    /// The JSON-RPC error code, if the response carried one.
    pub code: Option<i64>,
}

impl Outcome {
    /// The outcome that a detail implies, with the `error.type` that goes with it.
    #[must_use]
    pub fn of(detail: Detail) -> Self {
        let error_type = match detail.status() {
            Status::Failure => Some(Cow::Borrowed(detail.as_str())),
            _ => None,
        };
        Self { status: detail.status(), detail: Some(detail), error_type, code: None }
    }

    /// A good response.
    #[must_use]
    pub fn ok() -> Self {
        Self::of(Detail::Ok)
    }

    /// The outcome that a detail implies, with an `error.type` of its own ([`error_type`]).
    #[must_use]
    pub fn with_type(detail: Detail, error_type: &'static str) -> Self {
        Self { error_type: Some(Cow::Borrowed(error_type)), ..Self::of(detail) }
    }

    /// A JSON-RPC error response with that code.
    #[must_use]
    pub fn jsonrpc_error(code: i64) -> Self {
        Self { error_type: Some(Cow::Owned(code.to_string())), code: Some(code), ..Self::of(Detail::JsonrpcError) }
    }

    /// Only the status is known.
    #[must_use]
    pub fn status(status: Status) -> Self {
        Self { status, detail: None, error_type: None, code: None }
    }

    /// What people filter by: INFO for success, WARN for denied or unknown, ERROR for failed.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match (self.status, self.detail) {
            (Status::Success, _) => Severity::INFO,
            (Status::Unknown, _) | (_, Some(Detail::Denied)) => Severity::WARN,
            (Status::Failure, _) => Severity::ERROR,
        }
    }

    /// Whether the span's status is ERROR. JSON-RPC errors that are the caller's fault are not
    /// (MCP conventions: parse error, invalid request, method not found, invalid params, resource not found).
    #[must_use]
    pub fn is_span_error(&self) -> bool {
        const CALLERS_FAULT: [i64; 5] = [-32700, -32600, -32601, -32602, -32002];
        self.status == Status::Failure && !self.code.is_some_and(|code| CALLERS_FAULT.contains(&code))
    }
}

/// An OTel severity: number and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Severity {
    /// `SeverityNumber`, 0 if unset.
    pub number: i32,
    /// The text, empty if unset.
    pub text: Cow<'static, str>,
}

impl Severity {
    /// Success, and request halves.
    pub const INFO: Self = Self { number: 9, text: Cow::Borrowed("INFO") };
    /// Denied, refused or unknown.
    pub const WARN: Self = Self { number: 13, text: Cow::Borrowed("WARN") };
    /// Failed.
    pub const ERROR: Self = Self { number: 17, text: Cow::Borrowed("ERROR") };
}
