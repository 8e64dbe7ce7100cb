//! Creates the OTel SDK's span exporter for the protocol of the settings.

use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};

use crate::config::{Compression, OtlpSettings};

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Must be called inside the runtime that is to run its connections.
pub(super) fn span_exporter(settings: &OtlpSettings) -> Result<SpanExporter, BoxError> {
    match settings.protocol {
        #[cfg(feature = "otlp-http")]
        crate::config::Protocol::HttpProtobuf => by_http::span_exporter(settings),
        // Without that feature, the configuration accepts no other protocol.
        _ => by_grpc(settings),
    }
}

fn by_grpc(settings: &OtlpSettings) -> Result<SpanExporter, BoxError> {
    let builder = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(settings.endpoint.to_string())
        .with_timeout(settings.timeout)
        .with_metadata(MetadataMap::from_headers(settings.headers.iter().cloned().collect()));
    let builder = match settings.compression {
        Compression::Gzip => builder.with_compression(opentelemetry_otlp::Compression::Gzip),
        Compression::None => builder,
    };
    #[cfg(feature = "tls")]
    let builder = match &settings.tls {
        Some(tls) => builder.with_tls_config(crate::ship::client_tls(tls)),
        None => builder,
    };
    Ok(builder.build()?)
}

#[cfg(feature = "otlp-http")]
mod by_http {
    use std::pin::Pin;

    use bytes::Bytes;
    use http::{Request, Response};
    use opentelemetry_http::HttpError;
    use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
    use tokio::runtime::Handle;

    use crate::capture::telemetry::otlp_exporter::BoxError;
    use crate::config::{Compression, Header, OtlpSettings};
    use crate::ship::HttpClient;

    pub(super) fn span_exporter(settings: &OtlpSettings) -> Result<SpanExporter, BoxError> {
        let client = HttpClient::new(settings)?;
        let client = OnRuntime { client, headers: settings.headers.clone(), runtime: Handle::current() };
        let builder = SpanExporter::builder()
            .with_http()
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_endpoint(settings.endpoint.to_string())
            .with_timeout(settings.timeout)
            .with_http_client(client);
        let builder = match settings.compression {
            Compression::Gzip => builder.with_compression(opentelemetry_otlp::Compression::Gzip),
            Compression::None => builder,
        };
        Ok(builder.build()?)
    }

    /// The SDK exports on its own thread, without a runtime; the connections run on the shipper's.
    #[derive(Debug)]
    struct OnRuntime {
        client: HttpClient,
        /// Marked as sensitive, so that they are not printed.
        headers: Vec<Header>,
        runtime: Handle,
    }

    impl opentelemetry_http::HttpClient for OnRuntime {
        /// The signature that `async_trait` expands to.
        fn send_bytes<'client, 'answer>(
            &'client self,
            mut request: Request<Bytes>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'answer>>
        where
            'client: 'answer,
            Self: 'answer,
        {
            request.headers_mut().extend(self.headers.iter().cloned());
            let client = self.client.clone();
            let sent = self.runtime.spawn(async move { client.send(request).await });
            Box::pin(async move { Ok(sent.await??) })
        }
    }
}
