//! What is known of an MCP message, whatever becomes of it: a call, a moment, or nothing but facts of its sender.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};

#[cfg(feature = "mcp")]
use super::content::Content;
use super::facts::Facts;
use super::observer::Observer;
use super::transport::Transport;
#[cfg(feature = "mcp")]
use crate::identity::Claimed;
use crate::identity::{Actor, CODE, Chain, PendingActor, Sender, Standing};
use crate::policy::cleaned;
use crate::record::names::Role;
use crate::record::{Attributes, Direction, Key, SpanIds, Value, names};

/// The facts of a message.
#[derive(Debug, Clone, Default)]
pub(crate) struct MessageFacts {
    pub(in crate::trail) attributes: Attributes,
    /// What it has in common with others, beside its own.
    pub(in crate::trail) shared: Option<Arc<Facts>>,
    pub(in crate::trail) parent: Option<Context>,
    pub(in crate::trail) links: Vec<SpanContext>,
    /// How well its actor is known.
    pub(in crate::trail) standing: Standing,
    /// The actor, if it may become known later. It is not among the attributes then.
    pub(in crate::trail) pending: Option<Box<PendingActor>>,
    /// The HTTP request of a call of the user's own, by which its actor is to be found.
    pub(in crate::trail) asked_of: Option<Arc<Sender>>,
    pub(in crate::trail) observer: Observer,
    /// What it is given, of which the record may say something.
    #[cfg(feature = "mcp")]
    pub(in crate::trail) arguments: Option<Arc<Content>>,
}

impl MessageFacts {
    /// The facts of a message of that method.
    pub(crate) fn of_method(method: impl Into<Cow<'static, str>>) -> Self {
        let mut facts = Self::default();
        facts.attributes.set(names::MCP_METHOD_NAME, method.into());
        facts
    }

    /// A fact of the contract, or of the user's own.
    pub(crate) fn attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        let key = key.into();
        let names_actor = key == names::AUDIT_ACTOR_ID;
        let is_set = set_fact(&mut self.attributes, key, value);
        if names_actor && is_set {
            let id = self.attributes.text(names::AUDIT_ACTOR_ID).unwrap_or_default();
            self.standing = Actor::asserted(id).standing();
        }
        self
    }

    pub(crate) fn direction(self, direction: Direction) -> Self {
        self.attribute(names::AUDITRAIL_MCP_DIRECTION, direction.as_str())
    }

    pub(crate) fn transport(mut self, transport: Transport) -> Self {
        transport.write(&mut self.attributes);
        self
    }

    pub(crate) fn tool(self, name: impl Into<String>) -> Self {
        self.attribute(names::GEN_AI_TOOL_NAME, name.into()).attribute(names::GEN_AI_OPERATION_NAME, "execute_tool")
    }

    pub(crate) fn prompt(self, name: impl Into<String>) -> Self {
        self.attribute(names::GEN_AI_PROMPT_NAME, name.into())
    }

    /// User information, query and fragment of the URI are left out.
    pub(crate) fn resource(self, uri: &str) -> Self {
        self.attribute(names::MCP_RESOURCE_URI, uri.to_owned())
    }

    pub(crate) fn actor(mut self, actor: Actor) -> Self {
        self.standing = actor.standing();
        actor.write(&mut self.attributes);
        self
    }

    /// Adds what the client claims. What a credential claims, which the actor has, counts more.
    #[cfg(feature = "mcp")]
    pub(crate) fn claimed(mut self, claimed: &Claimed) -> Self {
        claimed.clone().write(&mut self.attributes);
        self
    }

    /// Sets the server itself as the actor.
    #[cfg(feature = "mcp")]
    pub(crate) fn of_server(self, service: Actor) -> Self {
        Self { standing: Standing::Server, ..self.actor(service) }
    }

    /// Adds the actor that the extractors find, if they find one.
    pub(crate) fn sent_by(mut self, chain: &Chain, sender: &Arc<Sender>, method: &str) -> Self {
        let Some(found) = sender.actor(chain, method) else { return self };
        match PendingActor::of(&found, sender, method) {
            Some(pending) => self.pending = Some(Box::new(pending)),
            None => return self.actor(found),
        }
        self
    }

    /// Takes the actor as it is known now.
    #[cfg(feature = "mcp")]
    pub(in crate::trail) fn settled(mut self) -> Self {
        match self.pending.take() {
            Some(pending) => self.actor(pending.found),
            None => self,
        }
    }

    /// Sets whose point of view it is.
    pub(crate) fn observed_by(self, observer: Observer) -> Self {
        Self { observer, ..self }
    }

    pub(crate) fn parent(self, parent: Context) -> Self {
        Self { parent: Some(parent), ..self }
    }

    pub(crate) fn link(mut self, span: SpanContext) -> Self {
        self.links.push(span);
        self
    }

    /// The value of a string attribute.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.attributes.text(key).or_else(|| self.shared.as_ref()?.base.text(key))
    }

    /// The trace of the caller, or else that of what is related: what a record says that has no span.
    pub(in crate::trail) fn caller(&self) -> Option<SpanIds> {
        let parent = self.parent.as_ref().and_then(|parent| SpanIds::of_caller(parent.span().span_context()));
        parent.or_else(|| self.links.iter().find_map(SpanIds::of_caller))
    }

    /// The bytes that its attributes take.
    pub(in crate::trail) fn bytes(&self) -> usize {
        self.attributes.bytes() + self.shared.as_ref().map_or(0, |shared| shared.base.bytes())
    }
}

