//! Tools that ask their client: by requests of their own up to 2025-11-25, by their results from 2026-07-28 on.

#![expect(deprecated, reason = "sampling and roots belong to the older revisions")]

use rmcp::handler::server::tool::{InputResponses, RequestState};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResponse, CallToolResult, ContentBlock, InputRequiredResult, ProtocolVersion};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, Peer, RoleServer, ServiceError, tool, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::tools::{Tools, said};

#[derive(Debug, Deserialize, JsonSchema)]
struct Question {
    /// What is asked.
    question: String,
}

type Answer = Result<CallToolResponse, ErrorData>;

#[tool_router(router = asking_tools, vis = "pub(super)")]
impl Tools {
    #[tool(description = "Asks the client's model")]
    async fn sample(
        &self,
        Parameters(Question { question }): Parameters<Question>,
        context: RequestContext<RoleServer>,
        responses: InputResponses,
        state: RequestState,
    ) -> Answer {
        let message = json!({ "role": "user", "content": { "type": "text", "text": question } });
        let ask = json!({ "method": "sampling/createMessage", "params": { "messages": [message], "maxTokens": 100 } });
        answered(&context, responses, state, "sample", &[ask]).await
    }

    #[tool(description = "Asks the client's user")]
    async fn elicit(
        &self,
        Parameters(Question { question }): Parameters<Question>,
        context: RequestContext<RoleServer>,
        responses: InputResponses,
        state: RequestState,
    ) -> Answer {
        answered(&context, responses, state, "elicit", &[elicitation(&question)]).await
    }

    #[tool(description = "Asks the client for its roots")]
    async fn roots(
        &self,
        context: RequestContext<RoleServer>,
        responses: InputResponses,
        state: RequestState,
    ) -> Answer {
        answered(&context, responses, state, "roots", &[json!({ "method": "roots/list", "params": {} })]).await
    }

    #[tool(description = "Asks the client's user twice, the second time when it has the first answer")]
    async fn rounds(
        &self,
        context: RequestContext<RoleServer>,
        responses: InputResponses,
        state: RequestState,
    ) -> Answer {
        answered(&context, responses, state, "rounds", &[elicitation("First, canary?"), elicitation("Then, canary?")])
            .await
    }
}

fn elicitation(question: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { "reply": { "type": "string" } }, "required": ["reply"] });
    json!({ "method": "elicitation/create", "params": { "message": question, "requestedSchema": schema } })
}

/// Asks everything, one after the other, and says the last answer.
async fn answered(
    context: &RequestContext<RoleServer>,
    InputResponses(responses): InputResponses,
    RequestState(state): RequestState,
    tool: &str,
    asks: &[Value],
) -> Answer {
    let answer = if context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28) {
        let opening = format!("canary state of {tool}, round ");
        let round = round(state.as_deref(), &opening, asks.len())?;
        if let Some(ask) = asks.get(round) {
            let requests = json!({ "the one": ask });
            let state = format!("{opening}{}", round + 1);
            return Ok(InputRequiredResult::new(serde_json::from_value(requests).unwrap(), Some(state)).into());
        }
        responses.and_then(|responses| responses.get("the one").map(|response| json!(response))).unwrap_or_default()
    } else {
        let mut last = Value::Null;
        for ask in asks {
            last = match asked(&context.peer, ask).await {
                Ok(answer) => answer,
                Err(error) => return Ok(unanswered(&error).into()),
            };
        }
        last
    };
    Ok(said(answer.to_string()).into())
}

/// How many answers the client has given, by the state that it brings back.
fn round(state: Option<&str>, opening: &str, last: usize) -> Result<usize, ErrorData> {
    let Some(state) = state else { return Ok(0) };
    let round = state.strip_prefix(opening).and_then(|round| round.parse().ok()).filter(|round| *round <= last);
    round.ok_or_else(|| ErrorData::invalid_params("this state was not given out here", None))
}

async fn asked(peer: &Peer<RoleServer>, ask: &Value) -> Result<Value, ServiceError> {
    let params = ask["params"].clone();
    Ok(match ask["method"].as_str().unwrap() {
        "sampling/createMessage" => json!(peer.create_message(serde_json::from_value(params).unwrap()).await?),
        "elicitation/create" => json!(peer.create_elicitation(serde_json::from_value(params).unwrap()).await?),
        "roots/list" => json!(peer.list_roots().await?),
        other => panic!("no client answers {other}"),
    })
}

fn unanswered(error: &ServiceError) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(format!("The client did not answer: {error}"))])
}
