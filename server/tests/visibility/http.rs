//! One scene over HTTP, from one point of view.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use reqwest::{Method, RequestBuilder, Response};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http_rows::Scene;
use crate::proxied;
use crate::server::Stage;
use crate::summary::summary;
use crate::support::Bench;
use crate::view::{HANDSHAKE, View};

/// What was recorded of it.
pub(crate) async fn play(scene: &Scene, view: View) -> Vec<String> {
    let (bench, stage, ending) = (Bench::new(), Stage::default(), CancellationToken::new());
    let (trail, server) = (bench.trail.clone(), stage.clone());
    let router = match view {
        View::Wrapper => router(move || trail.audited(server.clone()), &ending),
        View::Tap => router(move || server.clone(), &ending).layer(bench.trail.mcp_layer()),
        View::Proxy => router(move || server.clone(), &ending),
        View::Both => router(move || trail.audited(server.clone()), &ending).layer(bench.trail.mcp_layer()),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let proxy = if view == View::Proxy { Some(proxied::Http::start(server, &bench.trail).await) } else { None };
    let url = format!("http://{}/mcp", proxy.as_ref().map_or(server, |proxy| proxy.address));
    let stop = ending.clone().cancelled_owned();
    let serving =
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop).await.unwrap() });

    let client = Client { http: reqwest::Client::new(), url, session: Arc::default(), stage: stage.clone() };
    (scene.play)(client).await;
    ending.cancel();
    // Whether it waits already or not.
    stage.go_on.notify_one();
    serving.await.unwrap();
    until_all_is_over(&stage).await;
    let Some(proxy) = proxy else { return summary(&bench.records()) };
    proxy.end().await;
    summary(&bench.records())
}

/// Every session and every handler has let go of the server.
async fn until_all_is_over(stage: &Stage) {
    while Arc::strong_count(&stage.begun) > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn router<H: ServerHandler>(server: impl Fn() -> H + Send + Sync + 'static, ending: &CancellationToken) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_allowed_origins(["http://localhost:*"])
        .with_cancellation_token(ending.child_token());
    let service: StreamableHttpService<H, LocalSessionManager> =
        StreamableHttpService::new(move || Ok(server()), Default::default(), config);
    Router::new().nest_service("/mcp", service)
}

/// Sends requests.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    session: Arc<std::sync::Mutex<Option<String>>>,
    pub(crate) stage: Stage,
}

impl Client {
    /// Opens a session of 2025-11-25.
    pub(crate) async fn handshake(&self) {
        let response = self.post(HANDSHAKE).send().await.unwrap();
        let session = response.headers()["mcp-session-id"].to_str().unwrap().to_owned();
        *self.session.lock().unwrap() = Some(session);
        drop(all(response).await);
        all(self.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).send().await.unwrap()).await;
    }

    /// What a client sends that makes no mistake.
    pub(crate) fn post(&self, body: &str) -> RequestBuilder {
        let post = self.request(Method::POST).header("content-type", "application/json").body(body.to_owned());
        post.header("accept", "application/json, text/event-stream")
    }

    pub(crate) fn request(&self, method: Method) -> RequestBuilder {
        let request = self.http.request(method, &self.url);
        match &*self.session.lock().unwrap() {
            Some(session) => request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25"),
            None => request,
        }
    }

    /// A request of 2026-07-28, which has no sessions.
    pub(crate) fn modern(&self, method: &str, params: &str) -> RequestBuilder {
        let meta = r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}"#;
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{params}{}"_meta":{{{meta}}}}}}}"#,
            if params.is_empty() { "" } else { "," }
        );
        self.post(&body).header("mcp-protocol-version", "2026-07-28").header("mcp-method", method)
    }
}

/// Status and body, read to the end.
pub(crate) async fn all(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    (status, response.text().await.unwrap())
}

/// The messages of a stream that is not read to its end.
pub(crate) async fn message(response: &mut Response, buffer: &mut String) -> Value {
    loop {
        while let Some(at) = buffer.find("\n\n") {
            let event: String = buffer.drain(..at + 2).collect();
            let data: String = event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
            if !data.trim().is_empty() {
                return serde_json::from_str(&data).unwrap();
            }
        }
        let chunk = response.chunk().await.unwrap().expect("the server says something");
        buffer.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}
