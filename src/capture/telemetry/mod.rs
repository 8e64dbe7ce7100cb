//! A subscriber in one call: OTel traces and the audit layer, side by side, and nothing that leaks.
//!
//! Records of calls never depend on what is set up here: the wrapper begins and finishes them on the trail. What this
//! gives them is their span.

mod export;
mod exporter;
mod filter;
mod sampler;
#[cfg(test)]
mod tests;

use std::time::Duration;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanExporter};
use tracing_subscriber::layer::{Identity, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

pub use self::export::CleanExporter;
pub use self::sampler::KeepAudited;

use super::layer::{PROBE, ProbeSeen, WatchLayer, probe_seen};
use crate::Trail;
use crate::trail::TARGET;

/// Keep it until the end of `main`: when it is dropped, spans and records are flushed, within the flush time-out.
#[derive(Debug)]
#[must_use = "dropping it at once ends the telemetry at once"]
pub struct Telemetry {
    trail: Trail,
    provider: SdkTracerProvider,
}

/// Tracing was not set up; nothing was changed unless the error says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// Somebody was first.
    #[error(
        "this process has a tracing subscriber already, so install_tracing() cannot set one up; call it first, or add \
         trail.layer() to your own subscriber"
    )]
    AlreadySet,
    /// The span exporter refused its settings.
    #[error("the exporter of the traces cannot be built for {endpoint}: {source}")]
    Exporter {
        /// The collector.
        endpoint: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The self-test failed.
    #[error(
        "the self-test failed: an audited span {problem}, so hand-annotated handlers would not be audited and calls would \
         have no trace (the subscriber is installed); {fix}"
    )]
    Blind {
        /// What became of the probe.
        problem: &'static str,
        /// What to look at.
        fix: &'static str,
    },
}

impl Trail {
    /// Sets up the process's subscriber: the audit layer, and OTel traces by OTLP to the collector (`OTEL_*` variables).
    ///
    /// What rmcp and the transports say of themselves is kept from every exporter, because it holds whole messages.
    /// Spans leave with the attributes that a record may have, and no others. Audited traces are kept whatever
    /// `OTEL_TRACES_SAMPLER` says, but not under a caller that chose not to sample, unless the builder was told to.
    /// Nothing is written to standard output.
    ///
    /// # Errors
    /// [`TelemetryError`], if a subscriber is set already, or if a probe span does not reach the layer.
    pub fn install_tracing(&self) -> Result<Telemetry, TelemetryError> {
        self.install_tracing_with(Identity::new())
    }

    /// The same with a layer of your own, such as `tracing_subscriber::fmt` to standard error. What it shows is not
    /// cleaned: give it a filter that leaves out `rmcp`.
    ///
    /// # Errors
    /// As [`install_tracing`](Self::install_tracing).
    pub fn install_tracing_with<L>(&self, layer: L) -> Result<Telemetry, TelemetryError>
    where
        L: Layer<Registry> + Send + Sync + 'static,
    {
        let provider = self.tracer_provider()?;
        let tracer = provider.tracer(TARGET);
        // Inner layers see the end of a span first: the audit layer must, so that it can still mirror its record.
        let subscriber = tracing_subscriber::registry()
            .with(layer)
            .with(self.layer().without_watch().mirrored().with_filter(filter::of_records(self.core().clone())))
            .with(WatchLayer(self.core().clone()).with_filter(filter::of_traces()))
            .with(tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter::of_traces()));
        tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::AlreadySet)?;
        global::set_tracer_provider(provider.clone());
        global::set_text_map_propagator(TextMapCompositePropagator::new(vec![Box::new(TraceContextPropagator::new())]));
        let telemetry = Telemetry { trail: self.clone(), provider };
        probe()?;
        Ok(telemetry)
    }

    /// For a tracer provider of your own: a sampler that keeps audited traces and leaves the others to that one.
    #[must_use]
    pub fn keep_audited(&self, others: Sampler) -> KeepAudited {
        KeepAudited::new(self.core(), others)
    }

    /// For a tracer provider of your own: a span exporter that lets the attributes leave that a record may have.
    pub fn clean_exporter<E: SpanExporter>(&self, exporter: E) -> CleanExporter<E> {
        CleanExporter::new(exporter, self.core().allow().clone())
    }

    fn tracer_provider(&self) -> Result<SdkTracerProvider, TelemetryError> {
        let core = self.core();
        let settings = core.settings();
        // The connection lives on the shipper's runtime: a shutdown from a single-threaded host cannot block itself.
        let exporter = {
            let _inside = core.runtime().enter();
            exporter::span_exporter(&settings.traces)
                .map_err(|source| TelemetryError::Exporter { endpoint: settings.traces.endpoint.to_string(), source })?
        };
        let attributes =
            settings.resource.attributes.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        Ok(SdkTracerProvider::builder()
            .with_resource(Resource::builder_empty().with_attributes(attributes).build())
            .with_sampler(self.keep_audited(sampler::from_settings(settings.sampler)))
            .with_batch_exporter(self.clean_exporter(exporter))
            .build())
    }
}

impl Telemetry {
    /// The tracer provider, for spans of your own.
    #[must_use]
    pub fn tracer_provider(&self) -> &SdkTracerProvider {
        &self.provider
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.trail.core().close();
        let left = self.trail.core().time_left_to_close().max(SPANS_AT_LEAST);
        if let Err(error) = self.provider.shutdown_with_timeout(left) {
            self.trail.core().notices().warn(format!("not all spans were exported at the end: {error}"));
        }
    }
}

/// Proves that an audited span of this process reaches the layer and has ids.
fn probe() -> Result<(), TelemetryError> {
    probe_seen();
    tracing::info_span!(target: TARGET, parent: None, PROBE).in_scope(|| ());
    match probe_seen() {
        ProbeSeen::WithIds => Ok(()),
        ProbeSeen::WithoutIds => Err(TelemetryError::Blind {
            problem: "reached the audit layer without a trace id",
            fix: "see whether a filter of your layer hides the target auditrail",
        }),
        ProbeSeen::Not => Err(TelemetryError::Blind {
            problem: "did not reach the audit layer",
            fix: "see whether a global filter or a max_level feature of tracing disables INFO spans of the target \
                  auditrail, or a scoped subscriber is set on this thread",
        }),
    }
}

/// Spans get a moment even if the records used the whole time-out.
const SPANS_AT_LEAST: Duration = Duration::from_millis(200);
