//! What arrives, beside the SDK's own route (`SdkLoggerProvider`, batch processor, `opentelemetry-otlp`), in the same run:
//! a burst, a collector that is away for a while, and the ids of records in awkward places.
//!
//! `cargo bench --bench delivery` (twenty seconds); `-- --quick` only shows that it runs.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench prints and stops at a surprise"
)]

use std::net::SocketAddr;
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::record::Record;
use auditrail::serve::Receiver;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::dispatcher::with_default;
use tracing::{Dispatch, Level};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::prelude::*;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let scale = if quick { 10 } else { 1 };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let _inside = runtime.enter();
    for route in [Route::auditrail as fn(SocketAddr) -> Route, Route::sdk] {
        burst(route, 20_000 / scale, &runtime);
    }
    for route in [Route::auditrail as fn(SocketAddr) -> Route, Route::sdk] {
        outage(route, Duration::from_secs(10) / u32::try_from(scale).unwrap(), &runtime);
    }
    for route in [Route::auditrail as fn(SocketAddr) -> Route, Route::sdk] {
        correlation(route, &runtime);
    }
}

/// As fast as the thread can, with the collector up.
fn burst(route: fn(SocketAddr) -> Route, count: usize, runtime: &tokio::runtime::Runtime) {
    let receiver = runtime.block_on(Receiver::builder().start()).unwrap();
    let route = route(receiver.grpc_addr().unwrap());
    with_default(&route.subscriber, || (0..count).for_each(|_| event()));
    let name = route.name;
    route.end();
    report("burst, collector up", name, receiver.records().len(), count);
}

/// 1000 records a second; the collector comes up when the time is over.
fn outage(route: fn(SocketAddr) -> Route, away: Duration, runtime: &tokio::runtime::Runtime) {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let route = route(address);
    let rounds = usize::try_from(away.as_millis() / 10).unwrap();
    with_default(&route.subscriber, || {
        for _ in 0..rounds {
            (0..10).for_each(|_| event());
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let receiver = runtime.block_on(Receiver::builder().grpc(address).start()).unwrap();
    let name = route.name;
    route.end();
    report(&format!("collector away for {} s", away.as_secs()), name, receiver.records().len(), rounds * 10);
}

/// A record inside a span that the tracer does not see, and one in a context whose telemetry is suppressed.
fn correlation(route: fn(SocketAddr) -> Route, runtime: &tokio::runtime::Runtime) {
    let receiver = runtime.block_on(Receiver::builder().start()).unwrap();
    let route = route(receiver.grpc_addr().unwrap());
    with_default(&route.subscriber, || {
        tracing::info_span!("outer").in_scope(|| tracing::info_span!("hidden").in_scope(event));
        let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
        event();
    });
    let name = route.name;
    route.end();
    let ids: Vec<_> = receiver
        .records()
        .iter()
        .map(|received| match Record::decode(&received.bytes).unwrap().span_id {
            Some(_) => "the parent's ids (wrong)",
            None => "no ids",
        })
        .collect();
    println!("{:<26} {name:<10} {}", "in an untraced span", ids.first().unwrap_or(&"no record"));
    println!("{:<26} {name:<10} {}", "telemetry suppressed", if ids.len() > 1 { "recorded" } else { "no record" });
}

fn report(what: &str, name: &str, arrived: usize, emitted: usize) {
    println!("{what:<26} {name:<10} {arrived:>6} of {emitted:>6} arrived");
}

fn event() {
    tracing::event!(name: "moment", Level::INFO, { auditrail.event = "auditrail.context", audit.target.id = "Lisbon" }, "moment");
}

/// One way from a tracing event to the collector.
struct Route {
    name: &'static str,
    subscriber: Dispatch,
    end: Box<dyn FnOnce()>,
}

impl Route {
    fn auditrail(collector: SocketAddr) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let trail = Trail::builder("bench")
            .directory(directory.path())
            .environment(Environment::default())
            .endpoint(format!("http://{collector}"))
            .flush_timeout(Duration::from_secs(30))
            .on_notice(|_| ())
            .start()
            .expect("no mistake");
        let subscriber = tracing_subscriber::registry().with(trail.layer()).with(otel()).into();
        Self { name: "auditrail", subscriber, end: Box::new(move || drop((trail, directory))) }
    }

    fn sdk(collector: SocketAddr) -> Self {
        let exporter = opentelemetry_otlp::LogExporter::builder()
            .with_tonic()
            .with_endpoint(format!("http://{collector}"))
            .build()
            .expect("the endpoint is one");
        let provider = SdkLoggerProvider::builder().with_batch_exporter(exporter).build();
        let bridge =
            OpenTelemetryTracingBridge::new(&provider).with_filter(filter_fn(|metadata| metadata.name() == "moment"));
        let subscriber = tracing_subscriber::registry().with(bridge).with(otel()).into();
        // It says that all is well, whatever was dropped.
        Self { name: "SDK", subscriber, end: Box::new(move || drop(provider.shutdown())) }
    }

    fn end(self) {
        (self.end)();
    }
}

/// A tracer that does not see the span `hidden`.
fn otel<S>() -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span> + Send + Sync,
{
    let provider = SdkTracerProvider::builder().with_simple_exporter(InMemorySpanExporter::default()).build();
    let tracer = provider.tracer("bench");
    // The tracer holds its provider weakly.
    std::mem::forget(provider);
    let seen = filter_fn(|metadata| metadata.name() != "hidden" && *metadata.level() <= LevelFilter::INFO);
    tracing_opentelemetry::layer().with_tracer(tracer).with_filter(seen)
}
