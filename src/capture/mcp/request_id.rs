//! The id of an HTTP request, by which its records are found in the logs of others.
//!
//! Invariants:
//! 1. What a client sends is recorded only if it is short and printable. Everything else counts as absent.
//! 2. A request that passes several layers of auditrail has one id.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

#[cfg(feature = "tower")]
use crate::record::RecordId;
#[cfg(feature = "tower")]
use crate::trail::Core;

/// The id of an HTTP request: `auditrail.request.id` on all its records. A request that has passed a layer of auditrail has it as
/// an extension, so that its handler can send it on:
///
/// ```
/// # use auditrail::RequestId;
/// # fn ask(request: &http::request::Parts, headers: &mut http::HeaderMap) {
/// if let Some(id) = request.extensions.get::<RequestId>() {
///     headers.extend(id.to_header()); // x-request-id
/// }
/// # }
/// ```
///
/// It is the value of the header `X-Request-Id`, if the client has sent a usable one: 1 to 128 printable ASCII characters without
/// spaces, and if the header is repeated, the same value each time. Otherwise it is a new UUID. What a client sends is not verified.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The header `x-request-id` with this value.
    #[must_use]
    pub fn to_header(&self) -> Option<(HeaderName, HeaderValue)> {
        Some((HEADER, HeaderValue::from_str(&self.0).ok()?))
    }

    /// The id that the client has sent, if it is usable.
    pub(crate) fn sent(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(HEADER).iter();
        let first = values.next()?;
        if first.len() > LONGEST || values.any(|other| other != first) {
            return None;
        }
        let text =
            first.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()))?;
        Some(Self(text.into()))
    }

    /// That of a request that a layer has passed, or the one that the client has sent.
    #[cfg(feature = "rmcp")]
    pub(crate) fn known(parts: &http::request::Parts) -> Option<Self> {
        parts.extensions.get::<Self>().cloned().or_else(|| Self::sent(&parts.headers))
    }

    /// Finds or makes the id of a request, and leaves it in its extensions.
    #[cfg(feature = "tower")]
    pub(crate) fn of(core: &Core, parts: &mut http::request::Parts) -> Self {
        if let Some(known) = parts.extensions.get::<Self>() {
            return known.clone();
        }
        let id = Self::sent(&parts.headers).unwrap_or_else(|| Self::made(core));
        parts.extensions.insert(id.clone());
        id
    }

    #[cfg(feature = "tower")]
    fn made(core: &Core) -> Self {
        let mut random = [0; 10];
        core.entropy().fill(&mut random);
        Self(RecordId::new(core.clock().unix_nano(), &random).to_string().into())
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestId").field(&self.0).finish()
    }
}

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Twice the length of what gateways make.
const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&[u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_bytes(value).unwrap());
        }
        RequestId::sent(&headers).map(|id| id.to_string())
    }

    #[test]
    fn a_short_printable_value_is_the_id() {
        for id in ["7", "0af7651916cd43dd8448eb211c80319c", "Root=1-67891233-abcdef;Sampled=1", &"x".repeat(128)] {
            assert_eq!(sent(&[id.as_bytes()]).as_deref(), Some(id));
            assert_eq!(sent(&[id.as_bytes(), id.as_bytes()]).as_deref(), Some(id), "twice the same");
        }
    }

    #[test]
    fn what_is_hostile_counts_as_absent() {
        let (long, longer) = ("x".repeat(129), "x".repeat(64 << 10));
        let hostile: [&[&[u8]]; 9] = [
            &[],
            &[b""],
            &[long.as_bytes()],
            &[longer.as_bytes()],
            &[b"two words"],
            &[b"a\tb"],
            &["grün".as_bytes()],
            &[b"\xff\xfe"],
            &[b"one", b"another"],
        ];
        for values in hostile {
            assert_eq!(sent(values), None, "{values:?}");
        }
    }
}
