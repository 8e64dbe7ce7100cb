//! Both eras of MCP with tokens: clients of 2025-11-25 have sessions, those of 2026-07-28 have none. In either, each request has
//! the actor of its own token; a session lends its actor to nobody.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use auditrail::identity::jwt::{JwtExtractor, JwtIssuer};
use auditrail::record::{Record, Value, names};
use auditrail_server::proxy::http::HttpSettings;
use reqwest::{Method, Response};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolRequestParams, CallToolResult, ClientConfig, ContentBlock, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, RequestContext, serve_client_with_lifecycle};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{RoleServer, ServerHandler, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::oauth::{SigningKey, Token};
use crate::rig::{Proxy, reverse, within};
use crate::support::Bench;

const ISSUER: &str = "https://login.example";
const AUDIENCE: &str = "https://mcp.example/mcp";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_both_eras_are_who_their_tokens_say() {
    let setup = Setup::start().await;
    let discover = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    for (person, lifecycle) in [("ada", ClientLifecycleMode::Initialize), ("grace", discover)] {
        let config = StreamableHttpClientTransportConfig::with_uri(setup.url()).auth_header(setup.token(person));
        let transport = StreamableHttpClientTransport::from_config(config);
        let client = serve_client_with_lifecycle(ClientConfig::default(), transport, lifecycle).await.unwrap();
        let text = json!({ "text": person }).as_object().unwrap().clone();
        let call = CallToolRequestParams::new("echo").with_arguments(text);
        within(client.call_tool(call)).await.unwrap();
        within(client.cancel()).await.unwrap();
    }
    let records = setup.proxy.records().await;
    let of = |version: &str| {
        let is_of = |record: &&Record| record.text(names::MCP_PROTOCOL_VERSION) == Some(version);
        let calls = records.iter().filter(is_of).filter(|record| record.event_name == "auditrail.mcp.tools.call");
        calls.map(|record| (who(record), record.text(names::MCP_SESSION_ID).is_some())).collect::<Vec<_>>()
    };
    assert_eq!(of("2026-07-28"), [(verified("grace"), false), (verified("grace"), false)]);
    let legacy: Vec<_> = ["2025-06-18", "2025-11-25"].into_iter().flat_map(of).collect();
    assert_eq!(legacy, [(verified("ada"), true), (verified("ada"), true)]);
    // Whatever else they asked, they asked it themselves.
    assert!(records.iter().all(|record| [verified("ada"), verified("grace")].contains(&who(record))), "{records:#?}");
}

/// 2025-11-25: whoever comes with the id of Ada's session is recorded as who it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_lends_its_actor_to_no_other_token() {
    let setup = Setup::start().await;
    let ada = setup.token("ada");
    let begun = setup.send(Method::POST, Some(&ada), None, Some(INITIALIZE)).await;
    let session = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    begun.text().await.unwrap();
    let send = async |token: Option<&str>, body: &str| {
        let answer = setup.send(Method::POST, token, Some(&session), Some(body)).await;
        assert!(answer.status().is_success(), "the server asks nobody who he is: {}", answer.status());
        answer.text().await.unwrap()
    };
    send(Some(&ada), r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    let renewed = setup.sign(setup.claims("ada").claim("jti", "another"));
    let expired = setup.sign(setup.claims("bob").expired());
    let forged = setup.claims("ada").signed_by(&SigningKey::ed25519("key"));
    for (id, token) in [
        (2, Some(&ada)),
        (3, Some(&setup.token("mallory"))),
        (4, Some(&expired)),
        (5, Some(&forged)),
        (6, None),
        (7, Some(&renewed)),
    ] {
        send(token.map(String::as_str), &echo(id)).await;
    }
    // Mallory ends Ada's call, asks for the tools, and ends the session.
    let mallory = setup.token("mallory");
    let holding = call(8, "hold", "");
    let held = setup.send(Method::POST, Some(&ada), Some(&session), Some(&holding));
    let cancel = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":8}}"#;
    let ((), _) = within(async {
        tokio::join!(
            async {
                setup.held.notified().await;
                send(Some(&mallory), cancel).await;
                send(Some(&mallory), r#"{"jsonrpc":"2.0","id":9,"method":"tools/list"}"#).await;
                let ended = setup.send(Method::DELETE, Some(&mallory), Some(&session), None).await;
                assert!(ended.status().is_success(), "{}", ended.status());
            },
            async { drop(held.await.text().await) }
        )
    })
    .await;
    let records = setup.proxy.records().await;
    let mut calls = BTreeMap::<_, Vec<_>>::new();
    for record in records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE).is_some()) {
        assert_eq!(record.text(names::MCP_SESSION_ID).is_some(), record.text(names::JSONRPC_REQUEST_ID) != Some("1"));
        calls.entry(record.text(names::JSONRPC_REQUEST_ID).unwrap()).or_default().push(who(record));
    }
    let twice = |who: Who| vec![who.clone(), who];
    let expected = BTreeMap::from([
        ("1", twice(verified("ada"))),
        ("2", twice(verified("ada"))),
        ("3", twice(verified("mallory"))),
        ("4", twice(("bob".into(), false, Some("expired".into()), None))),
        ("5", twice(("anonymous".into(), false, Some("signature".into()), Some("ada".into())))),
        ("6", twice(("anonymous".into(), false, None, None))),
        ("7", twice(verified("ada"))),
        ("8", twice(verified("ada"))),
        ("9", twice(verified("mallory"))),
    ]);
    assert_eq!(calls, expected);
    let moments = records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE).is_none());
    let moments: Vec<_> = moments
        .map(|record| {
            let what = [names::MCP_METHOD_NAME, names::AUDITRAIL_MCP_SESSION_STATE, names::GEN_AI_TOOL_NAME];
            (what.into_iter().find_map(|name| record.text(name)).unwrap_or("-"), who(record).0)
        })
        .collect();
    for expected in [
        ("start", "ada"),
        ("notifications/initialized", "ada"),
        ("notifications/cancelled", "mallory"),
        ("echo", "mallory"),
        ("end", "mallory"),
    ] {
        assert!(moments.iter().any(|(what, who)| (*what, who.as_str()) == expected), "{expected:?}: {moments:#?}");
    }
}

