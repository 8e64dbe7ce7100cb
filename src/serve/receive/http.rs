//! OTLP/HTTP with binary protobuf: `POST /v1/logs` and `POST /v1/traces`.
//!
//! Answers follow the specification's section "OTLP/HTTP Response": an empty `Export…ServiceResponse` (there are no
//! partial successes), or a `google.rpc.Status` in protobuf. A client that does not send protobuf gets plain text.

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::post,
};
use bytes::Bytes;
use prost::Message;

use super::{
    body,
    error::ReceiveError,
    intake::{Intake, Signal},
};

/// The routes of the HTTP port.
pub(crate) fn router(intake: Intake) -> Router {
    Router::new()
        .route("/v1/logs", post(logs))
        .route("/v1/traces", post(traces))
        .fallback(no_such_path)
        .with_state(intake)
}

async fn logs(State(intake): State<Intake>, request: Request) -> Response {
    answer(intake.in_turn(export(&intake, Signal::Logs, request)).await)
}

async fn traces(State(intake): State<Intake>, request: Request) -> Response {
    answer(intake.in_turn(export(&intake, Signal::Traces, request)).await)
}

async fn no_such_path() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, "this receiver takes POST /v1/logs and POST /v1/traces\n")
}

async fn export(intake: &Intake, signal: Signal, request: Request) -> Result<(), ReceiveError> {
    let (head, body) = request.into_parts();
    check_content_type(&head.headers)?;
    let compressed = is_gzip(&head.headers)?;
    let limit = intake.message_bytes();
    if announced_length(&head.headers).is_some_and(|length| length > limit) {
        return Err(ReceiveError::TooLarge { limit });
    }
    let received = body::read(body, limit).await?;
    let message = if compressed { body::gunzip(&received, limit)? } else { received };
    intake.accept(signal, &message)
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ReceiveError> {
    let found = text(headers, &CONTENT_TYPE);
    let media_type = found.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(PROTOBUF) {
        return Ok(());
    }
    Err(ReceiveError::ContentType { found: abridged(&found) })
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, ReceiveError> {
    let found = text(headers, &CONTENT_ENCODING);
    match found.trim() {
        "" => Ok(false),
        encoding if encoding.eq_ignore_ascii_case("identity") => Ok(false),
        encoding if encoding.eq_ignore_ascii_case("gzip") => Ok(true),
        _ => Err(ReceiveError::ContentEncoding { found: abridged(&found) }),
    }
}

fn announced_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn text(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}

/// An answer must not return everything that was sent.
fn abridged(header: &str) -> String {
    header.chars().take(64).collect()
}

fn answer(outcome: Result<Result<(), ReceiveError>, ReceiveError>) -> Response {
    match outcome.and_then(|accepted| accepted) {
        Ok(()) => protobuf(StatusCode::OK, Bytes::new()),
        Err(error @ ReceiveError::ContentType { .. }) => (error.http_status(), format!("{error}\n")).into_response(),
        Err(error) => {
            let status = RpcStatus { code: error.code().into(), message: error.to_string() };
            protobuf(error.http_status(), status.encode_to_vec().into())
        }
    }
}

fn protobuf(status: StatusCode, message: Bytes) -> Response {
    (status, [(CONTENT_TYPE, HeaderValue::from_static(PROTOBUF))], message).into_response()
}

/// `google.rpc.Status`, without details.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

const PROTOBUF: &str = "application/x-protobuf";
