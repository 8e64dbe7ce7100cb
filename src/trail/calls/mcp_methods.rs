//! The request methods of MCP.

/// Whether some revision of MCP has that method.
pub(crate) fn is_of_mcp(method: &str) -> bool {
    METHODS.contains(&method)
}

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
