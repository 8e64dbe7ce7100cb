//! The rows over HTTP: what happens, and what is recorded of it.

use std::pin::Pin;

use reqwest::Method;

use crate::http::{Client, all, message};

/// One row of the page.
pub(crate) struct Scene {
    pub(crate) event: &'static str,
    pub(crate) play: fn(Client) -> Pin<Box<dyn Future<Output = ()> + Send>>,
    /// What the wrapper alone records.
    pub(crate) wrapper: &'static [&'static str],
    /// What the tap records alone.
    pub(crate) tap: &'static [&'static str],
    /// What both record together.
    pub(crate) both: &'static [&'static str],
    /// What the proxy records.
    pub(crate) proxy: &'static [&'static str],
}

macro_rules! scene {
    ($event:literal, |$client:ident| $play:block, wrapper: $wrapper:expr, tap: $tap:expr, proxy: $proxy:expr) => {
        Scene { proxy: &$proxy, ..scene!($event, |$client| $play, wrapper: $wrapper, tap: $tap, both: $tap) }
    };
    ($event:literal, |$client:ident| $play:block, wrapper: $wrapper:expr, tap: $tap:expr) => {
        scene!($event, |$client| $play, wrapper: $wrapper, tap: $tap, both: $tap, proxy: $tap)
    };
    ($event:literal, |$client:ident| $play:block, wrapper: $wrapper:expr, tap: $tap:expr, proxy: $proxy:expr) => {
        scene!($event, |$client| $play, wrapper: $wrapper, tap: $tap, both: $tap, proxy: $proxy)
    };
    ($event:literal, |$client:ident| $play:block, wrapper: $wrapper:expr, tap: $tap:expr, both: $both:expr) => {
        scene!($event, |$client| $play, wrapper: $wrapper, tap: $tap, both: $both, proxy: $tap)
    };
    (
        $event:literal, |$client:ident| $play:block,
        wrapper: $wrapper:expr, tap: $tap:expr, both: $both:expr, proxy: $proxy:expr
    ) => {
        Scene { event: $event, play: |$client| Box::pin(async move $play), wrapper: &$wrapper, tap: &$tap, both: &$both, proxy: &$proxy }
    };
}

pub(crate) fn rows() -> Vec<Scene> {
    let mut rows = answered();
    rows.extend(refused());
    rows.extend(unread());
    rows.extend(broken_off());
    rows
}

