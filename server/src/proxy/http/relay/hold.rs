//! Holds the body of a request until its calls may run, or to write the spans of its calls into it.

use std::sync::Arc;

use auditrail::internals::mcp::{HeldCalls, HoldReasons, Withheld};
use auditrail::internals::splice::MOST_MESSAGES;
use auditrail::internals::trail::Client;
use http::request::Parts;
use http::{HeaderMap, Request, StatusCode, header};
use http_body::Body as _;
use http_body_util::Either;

use crate::proxy::http::answer::{self, BoxedAnswer};
use crate::proxy::http::body::{BufferBudget, BufferError, BufferedBody, OutgoingBody, RequestBody};
use crate::proxy::http::headers::edit;
use crate::proxy::unjoined::Unjoined;

/// How much is held, and why.
#[derive(Debug)]
pub(crate) struct BodyHold {
    pub(crate) why: HoldReasons,
    /// The limit for one body, in bytes.
    pub(crate) bound: u64,
    /// The limit for all bodies together, in bytes.
    pub(crate) of_all: u64,
    pub(crate) unjoined: Unjoined,
}

impl BodyHold {
    /// Returns the request for the server, or the answer that refuses it.
    pub(crate) async fn pass(&self, mut request: Request<RequestBody>) -> Result<Request<OutgoingBody>, BoxedAnswer> {
        let joins = self.why.joins && request.body().is_tapped() && !is_sealed(request.headers());
        // The method does not matter: a server may run what is in any body.
        if request.body().is_end_stream() || !(self.why.refuses || joins) {
            return Ok(request.map(Either::Left));
        }
        let told = request.extensions_mut().remove::<HeldCalls>();
        let (mut parts, body) = request.into_parts();
        // The tap reads bodies that declare JSON, or no type at all. Servers may read more.
        let (is_read, is_coded) = (body.is_tapped(), parts.headers.contains_key(header::CONTENT_ENCODING));
        let client = parts.extensions.remove::<Arc<Client>>();
        let budget = BufferBudget { bound: self.bound, of_all: self.of_all, client };
        let mut body = match BufferedBody::read(body, budget).await {
            Ok(body) => body,
            Err(BufferError::TooLarge(body)) => {
                let may_be_call = is_read || is_coded || body.begins_as_message();
                return self.too_large(parts, body, may_be_call).await;
            }
            Err(BufferError::TooMuch(body)) => {
                if self.why.refuses {
                    body.spend(self.bound).await;
                    return Err(answer::busy(BUSY).into());
                }
                self.unjoined.tell(self.bound);
                return Ok(Request::from_parts(parts, Either::Right(body)));
            }
            Err(BufferError::Broken) => {
                return Err(
                    answer::plain(StatusCode::BAD_REQUEST, "the request ended before its body was complete").into()
                );
            }
        };
        if self.why.refuses {
            if !is_read && (is_coded || body.may_be_call()) {
                return Err(answer::withheld(StatusCode::UNSUPPORTED_MEDIA_TYPE, UNREAD).into());
            }
            if told.as_ref().is_some_and(HeldCalls::is_foreign) && body.may_be_call() {
                return Err(unclear());
            }
            may_run(told.as_ref()).await?;
        }
        if let Some(told) = told.filter(|_| joins) {
            self.join(&mut parts.headers, &mut body, &told);
        }
        Ok(Request::from_parts(parts, Either::Right(body)))
    }

    /// Refuses a large body if calls may be refused; relays it unchanged if it was only to be joined.
    async fn too_large(
        &self,
        parts: Parts,
        body: BufferedBody<RequestBody>,
        may_be_call: bool,
    ) -> Result<Request<OutgoingBody>, BoxedAnswer> {
        if self.why.refuses && may_be_call {
            body.spend(self.bound).await;
            return Err(answer::withheld(StatusCode::PAYLOAD_TOO_LARGE, &too_large(self.bound)).into());
        }
        if self.why.joins && may_be_call {
            self.unjoined.tell(self.bound);
        }
        Ok(Request::from_parts(parts, Either::Right(body)))
    }

