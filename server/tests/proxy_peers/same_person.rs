//! A FastMCP server with a token verifier of its own, behind the proxy, which verifies the same tokens: both name the same person,
//! and both refuse the same.

use auditrail::record::{Record, Value as Field, names};
use libtest_mimic::Trial;
use reqwest::StatusCode;
use rmcp::model::{CallToolRequestParams, ClientConfig, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, serve_client_with_lifecycle};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::oauth::{Issuer, SigningKey, Token};
use crate::peers::{Peer, Peers, trial};
use crate::processes::{Proxied, Serving};
use crate::rig::PATIENCE;

const AUDIENCE: &str = "https://mcp.example/mcp";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("fastmcp_and_the_proxy_name_the_same_person", &[Peer::FastMcp], fastmcp_and_the_proxy_name_the_same),
        trial("fastmcp_and_the_proxy_refuse_the_same_tokens", &[Peer::FastMcp], fastmcp_and_the_proxy_refuse_the_same),
    ]
}

async fn fastmcp_and_the_proxy_name_the_same(peers: Peers) {
    let setup = Setup::start(&peers).await;
    let discover = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    let person = setup.claims("alice").claim("scope", "weather:read weather:write").claim("client_id", "desktop");
    let agent = setup.claims("bob").claim("client_id", "desktop").claim("act", json!({ "sub": "planner" }));
    let service = setup.claims("batch").claim("client_id", "batch");
    for (token, lifecycle, expected) in [
        (person.clone(), ClientLifecycleMode::Initialize, ("alice", "desktop", "user", None)),
        (person, discover.clone(), ("alice", "desktop", "user", None)),
        (agent.clone(), ClientLifecycleMode::Initialize, ("bob", "desktop", "user", Some("planner"))),
        (agent, discover.clone(), ("bob", "desktop", "user", Some("planner"))),
        (service, discover, ("batch", "batch", "service", None)),
    ] {
        let proxy = Proxied::start(&setup.server, &setup.configuration()).await;
        let config = StreamableHttpClientTransportConfig::with_uri(format!("http://{}/mcp", proxy.address));
        let transport = StreamableHttpClientTransport::from_config(config.auth_header(setup.sign(token)));
        let serving = serve_client_with_lifecycle(ClientConfig::default(), transport, lifecycle);
        let client = tokio::time::timeout(PATIENCE, serving).await.unwrap().unwrap();
        let answer = client.call_tool(CallToolRequestParams::new("whoami")).await.unwrap();
        // What the server knows of the caller.
        let known = json!(answer)["structuredContent"].clone();
        client.cancel().await.unwrap();
        let records = proxy.records().await;
        let calls: Vec<_> = records.iter().filter(|record| tool(record) == Some("whoami")).collect();
        assert_eq!(calls.len(), 2, "{records:#?}");
        for call in calls {
            let text = |name| call.text(name).map_or(Value::Null, Value::from);
            let agent = text(names::GEN_AI_AGENT_ID);
            assert_eq!(text(names::AUDIT_ACTOR_ID), known["subject"], "{known}");
            assert_eq!(text(names::AUDITRAIL_OAUTH_CLIENT_ID), known["client"], "{known}");
            assert_eq!(text(names::AUDITRAIL_TOKEN_ISSUER), known["issuer"], "{known}");
            assert_eq!(
                (&agent, json!(strings(call, names::AUDITRAIL_OAUTH_SCOPES))),
                (&known["agent"], known["scopes"].clone())
            );
            // And neither is only equal to the other.
            let (subject, client, kind, acts) = expected;
            assert_eq!((&known["subject"], &known["client"], &agent), (&json!(subject), &json!(client), &json!(acts)));
            assert_eq!(text(names::AUDIT_ACTOR_TYPE), kind);
            assert_eq!(strings(call, names::AUDITRAIL_ACTOR_DELEGATION), acts.into_iter().collect::<Vec<_>>());
            assert_eq!(call.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&Field::Bool(true)));
            assert_eq!(text(names::AUDITRAIL_ACTOR_SOURCE), "jwt");
        }
        // In the whole session nobody else acts.
        let others: Vec<_> = records.iter().filter_map(|record| record.text(names::AUDIT_ACTOR_ID)).collect();
        assert!(others.iter().all(|actor| *actor == expected.0 || *actor == "auditrail"), "{others:?}");
    }
}

