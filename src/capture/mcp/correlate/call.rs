//! What is known of a message: of the call or the moment that it is.

use std::sync::Arc;

use super::super::content;
use super::super::message::{Flaw, Id, IdKind, Message};
use super::super::trace_context;
use super::continuations::Continuation;
use super::correlator::Correlator;
use super::message_origin::MessageOrigin;
use super::pending_call::RequestKind;
use crate::hex::hex;
use crate::identity::Actor;
use crate::record::names;
use crate::trail::{Direction, Facts, MessageFacts, ToolHints};

/// A message, and its transport.
pub(super) struct SeenMessage<'a> {
    pub(super) correlator: &'a Correlator,
    /// The facts that it shares with all messages of its exchange.
    pub(super) common: Arc<Facts>,
    pub(super) origin: &'a MessageOrigin,
    pub(super) direction: Direction,
    pub(super) message: &'a Message,
}

impl SeenMessage<'_> {
    /// The facts of a request or a notification.
    pub(super) fn facts(&self) -> MessageFacts {
        let Self { message, .. } = self;
        let method = message.method.as_deref().unwrap_or_default();
        let known = message.method.clone().map(MessageFacts::of_method).unwrap_or_default();
        let mut facts = known.direction(self.direction);
        if let Some(id) = &message.id {
            facts = identified(facts, id);
        }
        facts = self.doubts(facts);
        facts = self.subject(facts, method);
        facts = self.round(facts);
        facts = self.caller(facts, method);
        facts = facts.arguments(content::arguments(method, message.params.arguments.as_ref()));
        let named = trace_context::parent(message.params.traceparent.as_deref(), message.params.tracestate.as_deref());
        self.origin.place(facts, self.direction, named)
    }

    /// The facts of its sender and its transport, for a record about a call with that method.
    pub(super) fn of_its_sender(&self, method: &str) -> MessageFacts {
        self.caller(MessageFacts::default().direction(self.direction), method)
    }

    /// Adds where readers may understand the message differently.
    fn doubts(&self, facts: MessageFacts) -> MessageFacts {
        let Message { doubts, flaw, bytes, reader, .. } = self.message;
        let flaw = flaw.filter(|flaw| *flaw != Flaw::NotAMessage);
        let flaws: Vec<_> = doubts.names().chain(flaw.map(Flaw::as_str)).map(str::to_owned).collect();
        let readings = (!doubts.readings.is_empty()).then(|| doubts.readings.clone());
        let size = flaw.map(|_| i64::try_from(*bytes).unwrap_or(i64::MAX));
        facts
            .own_some(names::AUDITRAIL_MESSAGE_AMBIGUOUS, reader.map(|reader| reader.as_str().to_owned()))
            .own_some(names::AUDITRAIL_MESSAGE_FLAW, (!flaws.is_empty()).then_some(flaws))
            .own_some(names::AUDITRAIL_MESSAGE_READINGS, readings)
            .own_some(names::AUDITRAIL_MESSAGE_SIZE, size)
    }

    pub(super) fn asked(&self) -> RequestKind {
        match self.message.method.as_deref() {
            Some("initialize") => RequestKind::Initialize,
            Some("tools/call") => RequestKind::ToolsCall,
            Some("tools/list") => RequestKind::ToolsList,
            Some("subscriptions/listen") => RequestKind::Subscription,
            _ => RequestKind::Other,
        }
    }

    /// What the server says of its tool, if that is what is called.
    pub(super) fn hints(&self) -> ToolHints {
        match (self.asked(), &self.message.params.name) {
            (RequestKind::ToolsCall, Some(tool)) => self.correlator.tools().hints(tool),
            _ => ToolHints::default(),
        }
    }

    /// Whether, in the protocol revision of the request, closing its response cancels it.
    pub(super) fn close_cancels(&self) -> bool {
        // Revisions are dates, so they sort as text. Only messages of the later revisions name theirs.
        self.message.params.protocol_version.as_deref().is_some_and(|version| version >= CLOSE_CANCELS_SINCE)
            && self.asked() != RequestKind::Initialize
    }

    /// Adds its subject: the tool, prompt, resource or task.
    fn subject(&self, mut facts: MessageFacts, method: &str) -> MessageFacts {
        let params = &self.message.params;
        match (method, &params.name, &params.uri) {
            ("tools/call", Some(tool), _) => {
                facts = facts.tool(tool.clone());
                if let Some(digest) = self.correlator.tools().digest(tool) {
                    facts = facts.own(names::AUDITRAIL_MCP_TOOL_DIGEST, digest);
                }
            }
            ("prompts/get", Some(prompt), _) => facts = facts.prompt(prompt.clone()),
            (method, _, Some(uri)) if method.starts_with("resources/") || method.starts_with("skills/") => {
                facts = facts.resource(uri);
            }
            _ => {}
        }
        let is_of_tasks = method.starts_with("tasks/") || method.starts_with("notifications/tasks");
        match params.task_id.as_ref().filter(|_| is_of_tasks) {
            Some(task) => {
                let origin = self.correlator.continuations().of(&Continuation::Task(task.clone()));
                facts
                    .attribute(names::AUDIT_TARGET_TYPE, "task")
                    .attribute(names::AUDIT_TARGET_ID, task.clone())
                    .own(names::AUDITRAIL_MCP_TASK_ID, task.clone())
                    .own_some(names::AUDITRAIL_CALL_ORIGIN_ID, origin.map(|origin| origin.to_string()))
            }
            None => facts,
        }
    }

    /// Adds the round that it continues, if the server has asked for input.
    fn round(&self, facts: MessageFacts) -> MessageFacts {
        let Some(state) = &self.message.params.request_state else { return facts };
        let origin = self.correlator.continuations().of(&Continuation::State(*state));
        facts
            .own(names::AUDITRAIL_MCP_REQUEST_STATE_RECEIVED, hex(&state.0))
            .own(names::AUDITRAIL_DIGEST_KEY_ID, self.correlator.key_id().to_owned())
            .own_some(names::AUDITRAIL_CALL_ORIGIN_ID, origin.map(|origin| origin.to_string()))
    }

    /// Adds the sender: the client, as it claims and as the `actor` hook finds, or the server itself.
    fn caller(&self, mut facts: MessageFacts, method: &str) -> MessageFacts {
        let params = &self.message.params;
        // In revisions without sessions, each request says it.
        let said = [
            (names::MCP_PROTOCOL_VERSION, &params.protocol_version),
            (names::AUDITRAIL_CLIENT_NAME, &params.client_name),
            (names::AUDITRAIL_CLIENT_VERSION, &params.client_version),
        ];
        let says_it = said.iter().any(|(_, value)| value.is_some());
        facts = said.into_iter().fold(facts, |facts, (name, value)| facts.some(name, value.clone()));
        facts = if says_it { facts.own_shared(&self.common) } else { facts.shared(self.common.clone()) };
        let core = self.correlator.core();
        let facts = facts.observed_by(self.origin.observer);
        match self.direction {
            Direction::ClientToServer => {
                let facts = match &params.claimed {
                    Some(claimed) => facts.claimed(claimed),
                    None => facts,
                };
                self.origin.identify(core, facts, method)
            }
            Direction::ServerToClient => {
                let service = Actor::asserted(core.settings().resource.service_name()).service();
                facts.of_server(Actor { source: Some(SERVICE.into()), ..service })
            }
        }
    }
}

fn identified(facts: MessageFacts, id: &Id) -> MessageFacts {
    let kind = match id.kind {
        IdKind::String => "string",
        IdKind::Integer | IdKind::Fraction => "number",
        IdKind::Null => return facts.attribute(names::AUDITRAIL_JSONRPC_ID_TYPE, "null"),
        // A type that the contract does not have, and no value that identifies anything.
        IdKind::Other => return facts,
    };
    facts.attribute(names::JSONRPC_REQUEST_ID, id.text.clone()).attribute(names::AUDITRAIL_JSONRPC_ID_TYPE, kind)
}

/// `auditrail.actor.source` of the server itself, which its configuration names.
const SERVICE: &str = "service";
/// The first revision without sessions, in which closing the response stream cancels.
const CLOSE_CANCELS_SINCE: &str = "2026-07-28";
