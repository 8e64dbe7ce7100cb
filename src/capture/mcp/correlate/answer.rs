//! The outcome of a call, from the message that answers it.

use super::super::content;
use super::super::message::Message;
use super::outcomes::unread_request;
use super::pending_call::{PendingCall, RequestKind};
use crate::record::{Detail, Outcome, Status, names};
use crate::trail::{Core, Denial, Failure, OpenCall, Refused};

/// The outcome that an answer gives a call; `refused` if the status of its HTTP response denies it.
pub(super) fn outcome(core: &Core, waiting: &PendingCall, answer: &Message, refused: Option<&Denial>) -> Outcome {
    let outcome = match answer.error.code {
        Some(code) if answer.is_error() => Outcome::jsonrpc_error(code),
        _ => Outcome::of(result(waiting.asked, answer)),
    };
    if waiting.is_unreadable && outcome.status != Status::Failure {
        return unread_request();
    }
    let is_denied = is_refusal(&waiting.call, outcome.code) || is_denial(core, waiting, (&outcome, answer), refused);
    match &waiting.cancelled {
        _ if is_denied => Outcome { detail: Some(Detail::Denied), ..outcome },
        // Servers answer cancellations with an error of some code, and what they did before is unknown. An error that
        // says that the request was wrong is different.
        Some(cancelled) if outcome.detail == Some(Detail::JsonrpcError) && outcome.is_span_error() => {
            Outcome { code: outcome.code, ..cancelled.outcome.clone() }
        }
        _ => outcome,
    }
}

/// Adds the result of an answer, if records may say something of it.
pub(super) fn note_result(waiting: &PendingCall, answer: &Message) {
    if answer.result.content.is_some()
        && is_content(waiting.asked, answer)
        && let Some(method) = waiting.call.text(names::MCP_METHOD_NAME)
        && let Some(result) = content::result(&method, &answer.result)
    {
        waiting.call.note_result(result);
    }
}

/// Whether an answer is the result that was asked for, and not an error, a question or the promise of a result.
fn is_content(asked: RequestKind, answer: &Message) -> bool {
    answer.has_result && !answer.is_error() && matches!(result(asked, answer), Detail::Ok | Detail::ToolError)
}

fn result(asked: RequestKind, answer: &Message) -> Detail {
    match answer.result.result_type.as_deref() {
        Some("input_required") => Detail::InputRequired,
        Some("task") => Detail::Task,
        _ if answer.result.is_error => Detail::ToolError,
        // 2025-11-25 has no type of a result, and answers with the task alone.
        None if asked == RequestKind::ToolsCall && is_promise(answer) => Detail::Task,
        _ => Detail::Ok,
    }
}

/// The id and the status of the task that an answer is, or promises. In any other result, `taskId` and `status` are
/// the server's own data.
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

/// `CreateTaskResult` of 2025-11-25: a task, and nothing of the requested result.
fn is_promise(answer: &Message) -> bool {
    let result = &answer.result;
    result.result_type.is_none()
        && !result.has_content
        && result.inner_task_id.is_some()
        && result.inner_task_status.is_some()
}

/// Whether it is the answer that the wrapper gave instead of the handler.
fn is_refusal(call: &OpenCall, code: Option<i64>) -> bool {
    code == Some(Refused::UNRECORDED_CODE) || (code.is_some() && code == call.refusal_code())
}

/// Whether the answer denies the call, which then knows by what.
fn is_denial(core: &Core, waiting: &PendingCall, answered: (&Outcome, &Message), refused: Option<&Denial>) -> bool {
    let (outcome, answer) = answered;
    let denial = match refused {
        Some(refused) if outcome.detail == Some(Detail::JsonrpcError) => Some(refused.clone()),
        _ => recognized(core, waiting, outcome, answer),
    };
    denial.inspect(|denial| waiting.call.deny(denial)).is_some()
}

/// What the rules and the hook of the operator make of it.
fn recognized(core: &Core, waiting: &PendingCall, outcome: &Outcome, answer: &Message) -> Option<Denial> {
    let failed = matches!(outcome.detail, Some(Detail::ToolError | Detail::JsonrpcError));
    if !failed || !core.hooks().has_denial() {
        return None;
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
    core.hooks().denial(core.notices(), &failure)
}
