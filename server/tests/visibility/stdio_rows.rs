//! The rows for stdio: what happens on the wire, and what is recorded of it.

/// One row of the page.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) event: &'static str,
    pub(crate) steps: Vec<Step>,
    /// What the wrapper alone records.
    pub(crate) wrapper: Vec<&'static str>,
    /// What the tap alone records.
    pub(crate) tap: Vec<&'static str>,
    /// What both together record.
    pub(crate) both: Vec<&'static str>,
    /// What the proxy records.
    pub(crate) proxy: Vec<&'static str>,
}

/// What the client does.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Opens a session of 2025-11-25.
    Handshake,
    Say(String),
    /// Waits for the next line.
    Hear,
    /// Answers what was heard last.
    Reply(&'static str),
    /// Waits until everything before was dealt with.
    Sync,
    /// Waits until a slow handler has begun.
    Begun,
    /// Lets a slow handler end.
    GoOn,
}

use Step::{Begun, GoOn, Handshake, Hear, Reply, Sync};

pub(crate) fn rows() -> Vec<Scene> {
    let mut rows = answered();
    rows.extend(before_a_session());
    rows.extend(without_session());
    rows.extend(malformed());
    rows.extend(unanswered());
    rows
}

fn answered() -> Vec<Scene> {
    vec![
        same("ok", vec![Handshake, tool("ok"), Hear], vec!["tools/call (ok): ok"]),
        same("`isError`", vec![Handshake, tool("fails"), Hear], vec!["tools/call (fails): tool_error"]),
        same(
            "JSON-RPC error",
            vec![Handshake, tool("breaks"), Hear],
            vec!["tools/call (breaks): jsonrpc_error -32603"],
        ),
        same(
            "unknown tool",
            vec![Handshake, tool("nowhere"), Hear],
            vec!["tools/call (nowhere): jsonrpc_error -32602"],
        ),
        same("bad arguments", vec![Handshake, tool("typed"), Hear], vec!["tools/call (typed): tool_error"]),
        same(
            "unknown method",
            vec![Handshake, request("weather/rain"), Hear],
            vec!["weather/rain: jsonrpc_error -32601"],
        ),
        same(
            "`tools/call` without params",
            vec![Handshake, request("tools/call"), Hear],
            vec!["tools/call: jsonrpc_error -32601"],
        ),
        Scene {
            event: "server→client sampling, elicitation, roots",
            steps: vec![
                Handshake,
                tool("asks"),
                Hear,
                Reply(r#"{"role":"assistant","model":"m","content":{"type":"text","text":"!"}}"#),
                Hear,
                Reply(r#"{"action":"decline"}"#),
                Hear,
                Reply(r#"{"roots":[]}"#),
                Hear,
            ],
            wrapper: vec!["tools/call (asks): ok"],
            tap: vec![
                "tools/call (asks): ok",
                "→client sampling/createMessage: ok",
                "→client elicitation/create: ok",
                "→client roots/list: ok",
            ],
            both: vec![
                "tools/call (asks): ok",
                "→client sampling/createMessage: ok",
                "→client elicitation/create: ok",
                "→client roots/list: ok",
            ],
            proxy: vec![
                "tools/call (asks): ok",
                "→client sampling/createMessage: ok",
                "→client elicitation/create: ok",
                "→client roots/list: ok",
            ],
        },
    ]
}

fn before_a_session() -> Vec<Scene> {
    vec![
        unseen("ping before `initialize`", vec![request("ping"), Hear], vec!["ping: ok"]),
        unseen(
            "`tools/list` before `initialize`",
            vec![request("tools/list"), Hear],
            vec!["tools/list: jsonrpc_error -32602"],
        ),
    ]
}

/// The revision without sessions: each request tells its version, client and capabilities.
fn without_session() -> Vec<Scene> {
    let (own, other) = (META.to_owned(), META.replace("2026-07-28", "2031-01-01"));
    vec![
        same(
            "2026-07-28: ok",
            vec![modern("tools/call", r#""name":"ok","arguments":{},"#, &own), Hear],
            vec!["tools/call (ok): ok"],
        ),
        unseen(
            "unsupported version",
            vec![modern("tools/list", "", &other), Hear],
            vec!["tools/list: jsonrpc_error -32022"],
        ),
        unseen("missing metadata", vec![request("tools/list"), Hear], vec!["tools/list: jsonrpc_error -32602"]),
        unseen(
            "`subscriptions/listen`, refused",
            vec![modern("subscriptions/listen", r#""notifications":{},"#, &own), Hear],
            vec!["subscriptions/listen: jsonrpc_error -32601"],
        ),
    ]
}

fn malformed() -> Vec<Scene> {
    vec![
        unseen(
            "malformed JSON (dropped)",
            vec![Handshake, say("{ nonsense"), Sync],
            vec!["auditrail.mcp.request: no_response unreadable"],
        ),
        unseen(
            "null id",
            vec![Handshake, say(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#), Hear],
            vec!["ping (null id): jsonrpc_error -32600"],
        ),
        Scene {
            event: "a call without an id (rmcp treats it as a notification and runs nothing)",
            steps: vec![
                Handshake,
                say(r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"ok","arguments":{}}}"#),
                Sync,
            ],
            wrapper: vec!["moment tools/call"],
            tap: vec!["tools/call (ok): no_response no_id"],
            both: vec!["tools/call (ok): no_response no_id"],
            proxy: vec!["tools/call (ok): no_response no_id"],
        },
        unseen(
            "fractional id",
            vec![Handshake, say(r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#), Hear],
            vec!["ping: jsonrpc_error -32600"],
        ),
        unseen(
            "batch",
            vec![
                Handshake,
                say(r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/list"}]"#),
                Hear,
            ],
            vec!["ping: jsonrpc_error -32600", "tools/list: jsonrpc_error -32600"],
        ),
        unseen(
            "line over 16 MiB (dropped)",
            vec![
                Handshake,
                say(&format!(
                    r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"ok","arguments":{{"x":"{}"}}}}}}"#,
                    "x".repeat(17 << 20)
                )),
                Sync,
            ],
            vec!["tools/call (ok): no_response disconnected"],
        ),
    ]
}

fn unanswered() -> Vec<Scene> {
    vec![
        Scene {
            event: "panic in a handler (no answer is ever sent)",
            steps: vec![Handshake, tool("panics"), Sync],
            wrapper: vec!["tools/call (panics): panic"],
            tap: vec!["tools/call (panics): no_response disconnected"],
            both: vec!["tools/call (panics): panic"],
            proxy: vec!["tools/call (panics): no_response disconnected"],
        },
        Scene {
            event: "`notifications/cancelled` (the handler runs on, its answer is dropped)",
            steps: vec![Handshake, tool("slow"), Begun, cancel(), Sync, GoOn, Sync],
            wrapper: vec!["tools/call (slow): cancelled", "moment notifications/cancelled"],
            tap: vec!["tools/call (slow): cancelled", "moment notifications/cancelled"],
            both: vec!["tools/call (slow): cancelled", "moment notifications/cancelled"],
            proxy: vec!["tools/call (slow): cancelled", "moment notifications/cancelled"],
        },
        Scene {
            event: "an id used by two open calls (one answer is dropped)",
            steps: vec![Handshake, tool("slow"), Begun, tool("ok"), Hear, GoOn, Sync],
            wrapper: vec!["tools/call (slow): ok", "tools/call (ok): ok"],
            // On the wire both are the same.
            tap: vec!["tools/call (slow): no detail ambiguous_id", "tools/call (ok): no detail ambiguous_id"],
            both: vec!["tools/call (slow): no detail ambiguous_id", "tools/call (ok): no detail ambiguous_id"],
            proxy: vec!["tools/call (slow): no detail ambiguous_id", "tools/call (ok): no detail ambiguous_id"],
        },
    ]
}

fn same(event: &'static str, steps: Vec<Step>, records: Vec<&'static str>) -> Scene {
    Scene { event, steps, wrapper: records.clone(), tap: records.clone(), both: records.clone(), proxy: records }
}

/// What no handler ever hears of.
fn unseen(event: &'static str, steps: Vec<Step>, tap: Vec<&'static str>) -> Scene {
    Scene { event, steps, wrapper: Vec::new(), both: tap.clone(), proxy: tap.clone(), tap }
}

fn say(line: &str) -> Step {
    Step::Say(line.to_owned())
}

fn tool(name: &str) -> Step {
    say(&format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}","arguments":{{}}}}}}"#))
}

fn request(method: &str) -> Step {
    say(&format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}"}}"#))
}

fn modern(method: &str, params: &str, meta: &str) -> Step {
    say(&format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{{{params}"_meta":{meta}}}}}"#))
}

fn cancel() -> Step {
    say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#)
}

const META: &str = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
