//! The `tracing` span of a call, with the name and the fields of the MCP conventions.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tracing::field::Empty;
use tracing::subscriber::NoSubscriber;
use tracing::{Span, dispatcher};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::beginning;
use super::call::Call;
use super::core::Core;
use super::idless::Idless;
use super::reach::{Way, has_own_ids};
use super::state::{CallState, Facts};
use crate::record::{Detail, EventName, Outcome, RecordId, Status, names};

/// The span of a call of that id, with that parent, or as a child of whatever is current. What is known is said when it is
/// made: each recording later is a way through all layers.
macro_rules! call_span {
    ($call:expr, $id:expr $(, $parent:ident: $none:expr)?) => {
        tracing::info_span!(
            target: TARGET,
            $($parent: $none,)?
            NAME,
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
pub(super) fn open(core: &Core, mut call: Call) -> (Span, Arc<CallState>) {
    let cut = core.limit(&mut call.attributes);
    let caller = call.caller();
    let begun = call.begun.unwrap_or_else(|| core.clock().now());
    let mut state = CallState::new(call.event, caller);
    state.begin(core, begun);
    let mut text = [0; 36];
    let id: &str = state.call_id().encode(&mut text);
    // A layer that hides cannot be given a parent afterwards: it takes the context that is current.
    let hidden_parent = call.parent.clone().filter(|_| core.reach().hides());
    let span = beginning::during(NAME, begun.unix_nano, || match hidden_parent.map(Context::attach) {
        Some(_current) => call_span!(call, id),
        None => call_span!(call, id, parent: None),
    });
    if let Some(parent) = call.parent.clone() {
        // It fails where the OTel layer hides, or where there is none and no trace to continue.
        drop(span.set_parent(parent));
    }
    for link in &call.links {
        span.add_link(link.clone());
    }
    *state.facts_mut() = Facts::of_call(call.attributes, cut, call.shared);
    if let Some(context) = start(core, &span, call.parent.as_ref(), call.links) {
        state.attach(context);
    }
    let state = Arc::new(state);
    opening::announce(&span, &state);
    (span, state)
}

/// Says on the span how the call ended: the same words and the same number as on the record.
pub(super) fn close(span: &Span, outcome: &Outcome, duration: f64) {
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

/// Says by the OTel span itself how it ended, for whoever has no `tracing` span at hand.
pub(crate) fn mark(context: &Context, outcome: &Outcome, said: Marks) {
    // Which success it was, the outcome says well enough.
    let detail = outcome.detail.filter(|detail| *detail != Detail::Ok);
    let Marks { is_told, duration, call } = said;
    if is_told && detail.is_none() && duration.is_none() && call.is_none() && outcome.status != Status::Failure {
        return;
    }
    let span = context.span();
    // Every attribute more may have the list of the span's attributes copied: none is better than one.
    if !is_told || detail.is_some() || duration.is_some() || call.is_some() {
        // Each is made when the span takes it: made before, all would be copied on the way.
        span.set_attributes((0..4).filter_map(|which| {
            Some(match which {
                0 => KeyValue::new(names::AUDITRAIL_DURATION, duration?),
                1 if is_told => return None,
                1 => KeyValue::new(names::AUDIT_OUTCOME, outcome.status.as_str()),
                2 => KeyValue::new(names::AUDITRAIL_OUTCOME_DETAIL, detail?.as_str()),
                _ => KeyValue::new(names::AUDITRAIL_CALL_ID, call?.encode(&mut [0; 36]).to_owned()),
            })
        }));
    }
    if outcome.is_span_error() {
        span.set_status(opentelemetry::trace::Status::error(""));
    }
}

/// What [`mark`] says beside the outcome.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// The status stands on the span already.
    pub(crate) is_told: bool,
    /// In seconds.
    pub(crate) duration: Option<f64>,
    pub(crate) call: Option<RecordId>,
}

/// Ends the OTel span at that time. Whatever ends it later, such as the close of the `tracing` span, ends nothing: what
/// `tracing-opentelemetry` would say is when the span was last left.
pub(crate) fn end(context: Option<&Context>, unix_nano: u64) {
    if let Some(context) = context {
        context.span().end_with_timestamp(at(unix_nano));
    }
}

pub(crate) fn at(unix_nano: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nano)
}

/// Repeats a record as an event of its span: Jaeger shows no log records. Journal first, then this.
pub(crate) fn mirror(context: Option<&Context>, event: EventName, id: &str, outcome: &Outcome, unix_nano: u64) {
    let Some(span) = context.map(Context::span) else { return };
    if span.span_context().is_sampled() || span.is_recording() {
        let said = vec![
            KeyValue::new(names::AUDIT_RECORD_ID, id.to_owned()),
            KeyValue::new(names::AUDIT_OUTCOME, outcome.status.as_str()),
        ];
        span.add_event_with_timestamp(event.as_str(), at(unix_nano), said);
    }
}

/// Starts the span and finds its ids, or says that there are none.
fn start(core: &Core, span: &Span, parent: Option<&Context>, links: Vec<SpanContext>) -> Option<Context> {
    let context = core.reach().enter(span);
    if core.reach().way() == Way::Entering
        && let Some(context) = &context
    {
        links.into_iter().for_each(|link| context.span().add_link(link, Vec::new()));
    }
    let why = match &context {
        Some(otel) if has_own_ids(otel, parent) => return context,
        Some(_) => Idless::NoTracer,
        None => why_none(core, span),
    };
    if !Context::is_current_telemetry_suppressed() {
        core.tell_idless(why, NAME);
    }
    None
}

fn why_none(core: &Core, span: &Span) -> Idless {
    let has_subscriber = dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>());
    match core.reach().way() {
        _ if !has_subscriber => Idless::NoSubscriber,
        _ if span.is_disabled() => Idless::Disabled,
        _ => Idless::NoOtelLayer,
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

/// Whether some revision of MCP has that method.
pub(crate) fn is_of_mcp(method: &str) -> bool {
    METHODS.contains(&method)
}

fn kind(call: &Call) -> &'static str {
    match call.text(names::AUDITRAIL_MCP_DIRECTION) {
        Some("server_to_client") => "client",
        _ => "server",
    }
}

/// How the layer learns that a span is that of an open call.
pub(crate) mod opening {
    use super::{Arc, CallState, RefCell, Span};

    thread_local!(static OPENING: RefCell<Option<Arc<CallState>>> = const { RefCell::new(None) });

    /// Hands the state to the layers of the span's own subscriber, by a recording that means more to ours than to others.
    pub(super) fn announce(span: &Span, state: &Arc<CallState>) {
        OPENING.with(|opening| *opening.borrow_mut() = Some(state.clone()));
        span.record(super::names::AUDITRAIL_EVENT, state.event().as_str());
        OPENING.with(|opening| *opening.borrow_mut() = None);
    }

    /// The state that is being handed over.
    pub(crate) fn taken() -> Option<Arc<CallState>> {
        OPENING.with(|opening| opening.borrow().clone())
    }
}

/// The target of our spans, so that people can name them in a filter.
pub(crate) const TARGET: &str = "auditrail";
/// The name of the spans by which we look whether others can be seen. None of them leaves.
pub(crate) const PROBE: &str = "auditrail.probe";
const NAME: &str = "mcp.call";

/// Every request method of the MCP revisions 2024-11-05 to 2026-07-28, tasks and skills extensions included.
const METHODS: &[&str] = &[
    "completion/complete",
    "elicitation/create",
    "initialize",
    "logging/setLevel",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/directory/read",
    "resources/list",
    "resources/read",
    "resources/subscribe",
    "resources/templates/list",
    "resources/unsubscribe",
    "roots/list",
    "sampling/createMessage",
    "server/discover",
    "skills/get",
    "skills/list",
    "subscriptions/listen",
    "tasks/cancel",
    "tasks/get",
    "tasks/list",
    "tasks/result",
    "tasks/update",
    "tools/call",
    "tools/list",
];