    /// Writes the spans of calls into their requests, and the span of a single call also into the head, for servers that do
    /// not read MCP's `_meta`.
    fn join(&self, headers: &mut HeaderMap, body: &mut BufferedBody<RequestBody>, told: &HeldCalls) {
        let splices = told.splices();
        if splices.is_too_many() {
            self.unjoined.tell(self.bound);
        }
        // A compressed body would have to be compressed again.
        let is_plain = !headers.contains_key(header::CONTENT_ENCODING) && edit::has_one_length(headers);
        if let Some(length) = is_plain.then(|| body.splice(&splices)).flatten()
            && let Some(told) = headers.get_mut(header::CONTENT_LENGTH)
        {
            *told = length.into();
        }
        if let Some(joined) = splices.single() {
            *headers = edit::with_trace(std::mem::take(headers), joined);
        }
    }
}

/// Waits until the calls of the body may run.
async fn may_run(told: Option<&HeldCalls>) -> Result<(), BoxedAnswer> {
    // Without them, reading the request has failed.
    let may_run = match told {
        Some(calls) => calls.may_run().await,
        None => Err(Withheld::Unclear),
    };
    may_run.map_err(|withheld| match withheld {
        Withheld::Unclear => unclear(),
        Withheld::TooMany => answer::withheld(StatusCode::PAYLOAD_TOO_LARGE, &too_many()).into(),
        Withheld::Charset => answer::withheld(StatusCode::UNSUPPORTED_MEDIA_TYPE, CHARSET).into(),
        Withheld::Refused { calls, is_batch } => answer::refused(&calls, is_batch).into(),
        Withheld::Unasked(refused) => answer::unasked(&refused).into(),
    })
}

fn unclear() -> BoxedAnswer {
    answer::withheld(StatusCode::BAD_REQUEST, UNCLEAR).into()
}

/// Whether the sender signed or hashed the body: a changed body would not match any more.
fn is_sealed(headers: &HeaderMap) -> bool {
    let is_signed = |value: &header::HeaderValue| value.as_bytes().starts_with(b"AWS4-");
    SEALS.iter().any(|name| headers.contains_key(*name)) || headers.get_all(header::AUTHORIZATION).iter().any(is_signed)
}

fn too_many() -> String {
    format!(
        "the message has more than the {MOST_MESSAGES} calls that this proxy holds until they are recorded; send fewer"
    )
}

fn too_large(bound: u64) -> String {
    format!("the message is larger than the {bound} bytes that this proxy holds until a call is recorded; send less")
}

/// Fields of RFC 9530 and its predecessors, of RFC 9421, and of AWS, whose signature covers the body.
const SEALS: [&str; 6] =
    ["content-digest", "repr-digest", "digest", "content-md5", "signature-input", "x-amz-content-sha256"];
const BUSY: &str = "too many bytes of requests are held until their calls are recorded; try again soon";
const UNREAD: &str = "the body may be a message, but its type is not application/json or its coding is unknown, so its calls \
                      cannot be recorded; set its Content-Type, and use only gzip, deflate, br or zstd to compress it";
const UNCLEAR: &str = "the message could not be read, or readers disagree on it, so its calls cannot be recorded; send one JSON \
                       document in UTF-8 without duplicate keys in any letter case, uncompressed or compressed with gzip, deflate, br or zstd";

const CHARSET: &str = "the body declares a charset other than UTF-8, which servers read differently, so its calls \
                       cannot be recorded; send JSON in UTF-8";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_or_digested_is_sealed() {
        let sealed = |name: &'static str, value: &'static str| {
            is_sealed(&HeaderMap::from_iter([(name.parse().unwrap(), header::HeaderValue::from_static(value))]))
        };
        assert!(sealed("content-digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"));
        assert!(sealed("authorization", "AWS4-HMAC-SHA256 Credential=a"));
        assert!(!sealed("authorization", "Bearer a"));
        assert!(!sealed("content-type", "application/json"));
    }
}