fn answered() -> Vec<Scene> {
    vec![
        scene!("ok, in a session", |client| {
            client.handshake().await;
            assert_eq!(all(client.post(&tool("ok")).send().await.unwrap()).await.0, 200);
        }, wrapper: ["tools/call (ok): ok"], tap: ["tools/call (ok): ok"]),
        scene!("ok, without sessions (2026-07-28)", |client| {
            let ok = client.modern("tools/call", r#""name":"ok","arguments":{}"#).header("mcp-name", "ok");
            assert_eq!(all(ok.send().await.unwrap()).await.0, 200);
        }, wrapper: ["tools/call (ok): ok"], tap: ["tools/call (ok): ok"]),
        scene!("`isError`", |client| {
            client.handshake().await;
            all(client.post(&tool("fails")).send().await.unwrap()).await;
        }, wrapper: ["tools/call (fails): tool_error"], tap: ["tools/call (fails): tool_error"]),
        scene!("unknown method", |client| {
            client.handshake().await;
            all(client.post(r#"{"jsonrpc":"2.0","id":7,"method":"weather/rain"}"#).send().await.unwrap()).await;
        }, wrapper: ["weather/rain: jsonrpc_error -32601"], tap: ["weather/rain: jsonrpc_error -32601"]),
        scene!("server→client sampling, elicitation, roots", |client| {
            client.handshake().await;
            let mut asking = client.post(&tool("asks")).send().await.unwrap();
            let mut buffer = String::new();
            for result in [
                r#"{"role":"assistant","model":"m","content":{"type":"text","text":"!"}}"#,
                r#"{"action":"decline"}"#,
                r#"{"roots":[]}"#,
            ] {
                let id = message(&mut asking, &mut buffer).await["id"].clone();
                let answer = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
                assert_eq!(all(client.post(&answer).send().await.unwrap()).await.0, 202);
            }
            message(&mut asking, &mut buffer).await;
        }, wrapper: ["tools/call (asks): ok"], tap: [
            "tools/call (asks): ok",
            "→client sampling/createMessage: ok",
            "→client elicitation/create: ok",
            "→client roots/list: ok",
        ]),
    ]
}

fn refused() -> Vec<Scene> {
    vec![
        scene!("header mismatch (400)", |client| {
            let ok = client.modern("tools/call", r#""name":"ok","arguments":{}"#).header("mcp-name", "other");
            assert_eq!(all(ok.send().await.unwrap()).await.0, 400);
        }, wrapper: [], tap: ["tools/call (ok): jsonrpc_error -32020"]),
        scene!("unsupported version (400)", |client| {
            let body = r#"{"jsonrpc":"2.0","id":7,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2031-01-01","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#;
            let list = client.post(body).header("mcp-protocol-version", "2031-01-01").header("mcp-method", "tools/list");
            assert_eq!(all(list.send().await.unwrap()).await.0, 400);
        }, wrapper: [], tap: ["tools/list: jsonrpc_error -32022"]),
        scene!("`subscriptions/listen` refused (404)", |client| {
            let listen = client.modern("subscriptions/listen", r#""notifications":{"toolsListChanged":true}"#);
            assert_eq!(all(listen.send().await.unwrap()).await.0, 404);
        }, wrapper: [], tap: ["subscriptions/listen: jsonrpc_error -32601"]),
        scene!("malformed JSON (415, plain text)", |client| {
            assert_eq!(all(client.post("{ nonsense").send().await.unwrap()).await.0, 415);
        }, wrapper: [], tap: ["auditrail.http.request: http_error"]),
        scene!("batch (415, plain text)", |client| {
            let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/list"}]"#;
            assert_eq!(all(client.post(batch).send().await.unwrap()).await.0, 415);
        }, wrapper: [], tap: ["ping: http_error", "tools/list: http_error"]),
        scene!("a call in an unknown session (404)", |client| {
            let call = client.post(&tool("ok")).header("mcp-session-id", "made-up");
            assert_eq!(all(call.send().await.unwrap()).await.0, 404);
        }, wrapper: [], tap: ["tools/call (ok): http_error"]),
        scene!("a call without a session (400)", |client| {
            assert_eq!(all(client.post(&tool("ok")).send().await.unwrap()).await.0, 400);
        }, wrapper: [], tap: ["tools/call (ok): http_error"]),
    ]
}

/// The server refuses these without a look at their bodies, which the proxy has sent it all the same.
fn unread() -> Vec<Scene> {
    vec![
        scene!("bad `Accept` (406)", |client| {
            let call = client.request(Method::POST).header("content-type", "application/json").body(tool("ok"));
            assert_eq!(all(call.send().await.unwrap()).await.0, 406);
        }, wrapper: [], tap: ["auditrail.http.request: http_error"], proxy: ["tools/call (ok): http_error"]),
        scene!("bad `Content-Type` (415)", |client| {
            let call = client.request(Method::POST).header("accept", "application/json, text/event-stream");
            let call = call.header("content-type", "text/plain").body(tool("ok"));
            assert_eq!(all(call.send().await.unwrap()).await.0, 415);
        }, wrapper: [], tap: ["auditrail.http.request: http_error"], proxy: ["tools/call (ok): http_error"]),
        scene!("bad `Host` (403)", |client| {
            assert_eq!(all(client.post(&tool("ok")).header("host", "evil.example").send().await.unwrap()).await.0, 403);
        }, wrapper: [], tap: ["auditrail.http.request: denied http_error", FORBIDDEN], proxy: ["tools/call (ok): denied http_error", FORBIDDEN]),
        scene!("bad `Origin` (403)", |client| {
            let call = client.post(&tool("ok")).header("origin", "http://evil.example");
            assert_eq!(all(call.send().await.unwrap()).await.0, 403);
        }, wrapper: [], tap: ["auditrail.http.request: denied http_error", FORBIDDEN], proxy: ["tools/call (ok): denied http_error", FORBIDDEN]),
        scene!("GET of an unknown session (404)", |client| {
            let get = client.request(Method::GET).header("accept", "text/event-stream");
            assert_eq!(all(get.header("mcp-session-id", "made-up").send().await.unwrap()).await.0, 404);
        }, wrapper: [], tap: ["auditrail.http.request: http_error"]),
        scene!("body over 4 MiB (413)", |client| {
            let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ping","params":{{"x":"{}"}}}}"#, "x".repeat(5 << 20));
            // The server may close the connection while the client still sends; then the proxy may have no answer, either.
            if let Ok(response) = client.post(&body).send().await {
                assert!([413, 502].contains(&response.status().as_u16()), "{response:?}");
            }
        }, wrapper: [], tap: ["ping: http_error"]),
        scene!("GET and DELETE, successful", |client| {
            client.handshake().await;
            let get = client.request(Method::GET).header("accept", "text/event-stream").send().await.unwrap();
            assert_eq!(get.status(), 200);
            assert_eq!(all(client.request(Method::DELETE).send().await.unwrap()).await.0, 202);
        }, wrapper: [], tap: []),
    ]
}

fn broken_off() -> Vec<Scene> {
    vec![
        scene!("the client disconnects, in a session, and fetches the answer later", |client| {
            client.handshake().await;
            let mut response = client.post(&tool("slow")).send().await.unwrap();
            let priming = response.chunk().await.unwrap().unwrap();
            let priming = String::from_utf8(priming.to_vec()).unwrap();
            let id = priming.lines().find_map(|line| line.strip_prefix("id:")).unwrap().trim().to_owned();
            client.stage.begun.notified().await;
            drop(response);
            // rmcp forgets an answer once it was sent, if to nobody.
            let get = client.request(Method::GET).header("accept", "text/event-stream");
            let mut resumed = get.header("last-event-id", id).send().await.unwrap();
            client.stage.go_on.notify_one();
            message(&mut resumed, &mut String::new()).await;
        }, wrapper: ["tools/call (slow): ok"], tap: ["tools/call (slow): ok"]),
        scene!("the client disconnects, in a session, and does not return", |client| {
            client.handshake().await;
            let response = client.post(&tool("slow")).send().await.unwrap();
            client.stage.begun.notified().await;
            drop(response);
            assert_eq!(all(client.request(Method::DELETE).send().await.unwrap()).await.0, 202);
                client.stage.cancelled.notified().await;
                client.stage.go_on.notify_one();
        }, wrapper: ["tools/call (slow): cancelled"], tap: ["tools/call (slow): no_response disconnected"]),
        scene!("the client disconnects, without sessions (which cancels the call)", |client| {
            let slow = client.modern("tools/call", r#""name":"slow","arguments":{}"#).header("mcp-name", "slow").send();
            let slow = tokio::spawn(slow);
            client.stage.begun.notified().await;
            slow.abort();
            drop(slow.await);
            client.stage.cancelled.notified().await;
        }, wrapper: ["tools/call (slow): cancelled"], tap: ["tools/call (slow): cancelled"]),
        scene!("`notifications/cancelled` in another request", |client| {
            client.handshake().await;
            let slow = client.post(&tool("slow")).send().await.unwrap();
            client.stage.begun.notified().await;
            let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
            assert_eq!(all(client.post(cancel).send().await.unwrap()).await.0, 202);
            // It is taken before it is heeded.
            client.stage.cancelled.notified().await;
            client.stage.go_on.notify_one();
            all(client.post(&next_ok()).send().await.unwrap()).await;
            drop(slow);
        }, wrapper: ["tools/call (slow): cancelled", "moment notifications/cancelled", "tools/call (ok): ok"],
           tap: ["tools/call (slow): cancelled", "moment notifications/cancelled", "tools/call (ok): ok"]),
        scene!("panic in a handler (no answer is ever sent)", |client| {
            client.handshake().await;
            let panics = client.post(&tool("panics")).send().await.unwrap();
            client.stage.begun.notified().await;
            all(client.post(&next_ok()).send().await.unwrap()).await;
            drop(panics);
            assert_eq!(all(client.request(Method::DELETE).send().await.unwrap()).await.0, 202);
        }, wrapper: ["tools/call (panics): panic", "tools/call (ok): ok"],
           tap: ["tools/call (panics): no_response disconnected", "tools/call (ok): ok"],
           both: ["tools/call (panics): panic", "tools/call (ok): ok"]),
    ]
}

fn tool(name: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{name}","arguments":{{}}}}}}"#)
}

/// A call behind another one, of which the server may still say something.
fn next_ok() -> String {
    tool("ok").replace(r#""id":7"#, r#""id":8"#)
}

/// The record of the decision.
const FORBIDDEN: &str = "decision deny forbidden";
