//! A server of rmcp that does everything that the rows need.

#![expect(deprecated, reason = "sampling and roots belong to the older revisions, which are served, too")]

use std::sync::Arc;

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolResult, ContentBlock, CreateMessageRequestParams, ElicitRequestParams, ElicitationSchema, SamplingMessage,
    ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, Peer, RoleServer, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Notify;

#[derive(Debug, Clone, Default)]
pub(crate) struct Stage {
    /// A handler of `slow` or `panics` has begun.
    pub(crate) begun: Arc<Notify>,
    /// Lets one end.
    pub(crate) go_on: Arc<Notify>,
    /// One was told that nobody waits for it any more.
    pub(crate) cancelled: Arc<Notify>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Typed {
    number: u64,
}

#[tool_router(router = tools)]
impl Stage {
    #[tool(description = "Fine")]
    async fn ok(&self) -> CallToolResult {
        said("fine")
    }

    #[tool(description = "Says that it failed")]
    async fn fails(&self) -> CallToolResult {
        CallToolResult::error(vec![ContentBlock::text("no")])
    }

    #[tool(description = "Is a JSON-RPC error")]
    async fn breaks(&self) -> Result<CallToolResult, ErrorData> {
        Err(ErrorData::internal_error("broken", None))
    }

    #[tool(description = "Wants a number")]
    async fn typed(&self, Parameters(Typed { number }): Parameters<Typed>) -> CallToolResult {
        said(&number.to_string())
    }

    #[tool(description = "Panics")]
    async fn panics(&self) -> CallToolResult {
        self.begun.notify_one();
        std::panic::resume_unwind(Box::new("expected"))
    }

    #[tool(description = "Ends when it is told to")]
    async fn slow(&self, context: RequestContext<RoleServer>) -> CallToolResult {
        self.begun.notify_one();
        tokio::select! {
            () = self.go_on.notified() => {}
            () = context.ct.cancelled() => {
                self.cancelled.notify_one();
                self.go_on.notified().await;
            }
        }
        said("late")
    }

    #[tool(description = "Asks the client's model, user and roots")]
    async fn asks(&self, peer: Peer<RoleServer>) -> CallToolResult {
        let question = CreateMessageRequestParams::new(vec![SamplingMessage::user_text("?")], 10);
        let sampled = peer.create_message(question).await.is_ok();
        let form = ElicitRequestParams::FormElicitationParams {
            meta: None,
            message: "?".into(),
            requested_schema: ElicitationSchema::builder().build().expect("a schema"),
        };
        let elicited = peer.create_elicitation(form).await.is_ok();
        let listed = peer.list_roots().await.is_ok();
        said(&format!("{sampled} {elicited} {listed}"))
    }
}

#[tool_handler(router = Self::tools())]
impl ServerHandler for Stage {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

fn said(text: &str) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}
