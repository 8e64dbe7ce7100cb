//! What joins a request to a trace: the proxy's own span, as the parent of everything that the server does.

use crate::capture::mcp::message::Message;
use crate::record::SpanIds;

/// A call's own span, for the request that is forwarded to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedTrace {
    traceparent: String,
    said: CallerTrace,
}

/// The trace context of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallerTrace {
    traceparent: Option<String>,
    tracestate: Option<String>,
}

impl CallerTrace {
    /// What the message says.
    pub fn of(message: &Message) -> Self {
        let params = &message.params;
        Self { traceparent: params.traceparent.clone(), tracestate: params.tracestate.clone() }
    }

    /// What joins the message, if its call has a span.
    pub fn joined(self, span: Option<SpanIds>) -> Option<InjectedTrace> {
        let SpanIds { trace, span: Some(span), flags } = span? else { return None };
        // Version 00 knows one flag.
        let traceparent = format!("00-{trace}-{span}-{:02x}", flags & SAMPLED);
        Some(InjectedTrace { traceparent, said: self })
    }
}

impl InjectedTrace {
    /// The value of `traceparent` (W3C Trace Context, section 3.2).
    pub fn traceparent(&self) -> &str {
        &self.traceparent
    }

    /// Whether it continues the trace that the message names.
    pub(crate) fn goes_on(&self) -> bool {
        self.said.traceparent.as_deref().is_some_and(|said| self.is_of(said))
    }

    /// The message's `tracestate`, if its trace continues.
    pub fn tracestate(&self) -> Option<&str> {
        self.said.tracestate.as_deref().filter(|_| self.goes_on())
    }

    /// Whether that `traceparent` names the same trace.
    pub fn is_of(&self, traceparent: &str) -> bool {
        traceparent.get(TRACE).is_some_and(|named| self.traceparent.get(TRACE) == Some(named))
    }
}

const SAMPLED: u8 = 1;
/// The position of the trace id in a `traceparent`.
const TRACE: std::ops::Range<usize> = 3..35;
