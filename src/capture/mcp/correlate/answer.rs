//! What became of a call, by the message that answers it.

use super::super::message::Message;
use super::waiting::{Asked, Waiting};
use crate::record::{Detail, Outcome, Status, error_type, names};
use crate::trail::{Core, Failure, Ongoing, Refused};

/// The outcome of an answer.
pub(super) fn outcome(core: &Core, waiting: &Waiting, answer: &Message) -> Outcome {
    let outcome = match answer.error.code {
        Some(code) if answer.is_error() => Outcome::jsonrpc_error(code),
        _ => Outcome::of(result(waiting.asked, answer)),
    };
    if waiting.is_unreadable && outcome.status != Status::Failure {
        return unread_request();
    }
    let is_denied = is_refusal(&waiting.call, outcome.code) || is_denial(core, waiting, &outcome, answer);
    match &waiting.cancelled {
        _ if is_denied => Outcome { detail: Some(Detail::Denied), ..outcome },
        // Servers answer cancellations with an error of some code; what they did until then nobody can say. That the request
        // itself was wrong is another thing.
        Some(cancelled) if outcome.detail == Some(Detail::JsonrpcError) && outcome.is_span_error() => {
            Outcome { code: outcome.code, ..cancelled.outcome.clone() }
        }
        _ => outcome,
    }
}

/// The outcome of a call whose HTTP exchange ended with that status, and without an answer.
pub(crate) fn http_error(status: u16) -> Outcome {
    match status {
        408 | 504 => Outcome::with_type(Detail::Timeout, error_type::TIMEOUT),
        _ => Outcome::of(Detail::HttpError),
    }
}

/// The outcome of a cancelled call. Clients cancel what takes them too long, and some say so.
pub(super) fn cancelled(reason: Option<&str>) -> Outcome {
    let says = |text: &str| reason.is_some_and(|reason| reason.to_ascii_lowercase().contains(text));
    if TIMEOUTS.iter().any(|text| says(text)) {
        Outcome::with_type(Detail::Timeout, error_type::TIMEOUT)
    } else {
        Outcome::of(Detail::Cancelled)
    }
}

/// The outcome of a call that got no answer before what it came over was closed.
pub(crate) fn disconnected() -> Outcome {
    Outcome::with_type(Detail::NoResponse, error_type::DISCONNECTED)
}

/// The outcome of a call of which no answer was seen, because it could not be read.
pub(crate) fn unread() -> Outcome {
    Outcome::with_type(Detail::NoResponse, error_type::UNREADABLE)
}

/// The outcome of a call that may have got the answer of another, or the other its.
pub(super) fn ambiguous() -> Outcome {
    Outcome { error_type: Some(error_type::AMBIGUOUS_ID.into()), ..Outcome::status(Status::Unknown) }
}

/// The outcome of a call that was answered with a refusal, and by nobody else.
#[cfg(feature = "proxy")]
pub(super) fn refused(code: i64) -> Outcome {
    Outcome { detail: Some(Detail::Denied), ..Outcome::jsonrpc_error(code) }
}

/// The outcome of a call that wants no answer.
pub(super) fn one_way() -> Outcome {
    Outcome::with_type(Detail::NoResponse, error_type::NO_ID)
}

/// The outcome of what the server has answered well, although it could not be read here: nobody can say what ran.
pub(crate) fn unread_request() -> Outcome {
    Outcome { error_type: Some(error_type::UNREADABLE.into()), ..Outcome::status(Status::Unknown) }
}

fn result(asked: Asked, answer: &Message) -> Detail {
    match answer.result.result_type.as_deref() {
        Some("input_required") => Detail::InputRequired,
        Some("task") => Detail::Task,
        _ if answer.result.is_error => Detail::ToolError,
        // 2025-11-25 has no type of a result, and answers with the task alone.
        None if asked == Asked::ToolsCall && is_promise(answer) => Detail::Task,
        _ => Detail::Ok,
    }
}

/// The id and the status of the task that an answer is, or promises: of any other, `taskId` and `status` are the server's
/// own words, and nobody's task.
pub(super) fn task<'a>(method: Option<&str>, answer: &'a Message) -> Option<(&'a str, Option<&'a str>)> {
    let result = &answer.result;
    let itself = || Some((result.task_id.as_deref()?, result.task_status.as_deref()));
    let inner = || Some((result.inner_task_id.as_deref()?, result.inner_task_status.as_deref()));
    match method {
        Some("tasks/get" | "tasks/cancel" | "tasks/update") => itself(),
        _ if result.result_type.as_deref() == Some("task") => itself().or_else(inner),
        _ if is_promise(answer) => inner(),
        _ => None,
    }
}

/// `CreateTaskResult` of 2025-11-25: a task and nothing of what was asked for.
fn is_promise(answer: &Message) -> bool {
    let result = &answer.result;
    result.result_type.is_none()
        && !result.has_content
        && result.inner_task_id.is_some()
        && result.inner_task_status.is_some()
}

/// Whether it is the answer that the wrapper gave in the place of the handler.
fn is_refusal(call: &Ongoing, code: Option<i64>) -> bool {
    code == Some(Refused::UNRECORDED) || (code == Some(Refused::CODE) && call.is_denied())
}

fn is_denial(core: &Core, waiting: &Waiting, outcome: &Outcome, answer: &Message) -> bool {
    let failed = matches!(outcome.detail, Some(Detail::ToolError | Detail::JsonrpcError));
    if !failed || !core.hooks().has_denial() {
        return false;
    }
    let text = if answer.is_error() { &answer.error.message } else { &answer.result.text };
    let [method, tool, prompt] = [names::MCP_METHOD_NAME, names::GEN_AI_TOOL_NAME, names::GEN_AI_PROMPT_NAME]
        .map(|name| waiting.call.text(name));
    let failure = Failure::new(
        method.as_deref(),
        tool.as_deref().or(prompt.as_deref()),
        outcome.code,
        text.as_deref().unwrap_or_default(),
    );
    core.hooks().is_denial(core.notices(), &failure)
}

/// What rmcp ("request timeout") and the TypeScript SDK ("Request timed out") give as the reason.
const TIMEOUTS: [&str; 2] = ["timed out", "timeout"];
