//! The `tracing` span of an HTTP request that is no MCP message, with the name and the fields of the HTTP conventions.

use tracing::Span;
use tracing::field::Empty;

use crate::record::names;
use crate::trail::calls::Call;
use crate::trail::otel::{HTTP_SPAN, TARGET};

/// Makes the span of a request, as a child of whatever is current or as a root.
pub(super) fn make(call: &Call, id: &str, is_root: bool) -> Span {
    macro_rules! http_span {
        ($($parent:ident: $none:expr)?) => {
            tracing::info_span!(
                target: TARGET,
                $($parent: $none,)?
                HTTP_SPAN,
                otel.name = name(call),
                otel.kind = "server",
                otel.status_code = Empty,
                http.request.method = call.text(names::HTTP_REQUEST_METHOD),
                http.route = call.text(names::HTTP_ROUTE),
                http.response.status_code = Empty,
                url.path = call.text(names::URL_PATH),
                client.address = call.text(names::CLIENT_ADDRESS),
                user_agent.original = call.text(names::USER_AGENT_ORIGINAL),
                network.protocol.version = call.text(names::NETWORK_PROTOCOL_VERSION),
                rpc.response.status_code = Empty,
                error.type = Empty,
                network.transport = call.text(names::NETWORK_TRANSPORT),
                audit.actor.id = call.text(names::AUDIT_ACTOR_ID),
                audit.outcome = Empty,
                auditrail.event = Empty,
                auditrail.request.id = call.text(names::AUDITRAIL_REQUEST_ID),
                auditrail.call.id = id,
                auditrail.outcome.detail = Empty,
                auditrail.duration = Empty,
            )
        };
    }
    if is_root { http_span!(parent: None) } else { http_span!() }
}

/// `{method} {route}`, or the method alone: the name of a span must be of low cardinality, so neither path nor unknown method.
fn name(call: &Call) -> String {
    let method = call.text(names::HTTP_REQUEST_METHOD).filter(|method| METHODS.contains(method)).unwrap_or("HTTP");
    match call.text(names::HTTP_ROUTE) {
        Some(route) => format!("{method} {route}"),
        None => method.to_owned(),
    }
}

/// RFC 9110 and RFC 5789.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
