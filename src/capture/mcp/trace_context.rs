//! The caller's span, from `params._meta` and from HTTP headers (W3C Trace Context; MCP conventions: unprefixed keys).

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// The span that `_meta` names, which is the parent of the call. Malformed context is ignored.
pub(super) fn parent(traceparent: Option<&str>, tracestate: Option<&str>) -> Option<Context> {
    extract(&Meta { traceparent: Some(traceparent?), tracestate })
}

/// The span that the headers of the HTTP request name: related, but not the caller of the MCP method.
pub(super) fn http_span(headers: &http::HeaderMap) -> Option<SpanContext> {
    headers.get(TRACEPARENT)?;
    extract(&Headers(headers)).map(|context| context.span().span_context().clone())
}

fn extract(origin: &dyn Extractor) -> Option<Context> {
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), origin);
    let valid = context.span().span_context().is_valid();
    valid.then_some(context)
}

struct Meta<'a> {
    traceparent: Option<&'a str>,
    tracestate: Option<&'a str>,
}

impl Extractor for Meta<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => self.traceparent,
            TRACESTATE => self.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

struct Headers<'a>(&'a http::HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