/// 2026-07-28: two people on one connection, in turn and at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_sessions_requests_of_one_connection_have_their_own_actors() {
    let setup = Setup::start().await;
    let tokens = ["ada", "mallory"].map(|person| setup.token(person));
    for _ in 0..3 {
        let both = tokens.each_ref().map(|token| setup.modern(token));
        for answer in within(futures(both)).await {
            assert!(answer.contains("fine"), "{answer}");
        }
    }
    let records = setup.proxy.records().await;
    let mut counts = BTreeMap::new();
    for record in &records {
        assert_eq!(record.text(names::MCP_SESSION_ID), None);
        // What a call says is what its actor says of himself.
        assert_eq!(record.text(names::AUDITRAIL_CLIENT_NAME), Some(format!("client of {}", who(record).0).as_str()));
        *counts.entry(who(record)).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from([(verified("ada"), 6), (verified("mallory"), 6)]));
}

/// An rmcp server that asks nobody who he is, behind the proxy, which does.
struct Setup {
    proxy: Proxy,
    key: SigningKey,
    held: Arc<Notify>,
    http: reqwest::Client,
    _files: TempDir,
}

impl Setup {
    async fn start() -> Self {
        let (key, files, held) = (SigningKey::ed25519("key"), tempfile::tempdir().unwrap(), Arc::<Notify>::default());
        let jwks = files.path().join("keys.json");
        std::fs::write(&jwks, json!({ "keys": [key.jwk()] }).to_string()).unwrap();
        let extractor = JwtExtractor::new([JwtIssuer::with_jwks_file(ISSUER, jwks).audience(AUDIENCE)]).unwrap();
        let bench = Arc::new(Bench::with(|builder| builder.identify(extractor)));
        let settings: HttpSettings = reverse(server(held.clone()).await);
        let proxy = Proxy::with(bench, settings).await;
        Self { proxy, key, held, http: reqwest::Client::builder().no_proxy().build().unwrap(), _files: files }
    }

