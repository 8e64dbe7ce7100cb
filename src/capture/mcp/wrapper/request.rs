//! The facts that the wrapper has of a request before its handler runs.

use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{Extensions, Implementation, JsonObject, NumberOrString, Tool};
use rmcp::service::{NotificationContext, RequestContext};

use super::super::claimed::claimed_by;
use super::super::content;
use super::super::request_id::RequestId;
use super::super::trace_context;
use crate::identity::{Actor, RequestFacts, Sender};
use crate::record::names;
use crate::trail::{Call, Core, Direction, MessageFacts, OpenCall, ToolHints, Transport};

/// The call of a request, with everything except its own parameters.
pub(super) fn call(
    core: &Core,
    method: &str,
    context: &RequestContext<RoleServer>,
    transport: Option<Transport>,
) -> Call {
    let (id, id_type) = match &context.id {
        NumberOrString::Number(number) => (number.to_string(), "number"),
        NumberOrString::String(text) => (text.to_string(), "string"),
    };
    let mut facts = MessageFacts::of_method(method.to_owned())
        .direction(Direction::ClientToServer)
        .attribute(names::JSONRPC_REQUEST_ID, id)
        .attribute(names::AUDITRAIL_JSONRPC_ID_TYPE, id_type);
    if let Some(version) = context.protocol_version() {
        facts = facts.attribute(names::MCP_PROTOCOL_VERSION, version.as_str().to_owned());
    }
    if let Some(client) = context.client_info() {
        facts = claimed_client(facts, &client);
    }
    let meta = |key: &str| context.meta.get(key).and_then(|value| value.as_str());
    if let Some(parent) = trace_context::parent(meta("traceparent"), meta("tracestate")) {
        facts = facts.parent(parent);
    }
    if let Some(claimed) = claimed_by(meta) {
        facts = facts.claimed(&claimed);
    }
    Call::of_message(origin(core, method, facts, &context.extensions, transport))
}

/// What a handler says of a tool.
pub(super) fn hints(tool: &Tool) -> ToolHints {
    let mut hints = ToolHints::default();
    if let Some(said) = &tool.annotations {
        hints.read_only = said.read_only_hint;
        hints.destructive = said.destructive_hint;
        hints.idempotent = said.idempotent_hint;
        hints.open_world = said.open_world_hint;
    }
    hints
}

/// What is known of a notification.
pub(super) fn notification(
    core: &Core,
    method: &str,
    context: &NotificationContext<RoleServer>,
    transport: Option<Transport>,
) -> MessageFacts {
    let mut facts = MessageFacts::of_method(method.to_owned()).direction(Direction::ClientToServer);
    if let Some(peer) = context.peer.peer_info() {
        facts = claimed_client(facts, &peer.client_info)
            .attribute(names::MCP_PROTOCOL_VERSION, peer.protocol_version.as_str().to_owned());
    }
    origin(core, method, facts, &context.extensions, transport)
}

/// Adds the arguments, if records may say something of them.
pub(super) fn with_arguments(core: &Core, call: Call, arguments: Option<&JsonObject>) -> Call {
    let arguments = arguments.filter(|_| core.content_keys().is_wanted()).and_then(content::of_arguments);
    call.with(|facts| facts.arguments(arguments))
}

/// Adds what a client says about itself.
pub(super) fn claimed_client(facts: MessageFacts, client: &Implementation) -> MessageFacts {
    facts
        .attribute(names::AUDITRAIL_CLIENT_NAME, client.name.clone())
        .attribute(names::AUDITRAIL_CLIENT_VERSION, client.version.clone())
}

/// Adds the transport and the actor; HTTP provides the most.
fn origin(
    core: &Core,
    method: &str,
    facts: MessageFacts,
    extensions: &Extensions,
    transport: Option<Transport>,
) -> MessageFacts {
    let http = extensions.get::<http::request::Parts>();
    let mut facts = match (http, transport) {
        (Some(_), _) => facts.transport(Transport::StreamableHttp),
        (None, Some(transport)) => facts.transport(transport),
        (None, None) => facts,
    };
    if let Some(parts) = http {
        if let Some(span) = trace_context::http_span(&parts.headers) {
            facts = facts.link(span);
        }
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        facts = facts.some(names::MCP_SESSION_ID, header("mcp-session-id"));
        facts = facts.some(names::AUDITRAIL_REQUEST_ID, RequestId::known(parts).map(|id| id.to_string()));
    }
    match extracted(core, method, http) {
        Some(actor) if actor.may_become_known() => {
            let of_http = |parts: &http::request::Parts| Sender::kept(&parts.headers, &parts.extensions);
            facts.sent_by(core.chain(), &Arc::new(http.map(of_http).unwrap_or_default()), method)
        }
        Some(actor) => facts.actor(actor),
        None => facts,
    }
}

/// Who acts in a call that a tap has begun, if only a layer between tap and handler knows it.
pub(super) fn actor(core: &Core, extensions: &Extensions, call: &OpenCall) -> Option<Actor> {
    if call.text(names::AUDIT_ACTOR_ID).is_some() {
        return None;
    }
    extracted(core, &call.text(names::MCP_METHOD_NAME).unwrap_or_default(), extensions.get())
}

fn extracted(core: &Core, method: &str, http: Option<&http::request::Parts>) -> Option<Actor> {
    let request = match http {
        Some(parts) => core.chain().facts(method, (&parts.headers, &parts.extensions)),
        None => RequestFacts { method, ..RequestFacts::default() },
    };
    core.chain().extract(&request)
}
