//! What rules look at.

use crate::record::{Direction, EventName};

/// The facts of a call or an event that the rules of a policy look at. What is not known is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CallFacts<'a> {
    /// What is recorded. Rules do not name it; but what is no call, such as an authentication, is in no sample.
    pub event: Option<EventName>,
    /// The MCP method. If it is not known and there is a tool or a prompt, it is `tools/call` or `prompts/get`.
    pub method: Option<&'a str>,
    /// The tool of a `tools/call`.
    pub tool: Option<&'a str>,
    /// `readOnlyHint` of the tool.
    pub read_only: Option<bool>,
    /// `destructiveHint` of the tool.
    pub destructive: Option<bool>,
    /// `idempotentHint` of the tool.
    pub idempotent: Option<bool>,
    /// `openWorldHint` of the tool.
    pub open_world: Option<bool>,
    /// The prompt of a `prompts/get`.
    pub prompt: Option<&'a str>,
    /// The URI of a resource, as it is on the record.
    pub resource: Option<&'a str>,
    /// `audit.actor.id`.
    pub actor: Option<&'a str>,
    /// `auditrail.tenant.id`.
    pub tenant: Option<&'a str>,
    /// Which side asks.
    pub direction: Option<Direction>,
}

impl CallFacts<'_> {
    /// Whether the call is known to be a read: of a tool whose `readOnlyHint` is true, or by a method that MCP defines to read.
    #[must_use]
    pub fn is_read(&self) -> bool {
        match self.known_method() {
            Some(TOOLS_CALL) => self.read_only == Some(true),
            Some(method) => reads(method),
            None => false,
        }
    }

    /// Whether a default or a sample may leave it out, if it succeeds: only calls that read, so no authentication and no event
    /// of the user's code.
    pub(super) fn may_be_left_out(&self) -> bool {
        self.is_read() && self.event.is_none_or(EventName::has_halves)
    }

    /// The method, or that which a tool or prompt has.
    #[must_use]
    pub fn known_method(&self) -> Option<&str> {
        match (self.method, self.tool, self.prompt) {
            (Some(method), ..) => Some(method),
            (None, Some(_), _) => Some(TOOLS_CALL),
            (None, None, Some(_)) => Some(PROMPTS_GET),
            (None, None, None) => None,
        }
    }

    /// The facts as patterns see them: the method that is known, and a tool and its annotations only of a `tools/call`.
    pub(super) fn as_matched(&self) -> CallFacts<'_> {
        let method = self.known_method();
        let mut facts = CallFacts { method, ..*self };
        if method == Some(TOOLS_CALL) {
            facts.read_only = Some(self.read_only.unwrap_or(false));
            // What is read-only destroys nothing, unless it says so itself.
            facts.destructive = Some(self.destructive.unwrap_or(self.read_only != Some(true)));
            facts.idempotent = Some(self.idempotent.unwrap_or(false));
            facts.open_world = Some(self.open_world.unwrap_or(true));
        } else {
            facts.tool = None;
            facts.read_only = None;
            facts.destructive = None;
            facts.idempotent = None;
            facts.open_world = None;
        }
        if method != Some(PROMPTS_GET) {
            facts.prompt = None;
        }
        facts
    }
}

/// Whether a request of that method, other than `tools/call`, only reads.
pub(super) fn reads(method: &str) -> bool {
    READS.contains(&method)
}

pub(super) const TOOLS_CALL: &str = "tools/call";
pub(super) const PROMPTS_GET: &str = "prompts/get";
/// Requests that only read, by the specification of MCP. `tasks/result` is not here: it tells how a call ended.
const READS: [&str; 15] = [
    "completion/complete",
    "ping",
    "prompts/get",
    "prompts/list",
    "resources/directory/read",
    "resources/list",
    "resources/read",
    "resources/templates/list",
    "roots/list",
    "server/discover",
    "skills/get",
    "skills/list",
    "tasks/get",
    "tasks/list",
    "tools/list",
];
