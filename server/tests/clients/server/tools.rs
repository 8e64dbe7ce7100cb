//! What the server can do: ask its client, report progress, take long, give back, fail in each way.

use std::sync::Arc;

use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock, ProgressNotificationParam, ServerCapabilities, ServerConfig};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Notify;

/// The handler. Clones are one server: a request of revision 2026-07-28 gets a clone of its own.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    router: Arc<ToolRouter<Self>>,
    enough: Arc<Notify>,
}

impl Default for Tools {
    fn default() -> Self {
        Self { router: Arc::new(Self::asking_tools() + Self::other_tools()), enough: Arc::default() }
    }
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Text {
    /// What is given back.
    text: String,
}

#[tool_router(router = other_tools)]
impl Tools {
    #[tool(description = "Counts to five, and ends when it is told that this is enough")]
    async fn count(&self, context: RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
        for number in 1..=5 {
            progress(&context, f64::from(number)).await?;
        }
        self.enough.notified().await;
        Ok(said("five"))
    }

    #[tool(description = "Says that all of the counting was heard")]
    async fn enough(&self) -> CallToolResult {
        self.enough.notify_one();
        said("thank you")
    }

    #[tool(description = "Says that it has begun, and ends only when it is cancelled")]
    async fn wait(&self, context: RequestContext<RoleServer>) -> Result<CallToolResult, ErrorData> {
        progress(&context, 1.0).await?;
        context.ct.cancelled().await;
        Ok(said("nobody reads this canary"))
    }

    #[tool(description = "Gives back what it gets")]
    async fn echo(&self, Parameters(Text { text }): Parameters<Text>) -> CallToolResult {
        said(text)
    }

    #[tool(description = "Fails, as a tool does")]
    async fn fail(&self) -> CallToolResult {
        CallToolResult::error(vec![ContentBlock::text("it did not work, says the canary")])
    }

    #[tool(description = "Fails, as a server does")]
    async fn refuse(&self) -> Result<CallToolResult, ErrorData> {
        Err(ErrorData::internal_error("not with this canary", Some(json!({ "because": "of the canary" }))))
    }
}

/// Nothing where the caller does not want to know.
async fn progress(context: &RequestContext<RoleServer>, number: f64) -> Result<(), ErrorData> {
    let Some(token) = context.meta.get_progress_token() else { return Ok(()) };
    let progress = ProgressNotificationParam::new(token, number).with_total(5.0).with_message("the canary counts");
    let told = context.peer.notify_progress(progress).await;
    told.map_err(|error| ErrorData::internal_error(format!("the client cannot be told: {error}"), None))
}

pub(super) fn said(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}
