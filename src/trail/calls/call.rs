//! What capture knows before a call begins, and what a moment is.

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};

use std::sync::Arc;

use super::state::Facts;
use crate::policy::{Truncations, cleaned};
use crate::record::names::Role;
use crate::record::{Attributes, EventName, Key, Now, Outcome, RecordId, SpanIds, Status, Value, names};
use crate::trail::identity::{Actor, Client};

/// `auditrail.mcp.direction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The client asks the server.
    ClientToServer,
    /// The server asks its client: sampling, elicitation, roots.
    ServerToClient,
}

impl Direction {
    /// The other one: that of the answers.
    #[cfg(feature = "mcp")]
    pub(crate) const fn opposite(self) -> Self {
        match self {
            Self::ClientToServer => Self::ServerToClient,
            Self::ServerToClient => Self::ClientToServer,
        }
    }
}

/// `auditrail.mcp.transport`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Standard input and output of a child process.
    Stdio,
    /// Streamable HTTP.
    StreamableHttp,
}

impl Transport {
    pub(crate) fn write(self, attributes: &mut Attributes) {
        let (network, name) = match self {
            Self::Stdio => ("pipe", "stdio"),
            Self::StreamableHttp => ("tcp", "streamable_http"),
        };
        attributes.set(names::NETWORK_TRANSPORT, network);
        attributes.set(names::AUDITRAIL_MCP_TRANSPORT, name);
    }
}

/// A call that is about to begin.
#[derive(Debug, Clone)]
pub struct Call {
    pub(in crate::trail) event: EventName,
    pub(in crate::trail) attributes: Attributes,
    /// What it has in common with others, beside its own.
    pub(in crate::trail) shared: Option<Arc<Facts>>,
    pub(in crate::trail) parent: Option<Context>,
    pub(in crate::trail) links: Vec<SpanContext>,
    /// When it began, if that was not now.
    pub(in crate::trail) begun: Option<Now>,
}

impl Call {
    /// An MCP request of that method, received by a server.
    pub fn mcp(method: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        let method = method.into();
        let event = match EventName::of_method(&method) {
            // A request of a method that looks like a notification is a request all the same.
            event if event.has_halves() => event,
            _ => EventName::McpRequest,
        };
        let mut call = Self::of(event);
        call.attributes.set(names::MCP_METHOD_NAME, method);
        call.direction(Direction::ClientToServer)
    }

    fn of(event: EventName) -> Self {
        Self { event, attributes: Attributes::default(), shared: None, parent: None, links: Vec::new(), begun: None }
    }

    /// Which side asks.
    #[must_use]
    pub fn direction(self, direction: Direction) -> Self {
        let text = match direction {
            Direction::ClientToServer => "client_to_server",
            Direction::ServerToClient => "server_to_client",
        };
        self.attribute(names::AUDITRAIL_MCP_DIRECTION, text)
    }

    /// How the message travels.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        transport.write(&mut self.attributes);
        self
    }

    /// The tool of a `tools/call`.
    #[must_use]
    pub fn tool(self, name: impl Into<String>) -> Self {
        self.attribute(names::GEN_AI_TOOL_NAME, name.into()).attribute(names::GEN_AI_OPERATION_NAME, "execute_tool")
    }

    /// The prompt of a `prompts/get`.
    #[must_use]
    pub fn prompt(self, name: impl Into<String>) -> Self {
        self.attribute(names::GEN_AI_PROMPT_NAME, name.into())
    }

    /// The resource of a `resources/read`; user information, query and fragment of the URI are left out.
    #[must_use]
    pub fn resource(self, uri: &str) -> Self {
        self.attribute(names::MCP_RESOURCE_URI, uri.to_owned())
    }

    /// Who acts.
    #[must_use]
    pub fn actor(mut self, actor: Actor) -> Self {
        actor.write(&mut self.attributes);
        self
    }

    /// Any other attribute of the contract, or of your own: what you set leaves. Ids, halves and outcomes are the trail's
    /// own; such a key is ignored.
    #[must_use]
    pub fn attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        set_fact(&mut self.attributes, key.into(), value);
        self
    }

    /// The span of the caller, by trace context propagation. Without it the call is the root of its trace.
    #[must_use]
    pub fn parent(mut self, parent: Context) -> Self {
        self.parent = Some(parent);
        self
    }

    /// A span that is related but not the caller's, such as that of the HTTP request.
    #[must_use]
    pub fn link(mut self, span: SpanContext) -> Self {
        self.links.push(span);
        self
    }

    /// The trace of the caller, or else that of what is related: what a record says that has no span.
    pub(in crate::trail) fn caller(&self) -> Option<SpanIds> {
        let parent = self.parent.as_ref().and_then(|parent| SpanIds::of_caller(parent.span().span_context()));
        parent.or_else(|| self.links.iter().find_map(SpanIds::of_caller))
    }

    /// The MCP method.
    #[must_use]
    pub fn method(&self) -> Option<&str> {
        self.text(names::MCP_METHOD_NAME)
    }

    /// The tool or prompt.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.text(names::GEN_AI_TOOL_NAME).or_else(|| self.text(names::GEN_AI_PROMPT_NAME))
    }

    /// The value of a string attribute.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.attributes.text(key).or_else(|| self.shared.as_ref()?.base.text(key))
    }

    /// The bytes that its attributes take.
    pub(in crate::trail) fn bytes(&self) -> usize {
        self.attributes.bytes() + self.shared.as_ref().map_or(0, |shared| shared.base.bytes())
    }
}