/// What only capture may say.
#[cfg(feature = "mcp")]
impl MessageFacts {
    /// An attribute that only capture sets.
    pub(crate) fn own(self, key: &'static str, value: impl Into<Value>) -> Self {
        self.own_some(key, Some(value))
    }

    /// An attribute that only capture sets, if its value is known.
    pub(crate) fn own_some(mut self, key: &'static str, value: Option<impl Into<Value>>) -> Self {
        self.attributes.set_some(key, value);
        self
    }

    /// A fact, if it is known.
    pub(crate) fn some(self, key: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.attribute(key, value),
            None => self,
        }
    }

    /// With its arguments, if records may say something of them.
    pub(crate) fn arguments(self, arguments: Option<Content>) -> Self {
        Self { arguments: arguments.map(Arc::new), ..self }
    }

    /// With facts that others have, too, none of which is among its own: they are held once for all.
    pub(crate) fn shared(self, facts: Arc<Facts>) -> Self {
        Self { shared: Some(facts), ..self }
    }

    /// With facts that others have, too, as far as it has none of its own: it holds them itself.
    pub(crate) fn own_shared(self, facts: &Arc<Facts>) -> Self {
        let rest = facts.but(&self.attributes);
        Self { shared: Some(Arc::new(rest)), ..self }
    }
}

/// Keys of a record are unique, so nobody may set those that the trail sets.
/// Returns whether it is set.
pub(super) fn set_fact(attributes: &mut Attributes, key: Key, value: impl Into<Value>) -> bool {
    if !is_fact(&key) {
        return false;
    }
    if key == names::AUDIT_ACTOR_ID {
        if attributes.text(names::AUDITRAIL_ACTOR_SOURCE).is_some_and(|source| source != CODE) {
            // An actor is replaced as a whole: the facts of one must not stand beside the id of another.
            return false;
        }
        attributes.set(names::AUDITRAIL_ACTOR_VERIFIED, false);
        attributes.set(names::AUDITRAIL_ACTOR_SOURCE, CODE);
    }
    let value = cleaned(&key, value.into());
    attributes.set(key, value);
    true
}

pub(in crate::trail) fn is_fact(key: &str) -> bool {
    // The event is a fact that a span may tell; here its type says it.
    // Content gets on a record by its redactor alone.
    key != names::AUDITRAIL_EVENT
        && !names::CONTENT.contains(&key)
        && names::attribute(key).is_none_or(|attribute| matches!(attribute.role, Role::Fact | Role::Content))
}
