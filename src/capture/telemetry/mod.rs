//! Sets up a subscriber in one call: OTel traces and the audit layer, without leaks.
//!
//! Records of calls do not depend on this setup: the wrapper begins and finishes them on the trail. The setup gives
//! them their spans.

mod clean_exporter;
mod filter;
mod install;
mod last_spans;
mod otlp_exporter;
mod reporting_exporter;
mod sampler;
mod timed;

pub use self::clean_exporter::CleanExporter;
pub use self::install::{Telemetry, TelemetryError};
pub use self::sampler::KeepAudited;
pub use self::timed::TimedTracer;
