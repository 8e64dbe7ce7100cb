//! What an audited span has reported about its outcome and its event.

use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};

use super::visit::AllowedField;
use crate::record::{Detail, EventName, Given, Outcome, Status, UnknownEvent, error_type, names};

/// The recorded fields of outcome and event, and what `err` and `ret` reported at the end.
#[derive(Debug, Clone, Default)]
pub(super) struct SpanOutcome {
    status: Option<Status>,
    detail: Option<Detail>,
    error_type: Option<String>,
    code: Option<i64>,
    ending: Option<Ending>,
    event: Option<Result<EventName, UnknownEvent>>,
}

/// What `#[instrument(err, ret)]` reported at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Returned,
    Failed,
    Denied,
}

impl SpanOutcome {
    /// Reads an outcome field; a value that the contract does not know is ignored.
    pub(super) fn take(&mut self, field: &AllowedField, given: Given<'_>) {
        let Some(text) = given.as_str() else { return };
        match field.key().as_ref() {
            names::AUDIT_OUTCOME => self.status = text.parse().ok(),
            names::AUDITRAIL_OUTCOME_DETAIL => self.detail = text.parse().ok(),
            names::ERROR_TYPE => self.error_type = Some(low_cardinality(text).to_owned()),
            names::RPC_RESPONSE_STATUS_CODE => self.code = text.parse().ok(),
            _ => {}
        }
    }

    /// Reads the field that names the event.
    pub(super) fn take_event(&mut self, given: Given<'_>) {
        self.event = given.as_str().map(str::parse);
    }

    /// The event that the fields name; by default, the one of other requests.
    pub(super) fn event(&self, method: Option<&[u8]>) -> EventName {
        match (&self.event, method) {
            (Some(event), _) => event.unwrap_or(EventName::McpRequest),
            (None, Some(method)) => EventName::of_method_bytes(method),
            (None, None) => EventName::McpRequest,
        }
    }

    pub(super) fn has_unknown_event(&self) -> bool {
        matches!(self.event, Some(Err(_)))
    }

    /// The status that was recorded in a field, and so is on the span.
    pub(super) fn status(&self) -> Option<Status> {
        self.status
    }

    pub(super) fn ending(&mut self, ending: Ending) {
        self.ending = Some(ending);
    }

    /// The outcome of a span that has ended. A panic counts first, then what was recorded, then `err` and `ret`.
    /// Without any of them it is `no_response`, because a dropped future closes its span as a finished one does.
    pub(super) fn outcome(self, event: EventName, panicked: bool) -> Outcome {
        if panicked {
            return Outcome::of(Detail::Panic);
        }
        let recorded = self.status.is_some() || self.detail.is_some();
        let outcome = match (self.status, self.detail, self.ending) {
            (Some(status), detail, _) => Outcome { detail: detail.or(plain_detail(status)), ..Outcome::status(status) },
            (None, Some(detail), _) => Outcome::of(detail),
            (None, None, Some(Ending::Returned)) => Outcome::ok(),
            (None, None, Some(Ending::Denied)) => Outcome::of(Detail::Denied),
            (None, None, Some(Ending::Failed)) => failed(event),
            (None, None, None) if event.has_halves() => Outcome::of(Detail::NoResponse),
            (None, None, None) => Outcome::status(Status::Success),
        };
        let fallback = (outcome.status == Status::Failure).then_some("_OTHER").filter(|_| recorded);
        Outcome {
            error_type: self.error_type.map(Into::into).or(outcome.error_type).or(fallback.map(Into::into)),
            code: self.code.or(outcome.code),
            ..outcome
        }
    }
}

/// A class of errors has a short name (core conventions); a whole error text in its place must not leave.
fn low_cardinality(text: &str) -> &str {
    if error_type::is_class(text) { text } else { error_type::OTHER }
}

fn plain_detail(status: Status) -> Option<Detail> {
    (status == Status::Success).then_some(Detail::Ok)
}

/// An `Err` of a handler: recorded as the answer to that kind of request.
fn failed(event: EventName) -> Outcome {
    match event {
        EventName::McpToolsCall => Outcome::of(Detail::ToolError),
        EventName::McpResourcesRead | EventName::McpPromptsGet | EventName::McpRequest => {
            Outcome::of(Detail::JsonrpcError)
        }
        _ => Outcome { error_type: Some(error_type::OTHER.into()), ..Outcome::status(Status::Failure) },
    }
}

/// Reads the one field of an event of `#[instrument]`: whether it is an error, and its text if it is needed.
pub(super) struct EndingVisitor {
    pub(super) wants_text: bool,
    pub(super) ending: Ending,
    pub(super) text: String,
}

impl EndingVisitor {
    pub(super) fn new(wants_text: bool) -> Self {
        Self { wants_text, ending: Ending::Returned, text: String::new() }
    }
}

impl Visit for EndingVisitor {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "error" {
            self.ending = Ending::Failed;
        } else {
            // `#[instrument(ret)]` without `err` returns the whole `Result`; only its beginning is read.
            let mut beginning = PrefixWriter::default();
            if write!(beginning, "{value:?}").is_err() && beginning.text == ERR {
                self.ending = Ending::Failed;
            }
        }
        if self.wants_text && self.ending == Ending::Failed {
            self.text = format!("{value:?}");
        }
    }
}

/// Stops the formatting as soon as the beginning is known.
#[derive(Default)]
struct PrefixWriter {
    text: String,
}

impl Write for PrefixWriter {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let missing = ERR.len().saturating_sub(self.text.len());
        self.text.extend(text.chars().take(missing));
        if self.text.len() < ERR.len() { Ok(()) } else { Err(std::fmt::Error) }
    }
}

const ERR: &str = "Err(";
