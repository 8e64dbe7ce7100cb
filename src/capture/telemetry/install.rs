//! Sets up tracing, and ends it.

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

/// A guard that keeps tracing set up. Keep it until the end of `main`. When it is dropped, open calls are answered
/// with `interrupted`, their spans end, and spans and records are flushed in parallel, within the flush timeout (1.2
/// s by default).
#[derive(Debug)]
#[must_use = "dropping it immediately ends the telemetry immediately"]
pub struct Telemetry {
    /// Present until it is dropped.
    trail: Option<Trail>,
    provider: SdkTracerProvider,
    loss: LossReport,
}

/// Why tracing was not set up. Nothing was changed unless the error says so. Its `Debug` output is its `Display`
/// message, because `main` prints a returned error with `Debug`.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// A mistake in the configuration of the traces.
    #[error("tracing is not set up: {0}")]
    Config(ConfigError),
    /// A subscriber is already set.
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
        /// The reason.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The self-test failed.
    #[error(
        "the self-test failed: an audited span {problem}, so hand-annotated handlers would not be audited and calls would \
         have no trace (the subscriber is installed); {fix}"
    )]
    Blind {
        /// What happened to the probe.
        problem: &'static str,
        /// What to check.
        fix: &'static str,
    },
}

impl fmt::Debug for TelemetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Trail {
    /// Sets up the process's subscriber: the audit layer, and OTel traces by OTLP to the collector of the `OTEL_*`
    /// variables.
    ///
    /// Spans and events of rmcp and of the transports reach no exporter, because they contain whole messages. Spans
    /// are exported with only the attributes that a record may have. Audited traces are kept whatever
    /// `OTEL_TRACES_SAMPLER` says, except below a caller that chose not to sample, unless
    /// [`trace_unsampled_callers`](crate::trail::TrailBuilder::trace_unsampled_callers) is set. Nothing is written to
    /// standard output. With `OTEL_TRACES_EXPORTER=none` or `OTEL_SDK_DISABLED=true` there are no spans: records have
    /// the caller's trace id, if it is known, and no span id.
    ///
    /// # Errors
    /// [`TelemetryError`], if a subscriber is already set, or if a probe span does not reach the layer.
    pub fn install_tracing(&self) -> Result<Telemetry, TelemetryError> {
        self.install_tracing_with(Identity::new())
    }

    /// Sets up the subscriber of [`install_tracing`](Self::install_tracing) with an additional layer of yours, such
    /// as `tracing_subscriber::fmt` to standard error. The output of your layer is not cleaned: give it a filter that
    /// excludes `rmcp`.
    ///
    /// # Errors
    /// [`TelemetryError`], as for [`install_tracing`](Self::install_tracing).
    pub fn install_tracing_with<L>(&self, layer: L) -> Result<Telemetry, TelemetryError>
    where
        L: Layer<Registry> + Send + Sync + 'static,
    {
        let loss = LossReport::new(self.core());
        // Inner layers see the begin and the end of a span first. The audit layer must, so that it can still set when
        // the OTel span begins, and mirror its record.
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
            // Without a processor: the user's own spans through the global provider are not exported.
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

    /// Wraps the tracer of your own OTel layer so that audited spans begin at the time of their records, to the
    /// nanosecond, if the audit layer is added before the OTel layer. With another tracer they begin when the OTel
    /// layer reads the clock, some microseconds earlier or later. In that order of layers, they end with their
    /// records in any case.
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

    /// Creates a sampler for your own tracer provider that keeps audited traces and leaves other spans to `others`.
    #[must_use]
    pub fn keep_audited(&self, others: Sampler) -> KeepAudited {
        KeepAudited::new(self.core(), others)
    }

    /// Wraps a span exporter of your own tracer provider so that only attributes that a record may have are exported.
    pub fn clean_exporter<E: SpanExporter>(&self, exporter: E) -> CleanExporter<E> {
        CleanExporter::new(exporter, self.core().allow().clone())
    }

    fn tracer_provider(&self, loss: &LossReport) -> Result<SdkTracerProvider, TelemetryError> {
        let core = self.core();
        let settings = core.settings();
        let attributes =
            settings.resource.attributes.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
        let provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder_empty().with_attributes(attributes).build())
            .with_sampler(self.keep_audited(sampler::from_settings(settings.sampler)));
        if !settings.has_collector {
            // Nobody has named one, and records go elsewhere. Calls still have spans, for their ids.
            return Ok(provider.build());
        }
        // The connection runs on the shipper's runtime, so that a shutdown from a single-threaded host cannot block
        // itself.
        let exporter = {
            let _inside = core.runtime().enter();
            let traces = settings.traces.as_ref().map_err(|error| TelemetryError::Config(error.clone()))?;
            otlp_exporter::span_exporter(traces)
                .map_err(|source| TelemetryError::Exporter { endpoint: traces.shown_endpoint(), source })?
        };
        Ok(provider.with_batch_exporter(self.clean_exporter(ReportingExporter::new(exporter, loss.clone()))).build())
    }
}

impl Telemetry {
    /// The tracer provider, for your own spans.
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
        // If this is the last handle, the trail ends here: its last record does not wait for spans.
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
            fix: "check whether a filter of your layer hides the target auditrail",
        }),
        ProbeSeen::Not => Err(TelemetryError::Blind {
            problem: "did not reach the audit layer",
            fix: "check whether a global filter or a max_level feature of tracing disables INFO spans of the target \
                  auditrail, or a scoped subscriber is set on this thread",
        }),
    }
}
