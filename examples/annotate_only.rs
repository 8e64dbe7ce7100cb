//! Auditing without rmcp: the handlers of any server, annotated by hand, under your own subscriber.
//!
//! `err` and `ret` say how the call ended; without them a finished span looks like an abandoned one and is recorded as
//! `unknown`. Records go to the collector at `OTEL_EXPORTER_OTLP_ENDPOINT`, by default `http://localhost:4317`.

#![allow(clippy::print_stdout, reason = "a demonstration prints")]

use std::time::Duration;

use auditrail::{EventName, Trail, TrailBuilder};
use tracing_subscriber::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let trail = trail().start()?;
    tracing_subscriber::registry().with(trail.layer()).init();

    println!("{:?}", close_ticket(17).await);
    println!("{:?}", close_ticket(0).await);
    // A single moment, without a span.
    tracing::info!({ auditrail.event = EventName::Authz.as_str(), auditrail.decision = "allow" }, "checked");

    println!("{:?}", trail.counts());
    if let Err(error) = trail.flush(Duration::from_secs(1)).await {
        eprintln!("{error}");
    }
    Ok(())
}

/// What the tests of this example need of it, too.
pub(crate) fn trail() -> TrailBuilder {
    Trail::builder("ticket-mcp").denied_when(|failure| failure.message.contains("not allowed"))
}

/// The body of a handler that answers `tools/call` for the tool `close_ticket`.
#[tracing::instrument(
    skip_all,
    err,
    ret,
    fields(mcp.method.name = "tools/call", gen_ai.tool.name = "close_ticket", audit.actor.id = "alice", audit.target.id = ticket)
)]
pub(crate) async fn close_ticket(ticket: u32) -> Result<&'static str, String> {
    match ticket {
        0 => Err("alice is not allowed to close ticket 0".into()),
        _ => Ok("closed"),
    }
}
