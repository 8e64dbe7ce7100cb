//! The default connector, which selects the protocol from the settings.

use std::sync::Arc;

use super::connector::{Connector, Sink};
use crate::config::{OtlpSettings, Protocol};

/// Connects by OTLP over gRPC or HTTP, as `OTEL_EXPORTER_OTLP_PROTOCOL` says (default: `grpc`).
#[derive(Debug, Clone, Copy, Default)]
pub struct OtlpConnector;

impl Connector for OtlpConnector {
    fn connect(&self, settings: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        match settings.protocol {
            #[cfg(feature = "otlp-grpc")]
            Protocol::Grpc => super::grpc::GrpcConnector.connect(settings),
            #[cfg(not(feature = "otlp-grpc"))]
            Protocol::Grpc => Err("auditrail was built without the feature otlp-grpc; enable it, or set \
                                   OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf"
                .into()),
            #[cfg(feature = "otlp-http")]
            Protocol::HttpProtobuf => super::http::HttpConnector.connect(settings),
            #[cfg(not(feature = "otlp-http"))]
            Protocol::HttpProtobuf => Err("auditrail was built without the feature otlp-http; enable it, or set \
                                           OTEL_EXPORTER_OTLP_PROTOCOL to grpc"
                .into()),
        }
    }
}
