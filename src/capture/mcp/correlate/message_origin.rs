//! What the transport of a message says about it.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};

use super::garbage_rate::GarbageRate;
use crate::identity::Sender;
use crate::record::{Attributes, names};
#[cfg(feature = "tower")]
use crate::trail::Facts;
use crate::trail::{Client, Core, Direction, MessageFacts, Observer, Transport};

/// The transport of messages, and the facts that it provides.
#[derive(Debug, Clone, Default)]
pub struct MessageOrigin {
    pub(crate) transport: Option<Transport>,
    /// The span of the HTTP request: related, but not the caller's.
    pub(crate) link: Option<SpanContext>,
    /// That span is the caller's if the client sends no trace context in the message: a proxy is the next hop after
    /// the sender of the header, and continues its trace.
    pub(crate) link_is_parent: bool,
    /// Facts for the records of what the client sends.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// The port of `client.address`.
    pub(crate) client_port: Option<u16>,
    /// Used if the message itself does not say it.
    pub(crate) protocol_version: Option<String>,
    /// The client resumes a stream, with `Last-Event-ID`.
    pub(crate) is_resumed: bool,
    /// The client, as far as it is known.
    pub(crate) client: Option<Arc<Client>>,
    /// The pace of its connection.
    pub(crate) garbage_rate: Arc<GarbageRate>,
    /// Whose point of view the records are.
    pub(crate) observer: Observer,
    /// Requests of the client are held until they may run.
    pub(crate) is_held: bool,
    /// Who sends the messages of the client.
    pub(crate) sender: Arc<Sender>,
}

impl MessageOrigin {
    /// Standard input and output of a proxy that holds calls back or not.
    #[cfg(feature = "internals")]
    pub fn of_stdio(is_held: bool) -> Self {
        Self { transport: Some(Transport::Stdio), observer: Observer::Proxy, is_held, ..Self::default() }
    }

    pub(super) fn describe(&self, attributes: &mut Attributes) {
        if let Some(transport) = self.transport {
            transport.write(attributes);
        }
        for (key, value) in &self.facts {
            attributes.set(*key, value.clone());
        }
        if let Some(port) = self.client_port {
            attributes.set(names::CLIENT_PORT, i64::from(port));
        }
    }

    /// Places the call under the parent that the message names, or otherwise the one that the transport names, and
    /// links it to the related span.
    pub(super) fn place(&self, facts: MessageFacts, direction: Direction, named: Option<Context>) -> MessageFacts {
        let facts = facts.observed_by(self.observer);
        let is_parent = self.link_is_parent && named.is_none() && direction == Direction::ClientToServer;
        let facts = match (named, &self.link) {
            (Some(parent), _) => facts.parent(parent),
            (None, Some(link)) if is_parent => facts.parent(Context::new().with_remote_span_context(link.clone())),
            (None, _) => facts,
        };
        match &self.link {
            Some(link) if !is_parent => facts.link(link.clone()),
            _ => facts,
        }
    }

    /// The description of an HTTP request that is no MCP message: everything that it says of itself.
    #[cfg(feature = "tower")]
    pub(crate) fn describe_http(&self, core: &Core, facts: MessageFacts) -> MessageFacts {
        let mut attributes = Attributes::default();
        self.describe(&mut attributes);
        let shared = core.shared(&Facts::default(), &attributes, self.client.clone());
        self.identify(core, self.place_http(facts.shared(shared)), "")
    }

    /// Places an HTTP request that is no MCP message under the span that called it: the sender of the header is its caller.
    #[cfg(feature = "tower")]
    pub(super) fn place_http(&self, facts: MessageFacts) -> MessageFacts {
        let facts = facts.observed_by(self.observer);
        match http_parent(self.link.as_ref()) {
            Some(parent) => facts.parent(parent),
            None => facts,
        }
    }

    /// Adds who acts, as the extractors of the trail find.
    pub(super) fn identify(&self, core: &Core, facts: MessageFacts, method: &str) -> MessageFacts {
        facts.sent_by(core.chain(), &self.sender, method)
    }
}

/// The parent of an HTTP request: the span that is current, if the host has made one for the request, or the sender of the header.
/// A span of another trace than the sender's is not of the request.
#[cfg(feature = "tower")]
fn http_parent(sender: Option<&SpanContext>) -> Option<Context> {
    let current = Some(Context::current()).filter(Context::has_active_span);
    let is_of_sender =
        |current: &Context| sender.is_none_or(|sender| sender.trace_id() == current.span().span_context().trace_id());
    current.filter(is_of_sender).or_else(|| Some(Context::new().with_remote_span_context(sender?.clone())))
}
