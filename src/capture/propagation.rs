//! The current trace on outgoing HTTP requests.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Injector, TextMapPropagator as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// Writes the current trace to the headers of an outgoing request: `traceparent` and `tracestate` (W3C Trace Context), and no
/// baggage. In the handler of an audited call, the current span is that of the call or one inside it, so what the other service
/// records has the trace of the call. Without a span, nothing is written.
///
/// ```
/// let mut headers = http::HeaderMap::new();
/// auditrail::propagation::inject(&mut headers);
/// ```
///
/// Send the id of the request as well: [`RequestId::to_header`](crate::RequestId::to_header).
pub fn inject(headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject_context(&Context::current(), &mut Headers(headers));
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        // An empty `tracestate` says nothing, and some readers do not expect it.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value))
            && !value.is_empty()
        {
            self.0.insert(name, value);
        }
    }
}
