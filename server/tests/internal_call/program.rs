//! Two services of one installation, each a process: `internal_call mcp URL` is an rmcp server over HTTP whose tool asks the REST
//! service at that URL, and `internal_call rest` is that service.
//!
//! Both take a free port, say their URL on standard error, and end at SIGTERM.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at what it did not expect"
)]

use auditrail::{RequestId, Trail, shutdown_signal};
use axum::Router;
use axum::extract::{MatchedPath, Path};
use axum::routing::get;
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolResult, ContentBlock};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["rest"] => serve("stations", rest).await,
        ["mcp", stations] => serve("weather", |trail, ending| mcp(trail, stations, ending)).await,
        _ => panic!("usage: internal_call rest, or internal_call mcp URL"),
    }
}

async fn serve(service: &str, router: impl FnOnce(&Trail, &CancellationToken) -> Router) {
    let trail = Trail::builder(service).start().unwrap();
    let telemetry = trail.install_tracing().unwrap();
    let ending = CancellationToken::new();
    let router = router(&trail, &ending);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let told_to_end = shutdown_signal().unwrap();
    eprintln!("{service} on http://{}", listener.local_addr().unwrap());
    let stop = async move {
        told_to_end.await;
        ending.cancel();
    };
    axum::serve(listener, router).with_graceful_shutdown(stop).await.unwrap();
    tokio::task::spawn_blocking(move || drop((telemetry, trail))).await.unwrap();
}

fn rest(trail: &Trail, _: &CancellationToken) -> Router {
    let layer = trail.http_layer().route(|request| request.get::<MatchedPath>().map(|path| path.as_str().to_owned()));
    let temperature = async |Path(city): Path<String>| format!("21 degrees in {city}");
    Router::new().route("/stations/{city}/temperature", get(temperature)).layer(layer)
}

fn mcp(trail: &Trail, stations: &str, ending: &CancellationToken) -> Router {
    let (audited, weather) = (trail.clone(), Weather { stations: stations.to_owned() });
    let service: StreamableHttpService<_, LocalSessionManager> = StreamableHttpService::new(
        move || Ok(audited.audited(weather.clone())),
        Default::default(),
        StreamableHttpServerConfig::default().with_cancellation_token(ending.child_token()),
    );
    Router::new().nest_service("/mcp", service).layer(trail.mcp_layer())
}

#[derive(Debug, Clone)]
struct Weather {
    stations: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct City {
    city: String,
}

#[tool_router]
impl Weather {
    #[tool(description = "The temperature, as the nearest station measures it")]
    async fn current_weather(
        &self,
        Parameters(City { city }): Parameters<City>,
        context: RequestContext<RoleServer>,
    ) -> CallToolResult {
        let request = context.extensions.get::<http::request::Parts>().unwrap();
        let mut headers = http::HeaderMap::new();
        // The W3C propagator: the trace context of the call, and no baggage.
        auditrail::propagation::inject(&mut headers);
        headers.extend(request.extensions.get::<RequestId>().unwrap().to_header());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/stations/{city}/temperature", self.stations);
        let answer = client.get(url).headers(headers).send().await.unwrap();
        CallToolResult::success(vec![ContentBlock::text(answer.text().await.unwrap())])
    }
}

#[tool_handler]
impl ServerHandler for Weather {}
