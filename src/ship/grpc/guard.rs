//! A channel whose answers tonic can read. tonic panics at a `grpc-status-details-bin` that is not base64, in headers
//! and in trailers, and no answer of a collector may end a process.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::{Channel, Error};

/// Removes what cannot be read; the rest of the answer counts.
#[derive(Debug, Clone)]
pub(super) struct Guard(pub(super) Channel);

impl GrpcService<Body> for Guard {
    type ResponseBody = Body;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        GrpcService::poll_ready(&mut self.0, context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = GrpcService::call(&mut self.0, request);
        Box::pin(async move {
            let mut answer = answer.await?;
            tidy(answer.headers_mut());
            Ok(answer.map(|body| {
                Body::new(body.map_frame(|mut frame| {
                    frame.trailers_mut().into_iter().for_each(tidy);
                    frame
                }))
            }))
        })
    }
}

pub(super) fn tidy(headers: &mut HeaderMap) {
    if !headers.get_all(&DETAILS).iter().all(|value| is_base64(value.as_bytes())) {
        headers.remove(&DETAILS);
    }
}

/// As in RFC 4648, section 4, with or without padding; the bits after the last byte are zero.
fn is_base64(text: &[u8]) -> bool {
    let digits = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let padding = text.len() - digits;
    let left_over = match digits % 4 {
        0 => Some(0),
        2 => Some(0b1111),
        3 => Some(0b11),
        _ => None,
    };
    let is_padded = padding == 0 || text.len().is_multiple_of(4) && padding <= 2;
    let mut known = text.iter().take(digits).map(|byte| digit(*byte));
    is_padded
        && known.clone().all(|digit| digit.is_some())
        && left_over.is_some_and(|bits| digits == 0 || known.next_back().flatten().is_some_and(|last| last & bits == 0))
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
