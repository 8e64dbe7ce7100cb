//! What happens between the clients and the server, request by request, in the order in which they are asked.

use serde_json::{Value, json};

use crate::run::{Client, Mode, Run, Server, Transport};

/// A request and how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) to: To,
    pub(crate) method: String,
    /// Empty for what is no tool.
    pub(crate) tool: String,
    /// `auditrail.outcome.detail`.
    pub(crate) end: String,
    /// Of a JSON-RPC error.
    pub(crate) code: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Server,
    Client,
}

impl Call {
    fn new(to: To, method: &str, tool: &str, end: &str) -> Self {
        Self { to, method: method.into(), tool: tool.into(), end: end.into(), code: String::new() }
    }

    fn to_server(method: &str, end: &str) -> Self {
        Self::new(To::Server, method, "", end)
    }

    fn of_tool(tool: &str, end: &str) -> Self {
        Self::new(To::Server, "tools/call", tool, end)
    }

    fn to_client(method: &str, end: &str) -> Self {
        Self::new(To::Client, method, "", end)
    }

    fn code(self, code: i64) -> Self {
        Self { code: code.to_string(), ..self }
    }
}

impl Run {
    /// All requests.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let mut calls = vec![match self.mode {
            Mode::Legacy => Call::to_server("initialize", "ok"),
            Mode::Auto => Call::to_server("server/discover", "ok"),
        }];
        calls.push(Call::to_server("tools/list", "ok"));
        calls.extend(self.asking("sample", &[SAMPLING]));
        calls.extend(self.refused_sampling());
        calls.extend(self.asking("elicit", &[ELICITATION]));
        calls.extend(self.asking("roots", &["roots/list"]));
        calls.extend(self.asking("rounds", &[ELICITATION, ELICITATION]));
        calls.extend([
            Call::of_tool("count", "ok"),
            Call::of_tool("enough", "ok"),
            Call::of_tool("wait", "cancelled"),
            Call::of_tool("wait", self.end_of_time()),
            Call::of_tool("echo", "ok"),
            Call::of_tool("fail", "tool_error"),
            self.failing("refuse", -32603),
            self.failing("no_such_tool", -32602),
            Call::of_tool("echo", "ok"),
        ]);
        calls
    }

    /// The methods of all notifications, sorted.
    pub(crate) fn notifications(&self) -> Vec<&'static str> {
        let opening = if self.mode == Mode::Legacy { vec!["notifications/initialized"] } else { vec![] };
        let cancelled = if self.close_cancels() { vec![] } else { vec!["notifications/cancelled"; 2] };
        // Five of `count`, and one of each `wait`.
        [cancelled, opening, vec!["notifications/progress"; 7]].concat()
    }

    /// Since 2026-07-28 clients over HTTP cancel by closing the response, and so they cannot say why.
    pub(crate) fn close_cancels(&self) -> bool {
        self.mode == Mode::Auto && self.transport != Transport::Stdio
    }

    /// A tool that asks: by requests of its server, or by its results, each of which is one call.
    fn asking(&self, tool: &str, methods: &[&str]) -> Vec<Call> {
        let done = Call::of_tool(tool, "ok");
        match self.mode {
            Mode::Legacy => {
                let asked = methods.iter().map(|method| Call::to_client(method, "ok"));
                std::iter::once(done).chain(asked).collect()
            }
            Mode::Auto => {
                let asked = methods.iter().map(|_| Call::of_tool(tool, "input_required"));
                asked.chain([done]).collect()
            }
        }
    }

    /// The client does not answer: by an error, or by not coming back.
    fn refused_sampling(&self) -> Vec<Call> {
        let code = if self.client == Client::Python { -1 } else { -32603 };
        match self.mode {
            Mode::Legacy => {
                let refused = Call::to_client(SAMPLING, "jsonrpc_error").code(code);
                vec![Call::of_tool("sample", "tool_error"), refused]
            }
            Mode::Auto => vec![Call::of_tool("sample", "input_required")],
        }
    }

    /// What FastMCP finds wrong with a call of a tool is, for its clients, a tool that failed.
    fn failing(&self, tool: &str, code: i64) -> Call {
        match self.server {
            Server::Rmcp => Call::of_tool(tool, "jsonrpc_error").code(code),
            Server::FastMcp => Call::of_tool(tool, "tool_error"),
        }
    }

    fn end_of_time(&self) -> &'static str {
        if self.close_cancels() { "cancelled" } else { "timeout" }
    }
}

/// The client has seen what the story is about: else it would prove little that it sees the same of an audited server.
pub(crate) fn is_told_by(run: &Run, printed: &[Value]) {
    let steps: Vec<_> = printed.iter().map(|line| line["step"].as_str().unwrap()).collect();
    assert_eq!(steps, STEPS, "{run:?}");
    let of = |step: &str| &printed[STEPS.iter().position(|name| *name == step).unwrap()];
    for (step, asked) in [
        ("sample", json!([SAMPLING])),
        ("sample refused", json!([SAMPLING])),
        ("elicit", json!([ELICITATION])),
        ("roots", json!(["roots/list"])),
        ("rounds", json!([ELICITATION, ELICITATION])),
    ] {
        let methods: Vec<_> = of(step)["asked"].as_array().unwrap().iter().map(|asked| &asked["method"]).collect();
        assert_eq!(json!(methods), asked, "{run:?}: {step}");
    }
    for step in ["sample", "elicit", "roots", "rounds", "after all"] {
        assert_eq!(of(step)["result"]["isError"], false, "{run:?}: {step}");
    }
    for (step, count) in [("count", 5), ("cancelled", 1), ("timed out", 1)] {
        assert_eq!(of(step)["progress"].as_array().unwrap().len(), count, "{run:?}: {step}");
    }
    let echo = &of("echo")["result"];
    assert!(echo["bytes"].as_u64().unwrap() >= 3 << 20 && echo["same"] == true, "{run:?}: {echo}");
    assert_eq!(of("fail")["result"]["isError"], true, "{run:?}");
    assert!(of("timed out")["error"].is_object(), "{run:?}");
    for step in ["refuse", "unknown"] {
        let is_refused = match run.server {
            Server::Rmcp => of(step)["error"].is_object(),
            Server::FastMcp => of(step)["result"]["isError"] == true,
        };
        assert!(is_refused, "{run:?}: {step}");
    }
}

const STEPS: [&str; 15] = [
    "connected",
    "tools",
    "sample",
    "sample refused",
    "elicit",
    "roots",
    "rounds",
    "count",
    "cancelled",
    "timed out",
    "echo",
    "fail",
    "refuse",
    "unknown",
    "after all",
];
const SAMPLING: &str = "sampling/createMessage";
const ELICITATION: &str = "elicitation/create";
