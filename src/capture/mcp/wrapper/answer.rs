//! The outcome of a call, from the answer of its handler.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolResponse, CallToolResult, ContentBlock, ErrorCode, GetPromptResponse, JsonObject, ReadResourceResponse,
};
use serde_json::Value;

use crate::capture::mcp::content;
use crate::capture::mcp::refusal::message_of;
use crate::record::{Detail, Outcome, names};
use crate::trail::{Content, Core, Denial, Failure, OpenCall, Refused};

/// The outcome of an answer that is not a JSON-RPC error.
pub(super) trait HandlerResult {
    /// `ok`, unless the type has more information.
    fn detail(&self) -> Detail {
        Detail::Ok
    }

    /// What it contains, if it is the content of a tool, a prompt or a resource.
    fn content(&self) -> Option<Content> {
        None
    }

    /// The text of a tool's error, for the hook that recognizes denials.
    fn error_text(&self) -> String {
        String::new()
    }
}

impl HandlerResult for CallToolResponse {
    fn detail(&self) -> Detail {
        match self {
            Self::Complete(CallToolResult { is_error: Some(true), .. }) => Detail::ToolError,
            Self::Complete(_) => Detail::Ok,
            Self::InputRequired(_) => Detail::InputRequired,
            Self::Task(_) => Detail::Task,
            // A kind of answer that this version of rmcp does not have.
            _ => Detail::NoResponse,
        }
    }

    fn content(&self) -> Option<Content> {
        let Self::Complete(result) = self else { return None };
        result_of(serde_json::to_value(result), result.content.len())
    }

    fn error_text(&self) -> String {
        let Self::Complete(result) = self else { return String::new() };
        let texts = result.content.iter().filter_map(ContentBlock::as_text);
        texts.map(|content| content.text.as_str()).collect::<Vec<_>>().join("\n")
    }
}

impl HandlerResult for GetPromptResponse {
    fn detail(&self) -> Detail {
        if matches!(self, Self::InputRequired(_)) { Detail::InputRequired } else { Detail::Ok }
    }

    fn content(&self) -> Option<Content> {
        let Self::Complete(result) = self else { return None };
        result_of(serde_json::to_value(result), result.messages.len())
    }
}

impl HandlerResult for ReadResourceResponse {
    fn detail(&self) -> Detail {
        if matches!(self, Self::InputRequired(_)) { Detail::InputRequired } else { Detail::Ok }
    }

    fn content(&self) -> Option<Content> {
        let Self::Complete(result) = self else { return None };
        result_of(serde_json::to_value(result), result.contents.len())
    }
}

macro_rules! plain {
    ($($type:ident)*) => { $(impl HandlerResult for rmcp::model::$type {})* };
}

plain! {
    InitializeResult DiscoverResult CompleteResult ListPromptsResult ListResourcesResult ListResourceTemplatesResult
    ListToolsResult CustomResult GetTaskResult ListSkillsResult GetSkillResult
}

impl HandlerResult for () {}

/// The outcome of a handler's result, and by what it denies the call if it does.
pub(super) fn outcome<T: HandlerResult>(
    core: &Core,
    method: &str,
    name: Option<&str>,
    result: &Result<T, ErrorData>,
) -> (Outcome, Option<Denial>) {
    let outcome = match result {
        Ok(answer) => Outcome::of(answer.detail()),
        Err(error) => Outcome::jsonrpc_error(i64::from(error.code.0)),
    };
    let failed = matches!(outcome.detail, Some(Detail::ToolError | Detail::JsonrpcError));
    if failed && core.hooks().has_denial() {
        let text = match result {
            Ok(answer) => answer.error_text(),
            Err(error) => error.message.to_string(),
        };
        let failure = Failure::new(Some(method), name, outcome.code, &text);
        if let Some(denial) = core.hooks().denial(core.notices(), &failure) {
            return (Outcome { detail: Some(Detail::Denied), ..outcome }, Some(denial));
        }
    }
    (outcome, None)
}

/// Adds the result, if records may say something of it.
pub(super) fn note_result<T: HandlerResult>(core: &Core, call: &OpenCall, result: &Result<T, ErrorData>) {
    if core.content_keys().is_wanted()
        && let Ok(answer) = result
        && let Some(content) = answer.content()
    {
        call.note_result(content);
    }
}

/// `None` if it cannot be serialized; then it cannot be answered, either.
fn result_of(result: serde_json::Result<Value>, count: usize) -> Option<Content> {
    content::of_result(result.ok()?, count)
}

/// The answer to a call that must not run.
pub(super) fn refusal(refused: &Refused) -> ErrorData {
    let code = ErrorCode(i32::try_from(refused.code()).unwrap_or(ErrorCode::INTERNAL_ERROR.0));
    let data = JsonObject::from_iter([(names::AUDITRAIL_CALL_ID.to_owned(), refused.call_id.to_string().into())]);
    ErrorData::new(code, message_of(refused), Some(data.into()))
}