/// The server answers 401, and the record says who or what failed, and why.
async fn fastmcp_and_the_proxy_refuse_the_same(peers: Peers) {
    let setup = Setup::start(&peers).await;
    let alice = || setup.claims("alice");
    let forger = SigningKey::p256("key");
    for (token, actor, reason, claimed) in [
        (Some(setup.sign(alice().expired())), "alice", Some("expired"), None),
        (Some(setup.sign(alice().claim("aud", "https://other.example"))), "alice", Some("audience"), None),
        (Some(setup.sign(alice().claim("iss", "https://other.example"))), "anonymous", Some("issuer"), Some("alice")),
        (Some(alice().signed_by(&forger)), "anonymous", Some("signature"), Some("alice")),
        (Some(alice().unsigned()), "anonymous", Some("algorithm"), Some("alice")),
        (Some("canary".into()), "anonymous", Some("malformed"), None),
        (None, "anonymous", None, None),
    ] {
        let proxy = Proxied::start(&setup.server, &setup.configuration()).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut request = client.post(format!("http://{}/mcp", proxy.address)).body(CALL);
        request = request.header("content-type", "application/json");
        request = request.header("accept", "application/json, text/event-stream");
        if let Some(token) = &token {
            request = request.bearer_auth(token);
        }
        let answer = tokio::time::timeout(PATIENCE, request.send()).await.unwrap().unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{reason:?}");
        let records = proxy.records().await;
        let calls: Vec<_> = records.iter().filter(|record| tool(record) == Some("whoami")).collect();
        assert!(calls.len() >= 2, "{records:#?}");
        for call in calls {
            let text = |name| call.text(name);
            let said = (text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON), text(names::AUDITRAIL_CLAIMED_ACTOR_ID));
            assert_eq!((text(names::AUDIT_ACTOR_ID), said), (Some(actor), (reason, claimed)), "{call:#?}");
            assert_ne!(call.get(names::AUDITRAIL_ACTOR_VERIFIED), Some(&Field::Bool(true)));
        }
        let status = records.iter().find_map(|record| record.get(names::HTTP_RESPONSE_STATUS_CODE));
        assert_eq!(status, Some(&Field::Int(401)));
        let all = format!("{records:?}");
        assert!(!all.contains("canary") && token.is_none_or(|token| !all.contains(&token)), "no token is recorded");
    }
}

struct Setup {
    issuer: Issuer,
    key: SigningKey,
    server: Serving,
    files: TempDir,
}

impl Setup {
    async fn start(peers: &Peers) -> Self {
        let key = SigningKey::p256("key");
        let issuer = Issuer::serving(&[&key]);
        let script = "tests/peers/fastmcp/verifier.py".to_owned();
        let arguments = [script, issuer.jwks_url(), issuer.url(), AUDIENCE.into(), "ES256".into()];
        let server = Serving::start(peers, peers.path(Peer::FastMcp), &arguments.map(Into::into)).await;
        Self { issuer, key, server, files: tempfile::tempdir().unwrap() }
    }

    fn claims(&self, subject: &str) -> Token {
        Token::of(&self.issuer.url(), subject).audience(AUDIENCE)
    }

    fn sign(&self, token: Token) -> String {
        token.signed_by(&self.key)
    }

    /// The keys from a file are there at the first call; the server fetches them from the issuer.
    fn configuration(&self) -> String {
        let issuer = self.issuer.url();
        let file = self.files.path().join("keys.json");
        std::fs::write(&file, json!({ "keys": [self.key.jwk()] }).to_string()).unwrap();
        format!(
            "[[identity.jwt]]\nissuer = \"{issuer}\"\naudience = [\"{AUDIENCE}\"]\njwks_file = \"{}\"\n",
            file.display()
        )
    }
}

fn tool(record: &Record) -> Option<&str> {
    record.text(names::GEN_AI_TOOL_NAME)
}

fn strings<'a>(record: &'a Record, name: &str) -> Vec<&'a str> {
    match record.get(name) {
        Some(Field::Array(items)) => {
            let text = |item: &'a Field| if let Field::Str(text) = item { Some(text.as_ref()) } else { None };
            items.iter().filter_map(text).collect()
        }
        _ => Vec::new(),
    }
}

const CALL: &str = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"whoami","arguments":{}}}"#;
