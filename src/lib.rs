//! Audit logs for MCP servers, as OpenTelemetry log records.
//!
//! Every MCP call becomes a pair of OTel log records, request and response, that carry the trace id and the span id
//! of the call's own span and are sent to a collector by OTLP. Records never pass a filter, a sampler or a queue that
//! drops, and contain no arguments, results or tokens.
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
//! - [`capture`] creates records: the taps on the bytes of MCP, the rmcp wrapper, the `tracing` layer,
//!   `install_tracing`.
//! - [`record`] is the contract: names, outcomes, OTLP bytes.
//! - [`config`] reads `AUDITRAIL_*` and `OTEL_*`; a mistake stops the start.
//!
//! # With a subscriber of your own
//!
//! The audit layer works with the spans of one version of `tracing-opentelemetry`, which is re-exported here together
//! with the crates that belong to it. An OTel layer that is built from these always fits:
//!
//! ```no_run
//! # #[cfg(feature = "layer")]
//! # fn set_up(exporter: impl auditrail::opentelemetry_sdk::trace::SpanExporter + 'static) -> Result<(), Box<dyn std::error::Error>> {
//! use auditrail::opentelemetry::trace::TracerProvider as _;
//! use auditrail::opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
//! use auditrail::tracing_opentelemetry;
//! use tracing_subscriber::prelude::*;
//!
//! let trail = auditrail::Trail::builder("weather-mcp").start()?;
//! let provider = SdkTracerProvider::builder()
//!     .with_sampler(trail.keep_audited(Sampler::AlwaysOff))
//!     .with_batch_exporter(trail.clean_exporter(exporter))
//!     .build();
//! let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("weather"));
//! tracing_subscriber::registry().with(trail.layer()).with(otel).init();
//! # Ok(())
//! # }
//! ```
//!
//! # Durability
//!
//! A record counts once it is in the [`journal`], a directory of files: from then on it survives the death of the
//! process, and a power loss if the [`Class`](trail::Class) of the call asks for it. When a process ends, the next
//! one sends what the collector does not have. If the journal cannot keep a record, a gap record counts and reports
//! it, or the call is refused, as its class says.
//!
//! # Troubleshooting
//!
//! auditrail reports on standard error, in one line each, when the collector does not accept records, when the
//! journal is full or its disk does not work, when spans close without any of them being audited, and when records
//! have no trace and span ids, with the layer that cannot be reached and the fix. The binary `auditrail` (package
//! `auditrail-server`) shows what a journal holds: `auditrail journal stat`.

#![cfg_attr(
    not(feature = "internals"),
    allow(unreachable_pub, reason = "what only the package `auditrail-server` reaches, by `internals`")
)]

#[cfg(not(unix))]
compile_error!(
    "auditrail is supported on Linux and builds for macOS; Windows is not supported yet: its journal needs the file locks, the \
     mapped files and the modes of files of a Unix system"
);

#[cfg(unix)]
pub mod capture;
#[cfg(unix)]
pub mod config;
#[cfg(unix)]
mod hex;
#[cfg(all(unix, feature = "internals"))]
#[doc(hidden)]
pub mod internals;
#[cfg(unix)]
pub mod journal;
#[cfg(unix)]
mod locks;
#[cfg(unix)]
pub mod policy;
#[cfg(unix)]
pub mod record;
#[cfg(all(unix, feature = "serve"))]
pub mod serve;
#[cfg(unix)]
pub mod ship;
#[cfg(unix)]
pub mod trail;

#[cfg(unix)]
pub use self::trail::Trail;

// Their types are in public signatures. An OTel layer of another version of `tracing-opentelemetry` cannot be asked
// for ids.
#[cfg(unix)]
pub use opentelemetry;
#[cfg(unix)]
pub use opentelemetry_proto;
#[cfg(unix)]
pub use opentelemetry_sdk;
#[cfg(unix)]
pub use tracing_opentelemetry;

// The Rust examples of the pages are compiled like those of the documentation.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/annotate.md")]
    struct Annotate;
    #[doc = include_str!("../docs/durability.md")]
    struct Durability;
    #[doc = include_str!("../docs/wrap.md")]
    struct Wrap;
}
