//! A small rmcp server that does everything that a call can do, and clients for it.

use std::sync::Arc;

use auditrail::Trail;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientConfig, ContentBlock, ErrorCode,
    GetPromptRequestParams, GetPromptResponse, GetPromptResult, ListToolsResult, PaginatedRequestParams, PromptMessage,
    ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, ResourceContents, Role, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::{RequestContext, RunningService};
use rmcp::{ErrorData, RoleClient, RoleServer, ServerHandler, ServiceExt as _};
use tokio::sync::Notify;

#[derive(Debug, Clone, Default)]
pub(crate) struct Everything {
    /// A handler of `slow` has begun.
    pub(crate) begun: Arc<Notify>,
    /// Lets it end.
    pub(crate) go_on: Arc<Notify>,
}

impl ServerHandler for Everything {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match request.name.as_ref() {
            "ok" => {
                drop(handler("Lisbon", "canary-field").await);
                Ok(text("canary-result"))
            }
            "annotated" => {
                annotated().await;
                Ok(text("fine"))
            }
            "fails" => Ok(CallToolResult::error(vec![ContentBlock::text("canary-error: forbidden")]).into()),
            "breaks" => Err(ErrorData::internal_error("canary-message", None)),
            "misused" => Err(ErrorData::invalid_params("canary-message", None)),
            "panics" => std::panic::resume_unwind(Box::new("expected")),
            "slow" => {
                self.begun.notify_one();
                self.go_on.notified().await;
                Ok(text("late"))
            }
            "logs" => {
                tracing::error!("canary-log {}", request.name);
                Ok(text("fine"))
            }
            _ => Err(ErrorData::new(ErrorCode::INVALID_PARAMS, "tool not found", None)),
        }
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::default())
    }

    async fn get_prompt(
        &self,
        _: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, "canary-prompt")]).into())
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(ReadResourceResult::new(vec![ResourceContents::text("canary-content", request.uri)]).into())
    }
}

/// As careless as it gets: everything is in its span.
#[tracing::instrument(err, ret, fields(audit.target.id = city))]
async fn handler(city: &str, secret: &str) -> Result<String, String> {
    nested(secret).await;
    Ok(format!("{city} {secret}"))
}

#[tracing::instrument]
async fn nested(secret: &str) {
    tracing::info!("canary-info {secret}");
    tokio::task::yield_now().await;
}

/// A handler that is annotated for auditing by itself, too.
#[tracing::instrument(fields(mcp.method.name = "tools/call", gen_ai.tool.name = "wrong", auditrail.tenant.id = "blue"))]
async fn annotated() {}

fn text(text: &str) -> CallToolResponse {
    CallToolResult::success(vec![ContentBlock::text(text)]).into()
}

pub(crate) type Client = RunningService<RoleClient, ClientConfig>;

/// A client that is connected to the audited server, in this process.
pub(crate) async fn connect(trail: &Trail, server: Everything) -> Client {
    connect_as(View::Wrapper, trail, server).await
}

/// From where a server is audited.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View {
    Wrapper,
    /// The wrapper behind a tap.
    Both,
}

pub(crate) async fn connect_as(view: View, trail: &Trail, server: Everything) -> Client {
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    let trail = trail.clone();
    tokio::spawn(async move {
        let audited = trail.audited(server);
        let running = match view {
            View::Wrapper => audited.serve(ours).await.unwrap(),
            View::Both => {
                let (read, write) = tokio::io::split(ours);
                let tap = trail.tap(read, write);
                audited.behind(&tap).serve(tap.into_streams()).await.unwrap()
            }
        };
        drop(trail);
        running.waiting().await.unwrap()
    });
    ClientConfig::default().serve(theirs).await.unwrap()
}

pub(crate) async fn call(client: &Client, tool: &'static str) -> Result<CallToolResult, rmcp::ServiceError> {
    client.call_tool(request(tool)).await
}

pub(crate) fn request(tool: &'static str) -> CallToolRequestParams {
    let arguments = serde_json::json!({ "city": "canary-argument", "token": "canary-token" });
    CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone())
}
