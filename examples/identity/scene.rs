//! The server, its callers, and the trail that tells them apart.

#[allow(dead_code, reason = "the other examples use its trail")]
#[path = "../weather/mod.rs"]
pub(crate) mod weather;

use std::future::Future;
use std::sync::Arc;

use auditrail::identity::Extractor as _;
use auditrail::identity::jwt::{JwtExtractor, JwtIssuer};
use auditrail::record::names;
use auditrail::{Call, Decision, Trail, TrailBuilder};
use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, ClientConfig};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::issuer::{AUDIENCE, Issuer};

/// The trail of the server, and what completes when the keys of the issuer have arrived.
pub(crate) fn trail(
    issuer: &Issuer,
) -> Result<(TrailBuilder, impl Future<Output = ()> + Send), Box<dyn std::error::Error>> {
    let tokens = Arc::new(JwtExtractor::new([JwtIssuer::discovered(issuer.url()).audience(AUDIENCE)])?);
    let keys = tokens.changed().ok_or("tokens without keys")?;
    Ok((Trail::builder("weather-mcp").identify(tokens).authorize(no_agent_deletes), keys))
}

fn no_agent_deletes(call: &Call) -> Decision {
    let is_deletion = call.name().is_some_and(|tool| tool.starts_with("delete_"));
    match call.text(names::GEN_AI_AGENT_ID) {
        Some(_) if is_deletion => Decision::Deny {
            reason: "agents do not remove stations; the person they act for may".into(),
            rule: Some("no-agent-deletes".into()),
        },
        _ => Decision::Allow,
    }
}

/// Four calls by three tokens.
pub(crate) async fn play(trail: &Trail, issuer: &Issuer) -> Result<(), Box<dyn std::error::Error>> {
    let ending = CancellationToken::new();
    let url = serve(trail, ending.clone()).await?;

    let alice = json!({ "name": "Alice Martin", "tenant_id": "acme" });
    let own = issuer.token("alice", 3600, alice.clone());
    call(&url, own.clone(), "current_weather", json!({ "city": "Lisbon" })).await?;

    // What an authorization server issues for an agent that acts for her (RFC 8693, token exchange).
    let delegated = json!({ "name": "Alice Martin", "tenant_id": "acme", "act": { "sub": "travel-agent", "name": "Travel agent" } });
    let delegated = issuer.token("alice", 3600, delegated);
    call(&url, delegated.clone(), "forecast", json!({ "city": "Lisbon", "days": 3 })).await?;
    call(&url, delegated, "delete_station", json!({ "station": "LIS-01" })).await?;
    call(&url, own, "delete_station", json!({ "station": "LIS-01" })).await?;

    let expired = issuer.token("alice", -600, alice);
    call(&url, expired, "current_weather", json!({ "city": "Porto" })).await?;
    ending.cancel();
    Ok(())
}

async fn serve(trail: &Trail, ending: CancellationToken) -> std::io::Result<String> {
    let audited = trail.clone();
    let service: StreamableHttpService<_, LocalSessionManager> = StreamableHttpService::new(
        move || Ok(audited.audited(weather::WeatherServer::new())),
        Default::default(),
        StreamableHttpServerConfig::default().with_cancellation_token(ending.child_token()),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/mcp", listener.local_addr()?);
    let router = axum::Router::new().nest_service("/mcp", service).layer(trail.mcp_layer());
    tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(ending.cancelled_owned()).await });
    Ok(url)
}

/// A client with that token. What the server answers is not of interest here: the trail has it.
async fn call(
    url: &str,
    token: String,
    tool: &'static str,
    arguments: Value,
) -> Result<(), Box<dyn std::error::Error>> {
    let config = StreamableHttpClientTransportConfig::with_uri(url).auth_header(token);
    let client = ClientConfig::default().serve(StreamableHttpClientTransport::from_config(config)).await?;
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let _answer = client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await;
    client.cancel().await?;
    Ok(())
}
