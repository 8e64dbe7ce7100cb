//! The OpenTelemetry-native audit exporter for MCP servers.
//!
//! Every MCP call becomes a pair of OTel log records, request and response, that carry the trace id and the span id of the
//! call's own span and go by OTLP to a collector. Records never pass a filter, a sampler or a queue that drops, and hold
//! no argument, result, token or header value.
//!
//! ```text
//!             capture                             trail
//!  annotated spans ── layer ─┐
//!  MCP on the wire,          │
//!  rmcp handlers ──── mcp ───┼─► policy ─► record ─► journal ─► ship ──OTLP──► collector
//!  your own code ─── trail ──┘
//! ```
//!
//! # An rmcp server, audited
//!
//! ```no_run
//! # #[cfg(all(feature = "layer", feature = "rmcp", feature = "otlp-grpc"))]
//! # async fn run<S: rmcp::ServerHandler>(server: S) -> Result<(), Box<dyn std::error::Error>> {
//! let trail = auditrail::Trail::builder("weather-mcp").start()?;
//! let _telemetry = trail.install_tracing()?;
//! trail.serve_stdio(server).await?;
//! # Ok(())
//! # }
//! ```
//!
//! - [`Trail`] is the handle: [`Trail::begin`] and [`trail::OpenCall::finish`] around a call, [`Trail::record`] for a
//!   moment.
//! - [`capture`] makes events: the taps on the bytes of MCP, the rmcp wrapper, the `tracing` layer, `install_tracing`.
//! - [`record`] is the contract: names, outcomes, OTLP bytes.
//! - [`config`] reads `AUDITRAIL_*` and `OTEL_*`; a mistake stops the start.
//!
//! # Durability
//!
//! A record counts once it is in the [`journal`], a directory of files: from then on it survives the death of the process,
//! and a power loss where the [`Class`](trail::Class) of the call asks for it. What the collector does not have when a
//! process ends is sent by the next one. What the journal cannot hold is counted and told by a gap record, or the call is
//! refused, as its class says.
//!
//! # Troubleshooting
//!
//! auditrail says on standard error, in one line each, when the collector does not take records, when the journal is full
//! or its disk does not work, and when spans close of which none is audited. The binary (feature `cli`) shows what a journal
//! holds: `auditrail journal stat`.

#![cfg_attr(
    not(all(feature = "layer", feature = "rmcp", feature = "tower")),
    allow(dead_code, unused_imports, reason = "what one way of capturing needs of the trail is idle without it")
)]

pub mod capture;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
pub mod journal;
pub mod policy;
#[cfg(feature = "proxy")]
pub mod proxy;
pub mod record;
#[cfg(feature = "serve")]
pub mod serve;
pub mod ship;
pub mod trail;

pub use self::trail::Trail;
