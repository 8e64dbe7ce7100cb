//! The connection over gRPC, and its requests.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::HeaderMap;
use http::uri::PathAndQuery;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message as _;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::Endpoint;
use tonic::{Request, Status};

use super::classify::{self, classify, unreadable};
use super::guard::Guard;
use crate::config::{Compression, OtlpSettings};
use crate::journal::planted;
use crate::locks::{Mutex, MutexGuard};
use crate::ship::connector::{Accepted, Connector, ExportError, ExportFuture, Sink};
use crate::ship::connector::{LONGEST_ANSWER, accepted_but, unanswered};

/// Connects by OTLP over gRPC (HTTP/2), with TLS for an `https://` endpoint.
#[derive(Debug, Clone, Copy, Default)]
pub struct GrpcConnector;

impl Connector for GrpcConnector {
    fn connect(&self, settings: &OtlpSettings) -> Result<Arc<dyn Sink>, String> {
        let endpoint = Endpoint::from(settings.endpoint.clone())
            .user_agent(concat!("auditrail/", env!("CARGO_PKG_VERSION")))
            .map_err(|error| error.to_string())?
            .connect_timeout(settings.timeout)
            // Keep-alive notices a peer that vanished silently while a request waits for it.
            .http2_keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10));
        Ok(Arc::new(GrpcSink::new(secured(endpoint, settings)?, settings)))
    }
}

#[cfg(feature = "tls")]
fn secured(endpoint: Endpoint, settings: &OtlpSettings) -> Result<Endpoint, String> {
    match &settings.tls {
        Some(tls) => endpoint
            .tls_config(super::super::client_tls(tls))
            .map_err(|error| super::super::connector::describe(&error)),
        None => Ok(endpoint),
    }
}

/// In a build without TLS, the configuration refuses `https://`.
#[cfg(not(feature = "tls"))]
fn secured(endpoint: Endpoint, _: &OtlpSettings) -> Result<Endpoint, String> {
    Ok(endpoint)
}

struct GrpcSink {
    endpoint: Endpoint,
    compression: Compression,
    metadata: MetadataMap,
    timeout: Duration,
    connection: Mutex<Connection>,
}

/// A channel that reconnects when it notices a broken connection. `age` identifies the channel of a request.
#[derive(Clone)]
struct Connection {
    age: u64,
    client: Grpc<Guard>,
}

impl GrpcSink {
    fn new(endpoint: Endpoint, settings: &OtlpSettings) -> Self {
        let connection = Connection { age: 0, client: client(&endpoint, settings.compression) };
        Self {
            endpoint,
            compression: settings.compression,
            metadata: MetadataMap::from_headers(settings.headers.iter().cloned().collect::<HeaderMap>()),
            timeout: settings.timeout,
            connection: Mutex::new(connection),
        }
    }

    async fn send(&self, mut client: Grpc<Guard>, request: Bytes) -> Result<Accepted, ExportError> {
        client.ready().await.map_err(|error| ExportError::Retry { reason: classify::cause(&error), after: None })?;
        let mut request = Request::new(request);
        *request.metadata_mut() = self.metadata.clone();
        let response = client.unary(request, PathAndQuery::from_static(EXPORT), RequestCodec).await;
        match response.map_err(|status| classify(&status))?.into_inner() {
            GrpcAnswer::Answer(answer) => {
                accepted_but(answer.partial_success.map_or(0, |partial| partial.rejected_log_records))
            }
            GrpcAnswer::Unreadable if planted("unreadable-is-taken") => Ok(Accepted::default()),
            GrpcAnswer::Unreadable => Err(unreadable("gRPC OK with a message that cannot be read")),
        }
    }

    /// A connection whose peer vanished silently looks healthy, so the next request uses a new one.
    fn distrust(&self, age: u64) {
        let mut connection = self.connection();
        if connection.age == age {
            *connection = Connection { age: age + 1, client: client(&self.endpoint, self.compression) };
        }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock()
    }
}

impl Sink for GrpcSink {
    fn export(&self, request: Bytes) -> ExportFuture<'_> {
        Box::pin(async move {
            let Connection { age, client } = self.connection().clone();
            match timeout(self.timeout, self.send(client, request)).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.distrust(age);
                    Err(ExportError::Retry { reason: unanswered(self.timeout), after: None })
                }
            }
        })
    }
}

fn client(endpoint: &Endpoint, compression: Compression) -> Grpc<Guard> {
    let client = Grpc::new(Guard(endpoint.connect_lazy())).accept_compressed(CompressionEncoding::Gzip);
    let client = client.max_decoding_message_size(LONGEST_ANSWER);
    match compression {
        Compression::Gzip => client.send_compressed(CompressionEncoding::Gzip),
        Compression::None => client,
    }
}

/// Headers contain tokens, so nothing of it is shown.
impl std::fmt::Debug for GrpcSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GrpcSink")
    }
}

/// Sends bytes unchanged, and reads the answer.
#[derive(Debug, Clone, Copy)]
struct RequestCodec;

impl Codec for RequestCodec {
    type Encode = Bytes;
    type Decode = GrpcAnswer;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RequestCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, request: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.reserve(request.len());
        buffer.put(request);
        Ok(())
    }
}

impl Decoder for RequestCodec {
    type Item = GrpcAnswer;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<GrpcAnswer>, Status> {
        let message = buffer.copy_to_bytes(buffer.remaining());
        // Not an error of the codec: its code would look like one of the sink's.
        let answer = ExportLogsServiceResponse::decode(message);
        Ok(Some(answer.map_or(GrpcAnswer::Unreadable, GrpcAnswer::Answer)))
    }
}

/// The message of an answer.
#[derive(Debug)]
enum GrpcAnswer {
    Answer(ExportLogsServiceResponse),
    Unreadable,
}

const EXPORT: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
