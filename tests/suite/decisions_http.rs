//! Decisions over HTTP, as a tower layer sees them: by middleware before the body is read, by middleware behind it, by rmcp.

use std::net::SocketAddr;

use auditrail::policy::{DenialRule, DenialRules};
use auditrail::record::{Record, names};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::decided::{Decided, decisions, only_decision, response, says};
use crate::server::Everything;
use crate::support::ending;

/// A server behind the layer, for as long as the test runs.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

pub(crate) async fn ask(address: SocketAddr, headers: &[&str], body: &str) -> String {
    let mut request = String::from("POST /mcp HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json\r\n");
    request += "accept: application/json, text/event-stream\r\n";
    for header in headers {
        request += &format!("{header}\r\n");
    }
    if !headers.iter().any(|header| header.starts_with("host:")) {
        request += "host: localhost\r\n";
    }
    request += &format!("content-length: {}\r\n\r\n{body}", body.len());
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A server that has not read all of it may reset the connection behind its answer.
    drop(tokio::time::timeout(std::time::Duration::from_secs(120), read).await.unwrap());
    String::from_utf8_lossy(&answer).into_owned()
}

/// Refuses everything with that status and those challenges, before or after it has read the body.
fn refusing(status: u16, challenge: &'static str, body: &'static str, reads: bool) -> Router {
    let refuse = move |request: Request, _: Next| async move {
        if reads {
            axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
        }
        let mut headers = HeaderMap::new();
        if !challenge.is_empty() {
            headers.insert("www-authenticate", challenge.parse().unwrap());
        }
        headers.insert("content-type", "application/json".parse().unwrap());
        (StatusCode::from_u16(status).unwrap(), headers, body).into_response() as Response
    };
    Router::new().route("/mcp", post(|| async { "it ran" })).layer(from_fn(refuse))
}

const CALL: &str =
    r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"delete_user","arguments":{"a":"canary"}}}"#;
const TOKEN: &str = "authorization: Bearer canary-token";
const INVALID: &str =
    r#"Bearer error="invalid_token", error_description="canary", resource_metadata="https://canary/""#;

/// What a rule that is not known decides by, and where the decision was seen.
const BY_401: (&str, &str) = (names::SECURITY_RULE_NAME, "http_401");
const BY_403: (&str, &str) = (names::SECURITY_RULE_NAME, "http_403");

async fn refused(router: Router, headers: &[&str]) -> Vec<Record> {
    let scene = Decided::with(|builder| builder).await;
    let address = serve(router.layer(scene.trail.mcp_layer())).await;
    let answer = ask(address, headers, CALL).await;
    assert!(answer.starts_with("HTTP/1.1 40"), "{answer}");
    scene.records().await
}

