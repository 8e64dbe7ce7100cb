//! The event names of audit records: a closed list, so that no tool name, id or other value can ever end up in one.

use std::fmt;
use std::str::FromStr;

macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What happened, as the record's `event_name`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum EventName { $($(#[$doc])* $variant,)* }

        impl EventName {
            /// Every event name.
            pub const ALL: &'static [EventName] = &[$(EventName::$variant,)*];

            /// The name as it stands in the record.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(EventName::$variant => $name,)* }
            }
        }
    };
}

events! {
    /// A `tools/call` request or its response.
    McpToolsCall = "auditrail.mcp.tools.call";
    /// A `resources/read` request or its response.
    McpResourcesRead = "auditrail.mcp.resources.read";
    /// A `prompts/get` request or its response.
    McpPromptsGet = "auditrail.mcp.prompts.get";
    /// Any other MCP request or its response.
    McpRequest = "auditrail.mcp.request";
    /// An MCP notification.
    McpNotification = "auditrail.mcp.notification";
    /// The start or end of an MCP session.
    McpSession = "auditrail.mcp.session";
    /// A tool's definition changed.
    McpToolDefinition = "auditrail.mcp.tool_definition";
    /// An HTTP request or its response.
    HttpRequest = "auditrail.http.request";
    /// Somebody was authenticated, or was not.
    Authn = "auditrail.authn";
    /// An authorization decision.
    Authz = "auditrail.authz";
    /// Somebody approved an action, or did not.
    Approval = "auditrail.approval";
    /// State was set, got, updated or deleted.
    Context = "auditrail.context";
    /// A compliance event.
    Compliance = "auditrail.compliance";
    /// A rule was violated.
    PolicyViolation = "auditrail.policy_violation";
    /// A limit of requests was reached.
    RateLimit = "auditrail.rate_limit";
    /// A token was used or exchanged.
    Token = "auditrail.token";
    /// An attack was suspected.
    Threat = "auditrail.threat";
    /// Data were made from other data.
    Lineage = "auditrail.lineage";
    /// A policy was loaded or changed.
    Policy = "auditrail.policy";
    /// A person's data were erased.
    Erasure = "auditrail.erasure";
    /// A retention rule was applied.
    Retention = "auditrail.retention";
    /// The trail started, stopped, was reconfigured or disabled.
    Lifecycle = "auditrail.lifecycle";
    /// Records were refused, shed, quarantined or lost.
    Gap = "auditrail.gap";
    /// A signed head of a stream.
    Checkpoint = "auditrail.checkpoint";
}

impl EventName {
    /// The event of an MCP request of that method.
    #[must_use]
    pub fn of_method(method: &str) -> Self {
        Self::of_method_bytes(method.as_bytes())
    }

    pub(crate) fn of_method_bytes(method: &[u8]) -> Self {
        match method {
            b"tools/call" => Self::McpToolsCall,
            b"resources/read" => Self::McpResourcesRead,
            b"prompts/get" => Self::McpPromptsGet,
            notification if notification.starts_with(b"notifications/") => Self::McpNotification,
            _ => Self::McpRequest,
        }
    }

    /// Whether the event is a call: two records, request and response, of something that takes time.
    #[must_use]
    pub const fn has_halves(self) -> bool {
        matches!(
            self,
            Self::McpToolsCall | Self::McpResourcesRead | Self::McpPromptsGet | Self::McpRequest | Self::HttpRequest
        )
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventName {
    type Err = UnknownEvent;

    fn from_str(name: &str) -> Result<Self, UnknownEvent> {
        Self::ALL.iter().copied().find(|event| event.as_str() == name).ok_or(UnknownEvent)
    }
}

/// The name is none of [`EventName::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an event name of auditrail; the names are listed by auditrail::record::EventName::ALL")]
pub struct UnknownEvent;
