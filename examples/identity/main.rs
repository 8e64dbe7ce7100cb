//! Who, on whose behalf, and was it allowed: an MCP server over HTTP whose callers have OAuth tokens, signed by an issuer on
//! this machine. A person calls a tool; her agent calls one for her; the agent is denied a call that she may make; somebody
//! comes with a token that has expired. It prints the trail, and one record in full.
//!
//! Records go to a receiver in memory, in place of a collector.

#![allow(clippy::print_stdout, reason = "a demonstration prints")]

mod issuer;
mod print;
mod scene;

use std::time::Duration;

use auditrail::serve::Receiver;

use self::issuer::Issuer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let receiver = Receiver::builder().start().await?;
    let endpoint = receiver.grpc_endpoint().ok_or("the receiver has no gRPC port")?;
    // Without this, the journal would be where services keep their state, and stay there.
    let directory = tempfile::tempdir()?;

    let issuer = Issuer::start().await?;
    let (builder, keys) = scene::trail(&issuer)?;
    let trail = builder.directory(directory.path()).endpoint(endpoint).start()?;
    let telemetry = trail.install_tracing()?;
    // No call waits for keys. A token that comes before them is recorded as `key_unavailable`.
    tokio::time::timeout(Duration::from_secs(10), keys).await?;

    scene::play(&trail, &issuer).await?;

    trail.flush(Duration::from_secs(5)).await?;
    drop(telemetry);
    print::trail(&receiver.records());
    Ok(())
}
