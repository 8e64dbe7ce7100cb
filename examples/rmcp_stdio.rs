//! An audited MCP server on standard input and output: give this command to any MCP client.
//!
//! Records and traces go to the collector at `OTEL_EXPORTER_OTLP_ENDPOINT`, by default `http://localhost:4317`.

mod weather;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let trail = weather::trail().start()?;
    let _telemetry = trail.install_tracing()?;
    trail.serve_stdio(weather::WeatherServer::new()).await?;
    Ok(())
}
