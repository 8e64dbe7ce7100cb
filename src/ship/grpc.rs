//! OTLP over gRPC: a tonic channel, and a codec that takes bytes that are encoded already.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::HeaderMap;
use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message as _;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::{Accepted, Connector, ExportError, ExportFuture, Sink};
use crate::config::{Compression, OtlpSettings};

/// Connects by plain HTTP/2.
#[derive(Debug, Clone, Copy, Default)]
pub struct GrpcConnector;

impl Connector for GrpcConnector {
    fn connect(&self, settings: &OtlpSettings) -> Result<Box<dyn Sink>, String> {
        let endpoint = Endpoint::from(settings.endpoint.clone())
            .user_agent(concat!("auditrail/", env!("CARGO_PKG_VERSION")))
            .map_err(|error| error.to_string())?
            .connect_timeout(settings.timeout)
            .timeout(settings.timeout)
            // A peer that vanished without a word is noticed while a request waits for it.
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        let endpoint = secured(endpoint, settings)?;
        let mut client = Grpc::new(endpoint.connect_lazy());
        if settings.compression == Compression::Gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let metadata = MetadataMap::from_headers(settings.headers.iter().cloned().collect::<HeaderMap>());
        Ok(Box::new(GrpcSink { client: client.accept_compressed(CompressionEncoding::Gzip), metadata }))
    }
}

#[cfg(feature = "tls")]
fn secured(endpoint: Endpoint, settings: &OtlpSettings) -> Result<Endpoint, String> {
    match &settings.tls {
        Some(tls) => endpoint.tls_config(client_tls(tls)).map_err(|error| describe(&error)),
        None => Ok(endpoint),
    }
}

/// The configuration lets no `https://` pass in a build without TLS.
#[cfg(not(feature = "tls"))]
fn secured(endpoint: Endpoint, _: &OtlpSettings) -> Result<Endpoint, String> {
    Ok(endpoint)
}

/// TLS as the certificate variables say, for records and traces alike.
#[cfg(feature = "tls")]
pub(crate) fn client_tls(tls: &crate::config::TlsSettings) -> tonic::transport::ClientTlsConfig {
    use tonic::transport::{Certificate, ClientTlsConfig, Identity};
    let config = match &tls.ca_pem {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &tls.identity_pem {
        Some((certificate, key)) => config.identity(Identity::from_pem(certificate, key)),
        None => config,
    }
}

struct GrpcSink {
    client: Grpc<Channel>,
    metadata: MetadataMap,
}

impl Sink for GrpcSink {
    fn export(&mut self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(async move {
            self.client.ready().await.map_err(|error| retry(&error))?;
            let mut request = Request::new(request);
            *request.metadata_mut() = self.metadata.clone();
            let response = self.client.unary(request, PathAndQuery::from_static(EXPORT), RawCodec).await;
            let partial = response.map_err(|status| classify(&status))?.into_inner().partial_success;
            let rejected = partial.map_or(0, |partial| partial.rejected_log_records);
            Ok(Accepted::but(u64::try_from(rejected).unwrap_or_default()))
        })
    }
}

/// Headers hold tokens, so there is nothing to show.
impl std::fmt::Debug for GrpcSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GrpcSink")
    }
}

/// By the list of retryable codes in the OTLP specification ("Failures"). A wrong token or a missing service is not the
/// records' fault, so those are retried, too, and somebody is told. Other codes are what collectors answer when a record
/// or the size of a request is refused by their pipeline, but also when they are in trouble themselves.
fn classify(status: &Status) -> ExportError {
    let (reason, after) = (reason(status), retry_delay(status));
    let ours = std::error::Error::source(status).is_some();
    match status.code() {
        Code::InvalidArgument => ExportError::Rejected { reason },
        Code::ResourceExhausted if after.is_none() => ExportError::Doubtful { reason },
        Code::Internal | Code::Unknown | Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists if !ours => {
            ExportError::Doubtful { reason }
        }
        _ => ExportError::Retry { reason, after },
    }
}

/// Of the sink's words the code only: it may quote what it was sent.
fn reason(status: &Status) -> String {
    match std::error::Error::source(status) {
        // The connection failed: a cause of this side, such as a certificate.
        Some(cause) => describe(cause),
        None => format!("gRPC {:?}", status.code()),
    }
}

fn retry(error: &tonic::transport::Error) -> ExportError {
    ExportError::Retry { reason: describe(error), after: None }
}

/// The last cause: what is before it says "transport error".
fn describe(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The delay of a `google.rpc.RetryInfo` in the status details.
fn retry_delay(status: &Status) -> Option<Duration> {
    let details = RpcStatus::decode(status.details()).ok()?;
    let info = details.details.into_iter().find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay?;
    Some(Duration::new(u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?))
}

/// `google.rpc.Status`, as far as it is needed.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtoDuration>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, prost::Message)]
struct ProtoDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// Sends bytes as they are, and reads the answer.
#[derive(Debug, Clone, Copy)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = ExportLogsServiceResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, request: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(request.len());
        buffer.put(request);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = ExportLogsServiceResponse;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<ExportLogsServiceResponse>, Status> {
        let answer = buffer.copy_to_bytes(buffer.remaining());
        // An answer that cannot be read is still an acknowledgement (OTLP: HTTP 200 / gRPC OK), just not a readable one.
        Ok(Some(ExportLogsServiceResponse::decode(answer).unwrap_or_default()))
    }
}

const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
