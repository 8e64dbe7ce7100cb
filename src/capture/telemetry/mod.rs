//! A subscriber in one call: OTel traces and the audit layer, side by side, and nothing that leaks.
//!
//! Records of calls never depend on what is set up here: the wrapper begins and finishes them on the trail. What this
//! gives them is their span.

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
