//! The whole product on one screen: an rmcp server with annotated tools, a real MCP client, and the embedded receiver
//! in place of a collector. It prints the trail as a table, and its traces as trees with their records.

#![allow(clippy::print_stdout, reason = "a demonstration prints")]

mod print;
#[path = "../weather/mod.rs"]
mod weather;

use std::time::Duration;

use auditrail::Actor;
use auditrail::serve::Receiver;
use rmcp::model::{CallToolRequestParams, ClientConfig};
use rmcp::{RoleClient, ServiceExt as _, service::RunningService};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let receiver = Receiver::builder().start().await?;
    let endpoint = receiver.grpc_endpoint().ok_or("the receiver has no gRPC port")?;

    // What an author adds to a server: these lines. On standard input and output, `serve_stdio` does the rest.
    // Without this, the journal would be where services keep their state, and stay there.
    let directory = tempfile::tempdir()?;
    let builder = weather::trail().directory(directory.path());
    let trail = builder.actor(|_| Some(Actor::asserted("alice"))).endpoint(endpoint).start()?;
    let telemetry = trail.install_tracing()?;

    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (read, write) = tokio::io::split(ours);
    let tap = trail.tap(read, write);
    let server = trail.audited(weather::WeatherServer::new()).behind(&tap);
    let serving = tokio::spawn(async move {
        server
            .serve(tap.into_streams())
            .await?
            .waiting()
            .await
            .map_err(Box::<dyn std::error::Error + Send + Sync>::from)
    });
    let client = ClientConfig::default().serve(theirs).await?;
    call(&client, "current_weather", json!({ "city": "Lisbon" })).await;
    call(&client, "forecast", json!({ "city": "Atlantis", "days": 3 })).await;
    call(&client, "delete_station", json!({ "station": "LIS-01" })).await;
    client.cancel().await?;
    serving.await?.map_err(|error| error.to_string())?;

    trail.flush(Duration::from_secs(5)).await?;
    // The guard's end exports the spans.
    drop(telemetry);
    print::trail(&receiver.records());
    print::traces(&receiver.spans());
    println!(
        "{} records, {} spans; nothing was lost: {:?}",
        receiver.records().len(),
        receiver.spans().len(),
        trail.counts()
    );
    Ok(())
}

async fn call(client: &RunningService<RoleClient, ClientConfig>, tool: &'static str, arguments: serde_json::Value) {
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    match client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await {
        Ok(result) if result.is_error == Some(true) => println!("{tool}: the tool failed"),
        Ok(_) => println!("{tool}: ok"),
        Err(error) => println!("{tool}: {error}"),
    }
}
