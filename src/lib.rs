//! Audit logs for MCP servers, as OpenTelemetry log records.
//!
//! Every MCP call becomes a pair of log records, request and response, that carry the trace id and the span id of the call's
//! own span. They wait in a journal on disk until a collector has accepted them over OTLP. Records never pass a filter, a
//! sampler or a queue that drops, and contain no arguments, results or tokens.
//!
//! # Quickstart
//!
//! A server built on [rmcp](https://docs.rs/rmcp), over stdio, with its traces:
//!
//! ```no_run
//! # #[cfg(all(feature = "layer", feature = "rmcp", feature = "otlp-grpc"))]
//! # mod weather {
//! use auditrail::Trail;
//!
//! # #[derive(Clone)]
//! # struct Weather;
//! # impl rmcp::ServerHandler for Weather {}
//! # #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let trail = Trail::builder("weather-mcp").start()?;
//!     let _telemetry = trail.install_tracing()?; // exports what is left when it is dropped
//!     trail.serve_stdio(Weather).await?; // Weather is any rmcp::ServerHandler
//!     Ok(())
//! }
//! # }
//! ```
//!
//! Records and traces go to `OTEL_EXPORTER_OTLP_ENDPOINT`, by default `http://localhost:4317`. Without a collector,
//! `cargo run --example quickstart` starts a server, a client and a receiver in memory, and prints what arrives.
//!
//! # Three routes
//!
//! | route | for | start with |
//! |---|---|---|
//! | **Annotate** | handlers of any Rust server: each span with `mcp.method.name` becomes a call | [`Trail::install_tracing`], or [`Trail::layer`] in a subscriber of your own |
//! | **Wrap** | a server built on rmcp: what passes on the wire is recorded, and calls can be denied | [`Trail::serve_stdio`]; over HTTP [`Trail::audited`] and [`Trail::mcp_layer`] |
//! | **Proxy** | a server in any language, without a change to it | the command `auditrail proxy` |
//!
//! Record anything else with [`Trail::begin`] and [`OpenCall::finish`], around a call, or
//! [`Trail::record`], for an event ([`capture::direct`] has types for them):
//!
//! ```no_run
//! use auditrail::{Call, Outcome, Refused, Trail};
//!
//! # async fn close(trail: &Trail) -> Result<(), Refused> {
//! let call = trail.begin(Call::mcp("tools/call").tool("close_ticket")).await?; // refused if it is denied, or its class says so
//! // … the work …
//! call.finish(Outcome::ok()).await;
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `layer` | yes | the `tracing` layer, and `install_tracing`: traces that are as clean as the records |
//! | `rmcp` | yes | the wrapper around an rmcp `ServerHandler`, and `serve_stdio` |
//! | `logs` | | the door for the Logs API of the OTel SDK: `Trail::log_processor` |
//! | `otlp-grpc` | yes | OTLP over gRPC |
//! | `otlp-http` | | OTLP over HTTP (`OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`) |
//! | `tls` | | `https://` endpoints and client certificates |
//! | `jwt` | | actors from JSON Web Tokens, with the keys of their issuers, and from Kubernetes: [`identity::jwt`] |
//! | `tower` | | the tap for MCP over HTTP, and a layer for HTTP that is not MCP |
//! | `serve` | | a receiver in memory, for demonstrations and tests over a network: [`serve::Receiver`] |
//! | `testing` | | a trail in memory, and assertions about what was audited, for tests of your server: [`testing`] |
//!
//! # The modules
//!
//! ```text
//!             capture                             trail
//!  annotated spans ── layer ─┐
//!  MCP on the wire,          │
//!  rmcp handlers ──── mcp ───┼─► policy ─► record ─► journal ─► ship ──OTLP──► collector
//!  your own code ─── trail ──┘
//! ```
//!
//! What users name every day is at the root of the crate. The modules have the rest:
//!
//! - [`capture`]: the taps on the bytes of MCP, the rmcp wrapper, the `tracing` layer, `install_tracing`.
//! - [`record`]: the contract with readers of records: names, outcomes, OTLP bytes.
//! - [`config`]: `AUDITRAIL_*` and `OTEL_*`; a mistake stops the start.
//! - [`identity`]: who acts, for whom, through what; what was verified apart from what is claimed.
//! - [`policy`]: what may leave: the allow list, limits on values, URIs without secrets.
//! - [`trail`]: what users hold, and what else belongs to it: classes, counts, errors, [`trail::drain()`].
//! - [`journal`] and [`ship`]: the path of a record from the disk to the collector.
//! - `testing`, with the feature of that name: a trail in memory, and assertions about what was audited.
//! - `serve`, with the feature of that name: a receiver in memory.
//!
//! # With a subscriber of your own
//!
//! The audit layer gets the ids of spans from an OTel layer of one version of `tracing-opentelemetry`. That version and the
//! OTel crates that belong to it are re-exported here, so an OTel layer that is built from them always fits:
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
//! let tracer = trail.timed_tracer(provider.tracer("weather"));
//! let otel = tracing_opentelemetry::layer().with_tracer(tracer);
//! tracing_subscriber::registry().with(trail.layer()).with(otel).init();
//! # Ok(())
//! # }
//! ```
//!
//! # Durability
//!
//! A record counts once it is in the [`journal`], a directory of files. From then on it survives the death of the
//! process, and a power loss if the [`Class`] of the call asks for that. The next process of the service ships what a dead
//! one has left. If the journal cannot keep a record, the class decides: the call is refused, or it runs and a gap record
//! reports how many records are missing.
//!
//! # Troubleshooting
//!
//! auditrail writes one line to standard error, or calls [`on_notice`](trail::TrailBuilder::on_notice), when
//!
//! - the collector does not accept records,
//! - the journal is full, or its disk does not work,
//! - spans close and none of them is audited,
//! - records have no trace and span ids: the line names the layer that cannot be reached, and says what to do.
//!
//! The command `auditrail journal stat`, of the package `auditrail-server`, shows what a journal holds.

