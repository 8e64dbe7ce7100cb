//! OTLP/gRPC and the read service on one port.
//!
//! The generated OTLP services decode a request before its bytes can be read, and this receiver keeps the bytes. So
//! the two export methods are served here with a codec that leaves messages unchanged.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
    routing::post,
};
use bytes::{Buf, BufMut, Bytes};
use tonic::{
    Code, Status,
    codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, UnaryService},
};

use super::{
    error::ReceiveError,
    intake::{Intake, Signal},
};
use crate::serve::{api::TrailApi, proto::trail_service_server::TrailServiceServer};

/// The routes of the gRPC port.
pub(crate) fn router(intake: Intake) -> Router {
    let trail = TrailServiceServer::new(TrailApi::new(intake.received()))
        .accept_compressed(CompressionEncoding::Gzip)
        .send_compressed(CompressionEncoding::Gzip);
    Router::new()
        .route("/opentelemetry.proto.collector.logs.v1.LogsService/Export", post(logs))
        .route("/opentelemetry.proto.collector.trace.v1.TraceService/Export", post(traces))
        .route_service("/auditrail.v1.TrailService/{method}", trail)
        .fallback(no_such_method)
        .with_state(intake)
}

async fn logs(State(intake): State<Intake>, request: Request) -> Response {
    export(intake, Signal::Logs, request).await
}

async fn traces(State(intake): State<Intake>, request: Request) -> Response {
    export(intake, Signal::Traces, request).await
}

async fn no_such_method() -> Response {
    Status::unimplemented("this receiver has the OTLP services for logs and traces, and auditrail.v1.TrailService")
        .into_http()
}

async fn export(intake: Intake, signal: Signal, request: Request) -> Response {
    let limit = intake.message_bytes();
    let mut grpc = Grpc::new(RawCodec).accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size(limit);
    let service = Export { intake: intake.clone(), signal };
    match intake.in_turn(grpc.unary(service, request)).await {
        Ok(response) if is_too_large(&response) => status(&ReceiveError::TooLarge { limit }).into_http(),
        Ok(response) => response.map(Body::new),
        Err(error) => status(&error).into_http(),
    }
}

/// tonic refuses large messages with OUT_OF_RANGE, which makes OTLP clients retry forever. The export itself never
/// answers with that code, and only errors have their code in the head of the response.
fn is_too_large<B>(response: &axum::http::Response<B>) -> bool {
    Status::from_header_map(response.headers()).is_some_and(|status| status.code() == Code::OutOfRange)
}

fn status(error: &ReceiveError) -> Status {
    Status::new(error.code(), error.to_string())
}

/// The method `Export` of either service.
#[derive(Debug)]
struct Export {
    intake: Intake,
    signal: Signal,
}

impl UnaryService<Bytes> for Export {
    type Response = Bytes;
    type Future = std::future::Ready<Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let accepted = self.intake.accept(self.signal, request.get_ref());
        // An empty response has nothing set: everything was accepted.
        std::future::ready(accepted.map(|()| tonic::Response::new(Bytes::new())).map_err(|error| status(&error)))
    }
}

/// Messages as they are on the wire.
#[derive(Clone, Copy, Debug)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
