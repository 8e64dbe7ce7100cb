//! The SDK's own route: `tracing` events, appender, `BatchLogProcessor`, `opentelemetry-otlp` over gRPC.

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchConfigBuilder, BatchLogProcessor, SdkLoggerProvider};
use tokio::runtime::Runtime;
use tracing::subscriber::set_global_default;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use super::{Exporter, FLUSH, SERVICE, TARGET_ID, TOOL};
use crate::error::Error;

pub(super) struct Sdk {
    provider: SdkLoggerProvider,
    /// The exporter's connection lives on it.
    _runtime: Runtime,
}

impl Sdk {
    /// With all defaults, but for the length of the queue if there is one.
    pub(super) fn start(endpoint: &str, queue: Option<usize>) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(Error::io("a runtime for the SDK"))?;
        let inside = runtime.enter();
        let exporter = opentelemetry_otlp::LogExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .build()
            .map_err(|error| Error::Emitter(error.to_string()))?;
        let config = match queue {
            Some(queue) => BatchConfigBuilder::default().with_max_queue_size(queue).build(),
            None => BatchConfigBuilder::default().build(),
        };
        let processor = BatchLogProcessor::builder(exporter).with_batch_config(config).build();
        let provider = SdkLoggerProvider::builder()
            .with_resource(Resource::builder().with_service_name(SERVICE).build())
            .with_log_processor(processor)
            .build();
        // Only what is emitted here: the connection has events of its own, which would feed back.
        let ours = filter_fn(|metadata| metadata.target() == "compare");
        let bridge = OpenTelemetryTracingBridge::new(&provider).with_filter(ours);
        set_global_default(tracing_subscriber::registry().with(bridge))
            .map_err(|error| Error::Emitter(error.to_string()))?;
        drop(inside);
        Ok(Self { provider, _runtime: runtime })
    }
}

impl Exporter for Sdk {
    fn emit(&self, id: i64) {
        tracing::info!(
            target: "compare",
            { id, mcp.method.name = "tools/call", gen_ai.tool.name = TOOL, audit.target.id = TARGET_ID },
            "moment"
        );
    }

    fn end(self: Box<Self>) -> String {
        match self.provider.shutdown_with_timeout(FLUSH) {
            Ok(()) => "shutdown: Ok".to_owned(),
            Err(error) => format!("shutdown: {error}"),
        }
    }
}
