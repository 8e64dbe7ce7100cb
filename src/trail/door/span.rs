//! The `tracing` span of a call, with the name and the fields of the MCP conventions.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing::field::Empty;
use tracing::subscriber::NoSubscriber;
use tracing::{Span, dispatcher};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{announce, http_span};
use crate::record::{Detail, EventName, Outcome, names};
use crate::trail::calls::{Call, CallState, Facts, is_of_mcp};
use crate::trail::core::Core;
use crate::trail::otel::{CALL_SPAN, HTTP_SPAN, MissingIds, TARGET, Way, begin_time, has_own_ids};

/// The span of a call of that id, with that parent, or as a child of whatever is current. What is known is said when it is
/// made: each recording later is a way through all layers.
macro_rules! call_span {
    ($call:expr, $id:expr $(, $parent:ident: $none:expr)?) => {
        tracing::info_span!(
            target: TARGET,
            $($parent: $none,)?
            CALL_SPAN,
            otel.name = span_name(&$call),
            otel.kind = kind(&$call),
            otel.status_code = Empty,
            mcp.method.name = $call.method(),
            mcp.protocol.version = $call.text(names::MCP_PROTOCOL_VERSION),
            mcp.session.id = $call.text(names::MCP_SESSION_ID),
            mcp.resource.uri = $call.text(names::MCP_RESOURCE_URI),
            gen_ai.tool.name = $call.text(names::GEN_AI_TOOL_NAME),
            gen_ai.operation.name = $call.text(names::GEN_AI_OPERATION_NAME),
            gen_ai.prompt.name = $call.text(names::GEN_AI_PROMPT_NAME),
            jsonrpc.request.id = $call.text(names::JSONRPC_REQUEST_ID),
            rpc.response.status_code = Empty,
            error.type = Empty,
            network.transport = $call.text(names::NETWORK_TRANSPORT),
            audit.actor.id = $call.text(names::AUDIT_ACTOR_ID),
            audit.outcome = Empty,
            auditrail.event = Empty,
            auditrail.call.id = $id,
            auditrail.outcome.detail = Empty,
            auditrail.duration = Empty,
        )
    };
}

/// Opens the span and the state of a call. The span is a root, or the child of the caller's; never of whatever span
/// happens to be entered here (rmcp keeps one open for the whole connection).
pub(in crate::trail) fn open(core: &Core, mut call: Call) -> (Span, Arc<CallState>) {
    let cut = core.truncator().limit(&mut call.message.attributes);
    let caller = call.message.caller();
    let begun = call.begun.unwrap_or_else(|| core.clock().now());
    let mut state = CallState::new(call.event, caller);
    state.begin(&*core.recorder.entropy, begun);
    state.set_observer(call.message.observer);
    call.treated.take().into_iter().for_each(|treated| state.treat(treated));
    let mut text = [0; 36];
    let id: &str = state.call_id().encode(&mut text);
    // A layer that hides cannot be given a parent afterwards: it takes the context that is current.
    let hidden_parent = call.message.parent.clone().filter(|_| core.reach().hides());
    let name = span_of(call.event);
    let span = begin_time::during(name, begun.unix_nano, || match hidden_parent.map(Context::attach) {
        _current if name == HTTP_SPAN => http_span::make(&call, id, _current.is_none()),
        Some(_current) => call_span!(call, id),
        None => call_span!(call, id, parent: None),
    });
    if let Some(parent) = call.message.parent.clone() {
        // It fails where the OTel layer hides, or where there is none and no trace to continue.
        drop(span.set_parent(parent));
    }
    for link in &call.message.links {
        span.add_link(link.clone());
    }
    *state.facts_mut() = Facts::of_call(call.message.attributes, cut, call.message.shared);
    state.facts_mut().map(call.mapped);
    if let Some(context) = start(core, (&span, name), call.message.parent.as_ref(), call.message.links) {
        state.attach(context);
    }
    let state = Arc::new(state);
    announce::announce(core, &span, &state);
    (span, state)
}

/// Says on the span how the call ended: the same words and the same number as on the record.
pub(in crate::trail) fn close(span: &Span, outcome: &Outcome, duration: f64) {
    let code = outcome.code.map(|code| code.to_string());
    tracing::record_all!(
        span,
        audit.outcome = outcome.status.as_str(),
        auditrail.outcome.detail = outcome.detail.map(Detail::as_str),
        error.type = outcome.error_type.as_deref(),
        rpc.response.status_code = code.as_deref(),
        otel.status_code = outcome.is_span_error().then_some("ERROR"),
        auditrail.duration = duration,
    );
}

/// Starts the span and finds its ids, or says that there are none.
fn start(
    core: &Core,
    (span, name): (&Span, &'static str),
    parent: Option<&Context>,
    links: Vec<SpanContext>,
) -> Option<Context> {
    let context = core.reach().enter(span);
    if core.reach().way() == Way::Entering
        && let Some(context) = &context
    {
        links.into_iter().for_each(|link| context.span().add_link(link, Vec::new()));
    }
    let why = match &context {
        Some(otel) if has_own_ids(otel, parent) => return context,
        Some(_) => MissingIds::NoTracer,
        None => why_none(core, span),
    };
    if !Context::is_current_telemetry_suppressed() {
        core.missing_ids().warn(why, name);
    }
    None
}

fn why_none(core: &Core, span: &Span) -> MissingIds {
    let has_subscriber = dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>());
    match core.reach().way() {
        _ if !has_subscriber => MissingIds::NoSubscriber,
        _ if span.is_disabled() => MissingIds::Disabled,
        _ => MissingIds::NoOtelLayer,
    }
}

/// `{mcp.method.name} {tool or prompt}`, else the method; `_OTHER` for a method that no revision knows, because the name
/// of a span must be of low cardinality.
fn span_name(call: &Call) -> String {
    let method = call.method().filter(|method| is_of_mcp(method)).unwrap_or("_OTHER");
    match call.name() {
        Some(name) => format!("{method} {name}"),
        None => method.to_owned(),
    }
}

fn kind(call: &Call) -> &'static str {
    match call.text(names::AUDITRAIL_MCP_DIRECTION) {
        Some("server_to_client") => "client",
        _ => "server",
    }
}

fn span_of(event: EventName) -> &'static str {
    if event == EventName::HttpRequest { HTTP_SPAN } else { CALL_SPAN }
}