    fn url(&self) -> String {
        format!("http://{}/mcp", self.proxy.address)
    }

    fn token(&self, person: &str) -> String {
        self.sign(self.claims(person))
    }

    fn claims(&self, person: &str) -> Token {
        Token::of(ISSUER, person).audience(AUDIENCE)
    }

    fn sign(&self, token: Token) -> String {
        token.signed_by(&self.key)
    }

    async fn send(&self, method: Method, token: Option<&str>, session: Option<&str>, body: Option<&str>) -> Response {
        let mut request = self.http.request(method, self.url()).header("accept", "application/json, text/event-stream");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(session) = session {
            request = request.header("mcp-session-id", session).header("mcp-protocol-version", "2025-11-25");
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_owned());
        }
        within(request.send()).await.unwrap()
    }

    /// A call of 2026-07-28, by a client that says whose it is.
    async fn modern(&self, token: &str) -> String {
        let person = if *token == self.token("ada") { "ada" } else { "mallory" };
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": format!("client of {person}"), "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({ "name": "echo", "arguments": { "text": "fine" }, "_meta": meta });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let request = self.http.post(self.url()).bearer_auth(token).header("mcp-protocol-version", "2026-07-28");
        let request = request.header("mcp-method", "tools/call").header("mcp-name", "echo");
        let request = request.header("accept", "application/json, text/event-stream");
        let request = request.header("content-type", "application/json").body(body.to_string());
        within(request.send()).await.unwrap().text().await.unwrap()
    }
}

#[derive(Debug, Clone)]
struct Tools(Arc<Notify>);

#[derive(Debug, Deserialize, JsonSchema)]
struct Text {
    text: String,
}

#[tool_router]
impl Tools {
    #[tool(description = "Says it again")]
    async fn echo(&self, Parameters(Text { text }): Parameters<Text>) -> CallToolResult {
        CallToolResult::success(vec![ContentBlock::text(text)])
    }

    #[tool(description = "Runs until it is cancelled")]
    async fn hold(&self, context: RequestContext<RoleServer>) -> CallToolResult {
        self.0.notify_one();
        context.ct.cancelled().await;
        CallToolResult::success(vec![])
    }
}

#[tool_handler]
impl ServerHandler for Tools {}

async fn server(held: Arc<Notify>) -> SocketAddr {
    let service: StreamableHttpService<Tools, LocalSessionManager> = StreamableHttpService::new(
        move || Ok(Tools(held.clone())),
        Default::default(),
        StreamableHttpServerConfig::default(),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().nest_service("/mcp", service);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn futures<F: Future>([first, second]: [F; 2]) -> [F::Output; 2] {
    let (first, second) = tokio::join!(first, second);
    [first, second]
}

/// Actor, whether it is verified, why not, and who it claims to be.
type Who = (String, bool, Option<String>, Option<String>);

fn who(record: &Record) -> Who {
    let text = |name| record.text(name).map(str::to_owned);
    let is_verified = record.get(names::AUDITRAIL_ACTOR_VERIFIED) == Some(&Value::Bool(true));
    let id = text(names::AUDIT_ACTOR_ID).unwrap();
    (id, is_verified, text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON), text(names::AUDITRAIL_CLAIMED_ACTOR_ID))
}

fn verified(person: &str) -> Who {
    (person.to_owned(), true, None, None)
}

fn echo(id: u64) -> String {
    call(id, "echo", r#""text":"fine""#)
}

fn call(id: u64, tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{{arguments}}}}}}}"#
    )
}

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}"#;
