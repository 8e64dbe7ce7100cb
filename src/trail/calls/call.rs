//! The description of a call before it begins.

use std::borrow::Cow;
use std::sync::Arc;

use http::{Extensions, HeaderMap};
use opentelemetry::Context;
use opentelemetry::trace::SpanContext;

use super::data_use::DataUse;
use super::hints::ToolHints;
use super::mapped::MappedFacts;
use super::message::MessageFacts;
use super::moment::Moment;
use super::observer::Observer;
use super::transport::Transport;
use super::treated::{RequestHalf, Treated};
use crate::identity::{Actor, Sender};
use crate::policy::TargetMap;
use crate::record::{ClockReading, Direction, EventName, Key, Value, names};

/// A call that is about to begin.
#[derive(Debug, Clone)]
pub struct Call {
    pub(in crate::trail) event: EventName,
    pub(in crate::trail) message: MessageFacts,
    /// When it began, if that was not now.
    pub(in crate::trail) begun: Option<ClockReading>,
    /// What the map of targets says of it, once it begins.
    pub(in crate::trail) mapped: Option<Arc<MappedFacts>>,
    hints: ToolHints,
    /// What the policy says of it, once it begins.
    pub(in crate::trail) treated: Option<Treated>,
}

impl Call {
    /// An MCP request with that method, received by a server.
    pub fn mcp(method: impl Into<Cow<'static, str>>) -> Self {
        Self::of_message(MessageFacts::of_method(method).direction(Direction::ClientToServer))
    }

    /// The call that takes the time of what a moment would say at its end.
    pub(crate) fn of_moment(method: &'static str, moment: Moment) -> Self {
        let mut call = Self::mcp(method);
        call.message.attributes.take_over(&moment.attributes, |_| true);
        Self { message: MessageFacts { parent: moment.context, ..call.message }, ..call }
    }

    /// The call that an MCP request is.
    pub(crate) fn of_message(message: MessageFacts) -> Self {
        let event = match message.text(names::MCP_METHOD_NAME).map(EventName::of_method) {
            Some(event) if event.has_halves() => event,
            // A request of a method that looks like a notification, or of none, is a request all the same.
            _ => EventName::McpRequest,
        };
        Self { event, message, begun: None, mapped: None, hints: ToolHints::default(), treated: None }
    }

    /// An HTTP request that carried no MCP message, or none that was read.
    #[cfg(feature = "tower")]
    pub(crate) fn http(message: MessageFacts) -> Self {
        Self {
            event: EventName::HttpRequest,
            message,
            begun: None,
            mapped: None,
            hints: ToolHints::default(),
            treated: None,
        }
    }

    /// When it began, if that was not now.
    #[cfg(feature = "mcp")]
    pub(crate) fn begun(self, begun: ClockReading) -> Self {
        Self { begun: Some(begun), ..self }
    }

    /// Which side sends the request.
    #[must_use]
    pub fn direction(self, direction: Direction) -> Self {
        self.with(|message| message.direction(direction))
    }

    /// How the message travels.
    #[must_use]
    pub fn transport(self, transport: Transport) -> Self {
        self.with(|message| message.transport(transport))
    }

    /// The tool of a `tools/call`.
    #[must_use]
    pub fn tool(self, name: impl Into<String>) -> Self {
        self.with(|message| message.tool(name))
    }

    /// The annotations of the tool, for the rules of a policy. A tool that is not known to be read-only counts as one that is not.
    #[must_use]
    pub fn hints(self, hints: ToolHints) -> Self {
        Self { hints, ..self }
    }

    /// The annotations of the tool as rules see them: where nobody says that the tool only reads, the map of targets may.
    pub(in crate::trail) fn known_hints(&self) -> ToolHints {
        let read_only = self.hints.read_only.or(self.is_read().then_some(true));
        ToolHints { read_only, ..self.hints }
    }

    /// Whether the policy leaves both of its records out, however it ends.
    pub(in crate::trail) fn is_left_out(&self) -> bool {
        self.treated.as_ref().is_some_and(|treated| treated.request_half() == RequestHalf::Suppressed)
    }

    /// The prompt of a `prompts/get`.
    #[must_use]
    pub fn prompt(self, name: impl Into<String>) -> Self {
        self.with(|message| message.prompt(name))
    }

    /// The resource of a `resources/read`, without user information, query and fragment of the URI.
    #[must_use]
    pub fn resource(self, uri: &str) -> Self {
        self.with(|message| message.resource(uri))
    }

    /// Who acts.
    #[must_use]
    pub fn actor(self, actor: Actor) -> Self {
        self.with(|message| message.actor(actor))
    }

    /// The HTTP request that carried it: the extractors of the trail find the actor, unless [`actor`](Self::actor) sets one.
    #[must_use]
    pub fn http_request(self, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let sender = Arc::new(Sender::kept(headers, extensions));
        self.with(|message| MessageFacts { asked_of: Some(sender), ..message })
    }

    /// Whose point of view the records are, `auditrail.observed_by`; by default that of the server.
    #[must_use]
    pub fn observed_by(self, observer: Observer) -> Self {
        self.with(|message| message.observed_by(observer))
    }

    /// Why, and under which rules, data are used.
    #[must_use]
    pub fn data_use(self, data: DataUse) -> Self {
        self.with(|mut message| {
            data.write(&mut message.attributes);
            message
        })
    }

    /// Any other attribute of the contract, or one of your own: whatever you set is exported. Ids, phases and outcomes belong to
    /// the trail; such a key is ignored.
    #[must_use]
    pub fn attribute(self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        self.with(|message| message.attribute(key, value))
    }

    /// The span of the caller, by trace context propagation. Without it the call is the root of its trace.
    #[must_use]
    pub fn parent(self, parent: Context) -> Self {
        self.with(|message| message.parent(parent))
    }

    /// A span that is related but not the caller's, such as that of the HTTP request.
    #[must_use]
    pub fn link(self, span: SpanContext) -> Self {
        self.with(|message| message.link(span))
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

    /// The actions that must be allowed for it, as the [map of targets](crate::trail::TrailBuilder::targets) says; none before it
    /// begins.
    #[must_use]
    pub fn required_actions(&self) -> &[String] {
        self.mapped.as_ref().map_or(&[], |mapped| &mapped.actions)
    }

    /// Whether it is known to be a read: all its [`required_actions`](Self::required_actions) are
    /// ([`TargetMap::is_read`](crate::policy::TargetMap::is_read)).
    #[must_use]
    pub fn is_read(&self) -> bool {
        TargetMap::is_read(self.required_actions())
    }

    /// The value of a string attribute.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.message.text(key)
    }

    /// With what that sets of its message.
    pub(crate) fn with(self, set: impl FnOnce(MessageFacts) -> MessageFacts) -> Self {
        Self { message: set(self.message), ..self }
    }
}