/// Something without halves: one record, no phase.
#[derive(Debug, Clone)]
pub struct Moment {
    pub(in crate::trail) event: EventName,
    pub(in crate::trail) attributes: Attributes,
    /// Of attributes that were cut before.
    pub(in crate::trail) cuts: Truncations,
    pub(in crate::trail) outcome: Outcome,
    pub(in crate::trail) call_id: Option<RecordId>,
    pub(in crate::trail) context: Option<Context>,
    /// The trace of the caller, for what has no span.
    pub(in crate::trail) caller: Option<SpanIds>,
    /// Whose message it was.
    pub(in crate::trail) client: Option<Arc<Client>>,
    /// It tells of what is no message.
    pub(in crate::trail) is_garbage: bool,
}

impl Moment {
    /// A moment of that event; its outcome is `success` unless said otherwise.
    #[must_use]
    pub fn new(event: EventName) -> Self {
        Self {
            event,
            attributes: Attributes::default(),
            cuts: Truncations::default(),
            outcome: Outcome::status(Status::Success),
            call_id: None,
            context: None,
            caller: None,
            client: None,
            is_garbage: false,
        }
    }

    /// An attribute of the contract, or of your own: what you set leaves. Ids, halves and outcomes are the trail's own;
    /// such a key is ignored.
    #[must_use]
    pub fn attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        set_fact(&mut self.attributes, key.into(), value);
        self
    }

    /// Who acts.
    #[must_use]
    pub fn actor(mut self, actor: Actor) -> Self {
        actor.write(&mut self.attributes);
        self
    }

    /// How it ended.
    #[must_use]
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// The span that it belongs to, by its OTel context.
    #[must_use]
    pub fn within(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    pub(in crate::trail) fn ids(&self) -> Option<SpanIds> {
        self.context.as_ref().and_then(|context| SpanIds::of(context.span().span_context())).or(self.caller)
    }
}

/// Keys of a record are unique, so nobody may set those that the trail sets.
fn set_fact(attributes: &mut Attributes, key: Key, value: impl Into<Value>) {
    if is_fact(&key) {
        let value = cleaned(&key, value.into());
        attributes.set(key, value);
    }
}

pub(in crate::trail) fn is_fact(key: &str) -> bool {
    // The event is a fact that a span may tell; here its type says it.
    key != names::AUDITRAIL_EVENT
        && names::attribute(key).is_none_or(|attribute| matches!(attribute.role, Role::Fact | Role::Content))
}

#[cfg(feature = "mcp")]
impl Call {
    /// An HTTP request that carried no MCP message, or none that was read.
    pub(crate) fn http() -> Self {
        Self::of(EventName::HttpRequest)
    }

    /// The facts of something that is no MCP request.
    pub(crate) fn nameless() -> Self {
        Self::of(EventName::McpRequest)
    }

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

    /// With facts that others have, too, none of which is among its own: they are held once for all.
    pub(crate) fn shared(mut self, facts: Arc<Facts>) -> Self {
        self.shared = Some(facts);
        self
    }

    /// With facts that others have, too, as far as it has none of its own: it holds them itself.
    pub(crate) fn own_shared(mut self, facts: &Arc<Facts>) -> Self {
        let rest = facts.but(&self.attributes);
        self.shared = Some(Arc::new(rest));
        self
    }

    /// When it began, if that was not now.
    pub(crate) fn begun(mut self, begun: Now) -> Self {
        self.begun = Some(begun);
        self
    }
}

impl Moment {
    /// A moment with the facts of an MCP message that wants no answer.
    pub(crate) fn of_message(event: EventName, message: Call) -> Self {
        let caller = message.caller();
        let Call { mut attributes, shared, .. } = message;
        let (mut cuts, mut client) = (Truncations::default(), None);
        if let Some(shared) = shared {
            attributes.take_over(&shared.base, |_| true);
            cuts.take_over(&shared.cuts, |_| true);
            client.clone_from(&shared.client);
        }
        Self { attributes, cuts, caller, client, ..Self::new(event) }
    }
}

impl Moment {
    /// An attribute that only capture sets.
    #[cfg(feature = "mcp")]
    pub(crate) fn own(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.set(key, value.into());
        self
    }

    /// It tells of what is no message, and goes first where room is short.
    #[cfg(feature = "mcp")]
    pub(crate) fn of_garbage(self) -> Self {
        Self { is_garbage: true, ..self }
    }

    pub(crate) fn of(event: EventName, attributes: Attributes) -> Self {
        Self { attributes, ..Self::new(event) }
    }

    pub(crate) fn inside_call(mut self, call_id: Option<RecordId>) -> Self {
        self.call_id = call_id;
        self
    }

    pub(crate) fn maybe_within(mut self, context: Option<Context>) -> Self {
        self.context = context;
        self
    }

    /// Where it has no span.
    #[cfg(feature = "layer")]
    pub(crate) fn of_caller(mut self, caller: Option<SpanIds>) -> Self {
        self.caller = caller;
        self
    }
}
