//! An audited MCP server over Streamable HTTP, on axum: `cargo run --example rmcp_http -- 127.0.0.1:8000`, then point an
//! MCP client at `http://127.0.0.1:8000/mcp`.
//!
//! Records and traces go to the collector at `OTEL_EXPORTER_OTLP_ENDPOINT`, by default `http://localhost:4317`.

mod weather;

use auditrail::shutdown_signal;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let trail = weather::trail().start()?;
    let _telemetry = trail.install_tracing()?;

    let ending = CancellationToken::new();
    let audited = trail.clone();
    let service: StreamableHttpService<_, LocalSessionManager> = StreamableHttpService::new(
        move || Ok(audited.audited(weather::WeatherServer::new())),
        Default::default(),
        StreamableHttpServerConfig::default().with_cancellation_token(ending.child_token()),
    );
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8000".into());
    let listener = tokio::net::TcpListener::bind(&address).await?;
    eprintln!("MCP server on http://{}/mcp", listener.local_addr()?);

    let told_to_end = shutdown_signal()?;
    let router = axum::Router::new().nest_service("/mcp", service).layer(trail.mcp_layer());
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            told_to_end.await;
            ending.cancel();
        })
        .await?;
    Ok(())
}