/// The body is not read, so the tool is known only if the head names it (2026-07-28).
#[tokio::test]
async fn a_401_before_the_body_is_read_leaves_one_record_with_what_the_head_says() {
    let named = [TOKEN, "mcp-method: tools/call", "mcp-name: delete_user", "mcp-session-id: canary-not-issued"];
    for (headers, method, tool) in [(&named[..], "tools/call", "delete_user"), (&named[..1], "-", "-")] {
        let records = refused(refusing(401, INVALID, r#"{"error":"invalid_token canary"}"#, false), headers).await;
        let decision = only_decision(&records);
        assert_eq!((decision.event_name.as_ref(), decision.severity.number), ("auditrail.authn", 13));
        says(
            decision,
            &[
                (names::AUDITRAIL_DECISION, "deny"),
                (names::AUDITRAIL_DECISION_REASON, "invalid_token"),
                (names::AUDITRAIL_DECISION_SOURCE, "http_status"),
                BY_401,
                (names::ERROR_TYPE, "invalid_token"),
                (names::AUDIT_OUTCOME, "failure"),
                (names::AUDIT_ACTION, "LOGIN"),
                (names::AUDITRAIL_AUTHN_CHALLENGE, "Bearer error=invalid_token resource_metadata"),
                (names::HTTP_RESPONSE_STATUS_CODE, "401"),
                (names::HTTP_REQUEST_METHOD, "POST"),
                (names::URL_PATH, "/mcp"),
                (names::MCP_METHOD_NAME, method),
                (names::GEN_AI_TOOL_NAME, tool),
            ],
        );
        let half = response(&records, "auditrail.http.request");
        assert_eq!(ending(half), ("response", "failure", "denied"));
        assert_eq!(half.text(names::ERROR_TYPE), Some("http_error"));
        assert_eq!(half.text(names::AUDITRAIL_CALL_ID), decision.text(names::AUDITRAIL_CALL_ID));
        assert_eq!(records.len(), 3, "{records:#?}");
    }
}

/// Some servers say `invalid_token` of no token at all.
#[tokio::test]
async fn the_class_of_a_401_goes_by_what_was_sent_first() {
    for (headers, challenge, class, shown) in [
        (&[][..], INVALID, "missing_credentials", "Bearer error=invalid_token resource_metadata"),
        (&[], "", "missing_credentials", "-"),
        (&[TOKEN], INVALID, "invalid_token", "Bearer error=invalid_token resource_metadata"),
        (&[TOKEN], r#"Basic realm="canary""#, "invalid_credentials", "Basic"),
        (&["x-api-key: canary"], r#"Bearer error="canary""#, "invalid_credentials", "Bearer error=_OTHER"),
        (&[TOKEN], r#"DPoP error="use_dpop_nonce""#, "use_dpop_nonce", "DPoP error=use_dpop_nonce"),
        (&[TOKEN], "Negotiate canary68==", "invalid_credentials", "Negotiate"),
    ] {
        let records = refused(refusing(401, challenge, "", true), headers).await;
        let decision = only_decision(&records);
        says(decision, &[(names::ERROR_TYPE, class), (names::AUDITRAIL_AUTHN_CHALLENGE, shown), BY_401]);
        says(decision, &[(names::GEN_AI_TOOL_NAME, "delete_user"), (names::JSONRPC_REQUEST_ID, "7")]);
    }
}

/// A server with scopes answers like this, and names no id.
#[tokio::test]
async fn a_403_for_a_missing_scope_is_an_authorization_that_names_the_scope() {
    let challenge = r#"Bearer error="insufficient_scope", scope="users:delete", resource_metadata="https://canary/""#;
    let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Insufficient scope: canary"}}"#;
    let named = body.replace("null", "7").leak();
    for (body, error) in [("", "http_error"), (body, "-32600"), (named, "-32600")] {
        let records = refused(refusing(403, challenge, body, true), &[TOKEN]).await;
        let decision = only_decision(&records);
        assert_eq!(decision.event_name, "auditrail.authz");
        says(
            decision,
            &[
                (names::AUDITRAIL_DECISION, "deny"),
                (names::ERROR_TYPE, "insufficient_scope"),
                (names::AUDITRAIL_DECISION_REASON, "insufficient_scope"),
                (
                    names::AUDITRAIL_AUTHN_CHALLENGE,
                    r#"Bearer error=insufficient_scope scope="users:delete" resource_metadata"#,
                ),
                BY_403,
                (names::AUDIT_ACTION, "AUTHORIZE"),
                (names::GEN_AI_TOOL_NAME, "delete_user"),
                (names::MCP_METHOD_NAME, "tools/call"),
            ],
        );
        let half = response(&records, "auditrail.mcp.tools.call");
        assert_eq!((ending(half), half.text(names::ERROR_TYPE)), (("response", "failure", "denied"), Some(error)));
        assert_eq!(half.text(names::SECURITY_RULE_NAME), Some("http_403"));
        assert_eq!(records.len(), 3, "{records:#?}");
    }
}

/// rmcp refuses a foreign `Host` or `Origin` with 403. What it refuses because it cannot serve it is not a decision about
/// access.
#[tokio::test]
async fn what_rmcp_refuses_is_a_decision_if_it_is_about_access() {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let modern = ["mcp-protocol-version: 2026-07-28", "mcp-method: tools/call", "mcp-name: ok"];
    let body = format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"ok",{meta}}}}}"#);
    for (name, headers, body, status, decided) in [
        ("foreign host", [&modern[..], &["host: canary.example"]].concat(), body.clone(), 403, true),
        ("foreign origin", [&modern[..], &["origin: http://canary.example"]].concat(), body.clone(), 403, true),
        ("unknown session", vec!["mcp-session-id: gone"], CALL.replace("canary", "x"), 404, false),
        (
            "unsupported version",
            vec!["mcp-protocol-version: 1999-01-01"],
            body.replace("2026-07-28", "1999-01-01"),
            400,
            false,
        ),
        (
            "unknown method",
            vec![modern[0], "mcp-method: weather/rain"],
            body.replace("tools/call", "weather/rain"),
            0,
            false,
        ),
        ("it ran", modern.to_vec(), body.clone(), 200, false),
    ] {
        let scene = Decided::with(|builder| builder).await;
        let config = StreamableHttpServerConfig::default().with_allowed_origins(["http://localhost:*"]);
        let service: StreamableHttpService<Everything, LocalSessionManager> =
            StreamableHttpService::new(|| Ok(Everything::default()), Default::default(), config);
        let address = serve(Router::new().nest_service("/mcp", service).layer(scene.trail.mcp_layer())).await;
        let answer = ask(address, &headers, &body).await;
        assert!(status == 0 || answer.starts_with(&format!("HTTP/1.1 {status}")), "{name}: {answer}");
        let records = scene.records().await;
        assert_eq!(decisions(&records).len(), usize::from(decided), "{name}: {records:#?}");
        if decided {
            let decision = only_decision(&records);
            assert_eq!(decision.event_name, "auditrail.authz", "{name}");
            says(decision, &[(names::ERROR_TYPE, "forbidden"), (names::GEN_AI_TOOL_NAME, "ok"), BY_403]);
        }
    }
}

/// By the server in the text of a tool's error, over HTTP.
#[tokio::test]
async fn an_error_that_a_rule_recognizes_is_one_decision_over_http_too() {
    let rules = DenialRules::default().rule(DenialRule::named("texts").text("not allowed")).unwrap();
    let scene = Decided::with(|builder| builder.denials(rules)).await;
    let answer = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"canary is NOT allowed"}],"isError":true}}"#;
    let router = Router::new()
        .route("/mcp", post(move |_: String| async move { ([("content-type", "application/json")], answer) }));
    let address = serve(router.layer(scene.trail.mcp_layer())).await;
    ask(address, &[TOKEN], CALL).await;
    let records = scene.records().await;
    let expected = [
        (names::SECURITY_RULE_NAME, "texts"),
        (names::GEN_AI_TOOL_NAME, "delete_user"),
        (names::AUDITRAIL_DECISION_SOURCE, "answer"),
        (names::HTTP_RESPONSE_STATUS_CODE, "200"),
    ];
    says(only_decision(&records), &expected);
    assert_eq!(ending(response(&records, "auditrail.mcp.tools.call")), ("response", "failure", "denied"));
    assert_eq!(records.len(), 3);
}
