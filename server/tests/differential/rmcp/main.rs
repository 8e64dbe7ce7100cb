//! An rmcp server that reports which tools it ran: `RAN=FILE rmcp_victim stdio|http PORT`.
//!
//! With ANSWERS=events, answers over HTTP are event streams; with ANSWERS=sessions there are sessions besides, whose streams
//! can be taken up again. Of two calls of tools `meet...` each waits for the other, and one of a tool `hold...` runs until it is
//! cancelled. It has a tool of any name. What it ran is a line in FILE, in JSON, which no part of MCP has to do with.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ServerCapabilities, ServerConfig};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::json;
use tokio::sync::Barrier;

#[derive(Debug, Clone)]
struct Victim(Arc<File>, Arc<Barrier>);

impl ServerHandler for Victim {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let marker =
            request.arguments.as_ref().and_then(|arguments| arguments.get("marker")?.as_str()).unwrap_or_default();
        let line = format!("{}\n", json!({ "tool": request.name, "marker": marker }));
        (&*self.0).write_all(line.as_bytes()).unwrap();
        if request.name.starts_with("hold") {
            std::future::pending::<()>().await;
        }
        if request.name.starts_with("meet") {
            self.1.wait().await;
        }
        Ok(CallToolResult::success(Vec::new()).into())
    }
}

#[tokio::main]
async fn main() {
    let ran = File::options().append(true).create(true).open(std::env::var("RAN").unwrap()).unwrap();
    let victim = Victim(Arc::new(ran), Arc::new(Barrier::new(2)));
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments[0] == "stdio" {
        let running = victim.serve(rmcp::transport::stdio()).await.unwrap();
        running.waiting().await.unwrap();
        return;
    }
    let mut config = StreamableHttpServerConfig::default();
    let answers = std::env::var("ANSWERS").ok();
    (config.legacy_session_mode, config.json_response) = (answers.as_deref() == Some("sessions"), answers.is_none());
    let service =
        StreamableHttpService::new(move || Ok(victim.clone()), Arc::new(LocalSessionManager::default()), config);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", arguments[1])).await.unwrap();
    axum::serve(listener, Router::new().nest_service("/mcp", service)).await.unwrap();
}
