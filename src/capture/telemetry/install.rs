//! Tracing is set up, and ends.

#[cfg(test)]
mod tests;

use std::fmt;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{Tracer, TracerProvider as _};
use opentelemetry::{KeyValue, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanExporter};
use tracing_subscriber::layer::{Identity, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

use super::super::layer::{PROBE, ProbeSeen, WatchLayer, probe_seen};
use super::clean_exporter::CleanExporter;
use super::last_spans::LastSpans;
use super::reporting_exporter::{LossReport, ReportingExporter};
use super::sampler::KeepAudited;
use super::timed::TimedTracer;
use super::{filter, otlp_exporter, sampler};
use crate::Trail;
use crate::config::ConfigError;
use crate::trail::TARGET;

/// Keep it until the end of `main`: when it is dropped, calls that are still open are answered with `interrupted`, their spans
/// end, and spans and records are flushed side by side, within the flush time-out.
#[derive(Debug)]
#[must_use = "dropping it at once ends the telemetry at once"]
pub struct Telemetry {
    /// Until it is dropped.
    trail: Option<Trail>,
    provider: SdkTracerProvider,
    loss: LossReport,
}

/// Tracing was not set up; nothing was changed unless the error says so. Its `Debug` says what its `Display` says, as it is
/// what `main` prints of an error that it returns.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// A mistake in the configuration of the traces.
    #[error("tracing is not set up: {0}")]
    Config(ConfigError),
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

impl fmt::Debug for TelemetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Trail {
    /// Sets up the process's subscriber: the audit layer, and OTel traces by OTLP to the collector (`OTEL_*` variables).
    ///
    /// What rmcp and the transports say of themselves is kept from every exporter, because it holds whole messages.
    /// Spans leave with the attributes that a record may have, and no others. Audited traces are kept whatever
    /// `OTEL_TRACES_SAMPLER` says, but not under a caller that chose not to sample, unless the builder was told to.
    /// Nothing is written to standard output. With `OTEL_TRACES_EXPORTER=none` or `OTEL_SDK_DISABLED=true` there are no spans:
    /// records say the caller's trace, where it is known, and no span.
    ///
    /// # Errors
    /// [`TelemetryError`], if a subscriber is set already, or if a probe span does not reach the layer.
    pub fn install_tracing(&self) -> Result<Telemetry, TelemetryError> {
        self.install_tracing_with(Identity::new())
    }

    /// Sets up the same subscriber with a layer of your own, such as `tracing_subscriber::fmt` to standard error. What it shows is not
    /// cleaned: give it a filter that leaves out `rmcp`.
    ///
    /// # Errors
    /// As [`install_tracing`](Self::install_tracing).
    pub fn install_tracing_with<L>(&self, layer: L) -> Result<Telemetry, TelemetryError>
    where
        L: Layer<Registry> + Send + Sync + 'static,
    {
        let loss = LossReport::new(self.core());
        // Inner layers see the begin and the end of a span first: the audit layer must, so that it can still tell when the
        // OTel span begins, and mirror its record.
        let subscriber = tracing_subscriber::registry()
            .with(layer)
            .with(self.layer().without_watch().mirrored().with_filter(filter::of_records(self.core().clone())))
            .with(WatchLayer(self.core().clone()).with_filter(filter::of_traces()));
        let settings = self.core().settings();
        let exports = settings.exports_traces;
        let provider = match exports {
            true => {
                settings.trace_warnings.iter().for_each(|text| self.core().notices().warn(text));
                self.tracer_provider(&loss)?
            }
            // Without a processor: spans of the user's own through the global provider go nowhere.
            false => {
                self.core().expect_no_ids();
                SdkTracerProvider::default()
            }
        };
        let set = match exports {
            true => {
                let tracer = self.timed_tracer(provider.tracer(TARGET));
                let otel = tracing_opentelemetry::layer().with_tracer(tracer).with_filter(filter::of_traces());
                tracing::subscriber::set_global_default(subscriber.with(otel))
            }
            false => tracing::subscriber::set_global_default(subscriber),
        };
        set.map_err(|_| TelemetryError::AlreadySet)?;
        global::set_tracer_provider(provider.clone());
        global::set_text_map_propagator(TextMapCompositePropagator::new(vec![Box::new(TraceContextPropagator::new())]));
        let telemetry = Telemetry { trail: Some(self.clone()), provider, loss };
        probe(exports)?;
        Ok(telemetry)
    }

    /// For an OTel layer of your own: a tracer whose audited spans begin at the time of their records, to the nanosecond, if
    /// the audit layer is added before the OTel layer. With another tracer they begin when the OTel layer has read the clock,
    /// some microseconds later or earlier. They end with their records in any case, in that order of layers.
    ///
    /// ```no_run
    /// # use opentelemetry::trace::TracerProvider as _;
    /// # use tracing_subscriber::prelude::*;
    /// # fn set_up(trail: &auditrail::Trail, provider: &opentelemetry_sdk::trace::SdkTracerProvider) {
    /// let tracer = trail.timed_tracer(provider.tracer("weather"));
    /// let otel = tracing_opentelemetry::layer().with_tracer(tracer);
    /// tracing_subscriber::registry().with(trail.layer()).with(otel).init();
    /// # }
    /// ```
    pub fn timed_tracer<T: Tracer>(&self, tracer: T) -> TimedTracer<T> {
        TimedTracer(tracer)
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

    fn tracer_provider(&self, loss: &LossReport) -> Result<SdkTracerProvider, TelemetryError> {
        let core = self.core();
        let settings = core.settings();
        // The connection lives on the shipper's runtime: a shutdown from a single-threaded host cannot block itself.
        let exporter = {
            let _inside = core.runtime().enter();
            let traces = settings.traces.as_ref().map_err(|error| TelemetryError::Config(error.clone()))?;
            otlp_exporter::span_exporter(traces)
                .map_err(|source| TelemetryError::Exporter { endpoint: traces.shown_endpoint(), source })?
        };
        let attributes =
            settings.resource.attributes.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        Ok(SdkTracerProvider::builder()
            .with_resource(Resource::builder_empty().with_attributes(attributes).build())
            .with_sampler(self.keep_audited(sampler::from_settings(settings.sampler)))
            .with_batch_exporter(self.clean_exporter(ReportingExporter::new(exporter, loss.clone())))
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
        let Some(trail) = self.trail.take() else { return };
        let core = trail.core();
        if core.is_inherited() {
            // The processor's thread is that of the parent, which exports the spans.
            return std::mem::forget(self.provider.clone());
        }
        core.interrupt_open();
        let spans = LastSpans::leave(self.provider.clone(), core.time_left_to_close(), self.loss.clone());
        core.close();
        // If this is the last handle, the trail ends with that: its last record does not wait for spans either.
        drop(trail);
        spans.wait();
    }
}

/// Proves that an audited span of this process reaches the layer and has ids.
fn probe(exports: bool) -> Result<(), TelemetryError> {
    probe_seen();
    tracing::info_span!(target: TARGET, parent: None, PROBE).in_scope(|| ());
    match probe_seen() {
        ProbeSeen::WithIds => Ok(()),
        ProbeSeen::WithoutIds if !exports => Ok(()),
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
