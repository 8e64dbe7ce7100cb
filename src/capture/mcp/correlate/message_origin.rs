//! What the transport of a message says about it.

use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};

use super::garbage_rate::GarbageRate;
use crate::identity::Actor;
use crate::record::{Attributes, names};
use crate::trail::{Client, Core, Direction, MessageFacts, Sender, Transport};

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
    /// Requests of the client are held until they may run.
    pub(crate) is_held: bool,
    /// Who sends the messages of the client.
    pub(crate) sender: Arc<Sender>,
}

impl MessageOrigin {
    /// Standard input and output, of a proxy that holds calls back or not.
    #[cfg(feature = "internals")]
    pub fn of_stdio(is_held: bool) -> Self {
        Self { transport: Some(Transport::Stdio), is_held, ..Self::default() }
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

    /// Who acts, as the extractors of the trail find.
    pub(super) fn actor(&self, core: &Core, method: &str) -> Option<Actor> {
        self.sender.actor(core, method)
    }
}