#![cfg_attr(docsrs, feature(doc_cfg))]
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
pub mod identity;
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
#[cfg(all(unix, feature = "testing"))]
pub mod testing;
#[cfg(unix)]
pub mod trail;

// What users name every day has one path: the root.
#[cfg(all(unix, feature = "layer"))]
#[doc(inline)]
pub use self::capture::layer::AuditLayer;
#[cfg(all(unix, feature = "mcp"))]
#[doc(inline)]
pub use self::capture::mcp::RequestId;
#[cfg(all(unix, feature = "rmcp"))]
#[doc(inline)]
pub use self::capture::mcp::{Audited, ServeStdioError, shutdown_signal};
#[cfg(all(unix, feature = "tower"))]
#[doc(inline)]
pub use self::capture::mcp::{HttpLayer, HttpRecording, McpLayer};
#[cfg(unix)]
#[doc(inline)]
pub use self::capture::propagation;
#[cfg(all(unix, feature = "layer"))]
#[doc(inline)]
pub use self::capture::telemetry::{Telemetry, TelemetryError};
#[cfg(unix)]
#[doc(inline)]
pub use self::policy::Decision;
#[cfg(unix)]
#[doc(inline)]
pub use self::record::{EventName, Outcome};
#[cfg(unix)]
#[doc(inline)]
pub use self::trail::{
    Acknowledge, Actor, ActorType, Call, Class, Direction, Failure, FlushError, Flushed, Moment, OpenCall, RefusalKind,
    Refused, RequestFacts, StartError, Trail, TrailBuilder, Transport, WhenFull,
};

// Their types are in public signatures. The ids of spans cannot be read from an OTel layer of another version of
// `tracing-opentelemetry`.
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
    #[doc = include_str!("../docs/identity.md")]
    struct Identity;
    #[doc = include_str!("../docs/http.md")]
    struct Http;
    #[doc = include_str!("../docs/events.md")]
    struct Events;
    #[cfg(feature = "testing")]
    #[doc = include_str!("../docs/testing.md")]
    struct Testing;
    #[doc = include_str!("../docs/wrap.md")]
    struct Wrap;
}
