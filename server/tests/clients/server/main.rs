//! An rmcp server for third-party clients, plain or audited: `clients_server stdio|http plain|audited [RETRY]`.
//!
//! Over HTTP it takes a free port, says its URL on standard error, and ends at SIGTERM. RETRY is after how many milliseconds
//! clients shall come back for a stream that has ended without an answer: that of a cancelled call.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

mod asking;
mod tools;

use std::sync::Arc;
use std::time::Duration;

use auditrail::Trail;
use auditrail::capture::mcp::shutdown_signal;
use axum::Router;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, ServiceExt as _};
use tokio_util::sync::CancellationToken;

use self::tools::Tools;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["stdio", "plain", ..] => {
            let running = Tools::default().serve(rmcp::transport::stdio()).await.unwrap();
            running.waiting().await.unwrap();
        }
        ["stdio", "audited", ..] => trail().serve_stdio(Tools::default()).await.unwrap(),
        ["http", "plain", retry] => serve(|tools, ending| router(move || tools.clone(), retry, ending)).await,
        ["http", "audited", retry] => {
            let trail = trail();
            let layer = trail.mcp_layer();
            serve(|tools, ending| router(move || trail.audited(tools.clone()), retry, ending).layer(layer)).await;
        }
        _ => panic!("usage: clients_server stdio|http plain|audited [RETRY]"),
    }
}

fn trail() -> Trail {
    Trail::builder("clients").start().unwrap()
}

fn router<H: ServerHandler>(
    handler: impl Fn() -> H + Send + Sync + 'static,
    retry: &str,
    ending: &CancellationToken,
) -> Router {
    let mut sessions = LocalSessionManager::default();
    sessions.session_config.sse_retry = Some(Duration::from_millis(retry.parse().unwrap()));
    let config = StreamableHttpServerConfig::default().with_cancellation_token(ending.child_token());
    let service = StreamableHttpService::new(move || Ok(handler()), Arc::new(sessions), config);
    Router::new().nest_service("/mcp", service)
}

async fn serve(router: impl FnOnce(Tools, &CancellationToken) -> Router) {
    let ending = CancellationToken::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    eprintln!("MCP server on http://{}/mcp", listener.local_addr().unwrap());
    let told_to_end = shutdown_signal().unwrap();
    let router = router(Tools::default(), &ending);
    let stop = async move {
        told_to_end.await;
        ending.cancel();
    };
    axum::serve(listener, router).with_graceful_shutdown(stop).await.unwrap();
}
