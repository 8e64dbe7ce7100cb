//! Servers that want to know who comes, and clients that log in: of a login nothing is recorded but the call that was refused
//! for it, and that call has its tool and its status.

use std::collections::BTreeSet;
use std::process::Stdio;

use auditrail::record::{Record, Severity, Value as Field, names};
use libtest_mimic::Trial;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::peers::{Peer, Peers, trial};
use crate::processes::{Proxied, Serving};
use crate::rig::PATIENCE;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("login_of_typescript", &[Peer::TypeScript], typescript_logs_in),
        trial("login_of_typescript_where_a_rule_may_refuse_calls", &[Peer::TypeScript], typescript_logs_in_with_a_rule),
        trial(
            "login_of_typescript_of_which_all_is_recorded",
            &[Peer::TypeScript],
            typescript_logs_in_and_all_is_recorded,
        ),
        trial("login_that_fastmcp_wants", &[Peer::FastMcp], fastmcp_refuses_who_has_no_token),
    ]
}

const RULE: &str = r#"
[[rule]]
match = { method = "tools/call", tool = "delete_*" }
class = "critical"
[class.critical]
acknowledge = "synced"
when_full = "refuse"
"#;

async fn typescript_logs_in(peers: Peers) {
    assert_eq!(login(&peers, "").await, LOGIN);
}

async fn typescript_logs_in_with_a_rule(peers: Peers) {
    assert_eq!(login(&peers, RULE).await, LOGIN);
}

async fn typescript_logs_in_and_all_is_recorded(peers: Peers) {
    let told = login(&peers, "[http]\nrecord = \"all\"\nexclude = [\"/health\"]").await;
    // It discovers twice: before and behind the user's consent.
    let ordinary: BTreeSet<_> = told.iter().filter(|line| line.contains(" /")).map(String::as_str).collect();
    let expected = [
        "INFO GET /.well-known/oauth-protected-resource/mcp 200: ok",
        "INFO GET /.well-known/oauth-authorization-server 200: ok",
        "INFO POST /register 201: ok",
        "INFO GET /authorize 302: ok",
        "INFO POST /token 200: ok",
        "INFO GET /mcp 405: ok",
    ];
    assert_eq!(ordinary, BTreeSet::from(expected), "{told:#?}");
    let beside: Vec<_> = told.iter().filter(|line| !line.contains(" /")).map(String::as_str).collect();
    assert_eq!(beside, LOGIN, "{told:#?}");
}

/// The one failure is that which made the client log in.
const LOGIN: [&str; 3] =
    ["WARN initialize - 401: denied", "INFO initialize - 200: ok", "INFO tools/call delete_user 200: ok"];

/// What is recorded of it.
async fn login(peers: &Peers, configuration: &str) -> Vec<String> {
    let script = ["tests/peers/typescript/oauth_server.mjs".into()];
    let server = Serving::start(peers, peers.node(), &script).await;
    let proxy = Proxied::start(&server, configuration).await;
    let output = Command::new(peers.node())
        .arg("tests/peers/typescript/login.mjs")
        .arg(format!("http://{}/mcp", proxy.address))
        .env("PEERS_CACHE", peers.cache())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output).await.unwrap().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let steps: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [
        json!({ "step": "health", "status": 200 }),
        json!({ "step": "connect", "refused": true }),
        json!({ "step": "authorize", "status": 302 }),
        json!({ "step": "call", "text": "deleted canary" }),
    ];
    assert_eq!(steps, expected);
    let records = proxy.records().await;
    assert!(!format!("{records:?}").contains("canary"));
    told(&records)
}

/// It answers from the head: the body comes when the answer is there.
async fn fastmcp_refuses_who_has_no_token(peers: Peers) {
    let server = Serving::start(&peers, peers.path(Peer::FastMcp), &["tests/peers/fastmcp/bearer.py".into()]).await;
    let body = r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"delete_user","arguments":{"name":"canary"}}}"#;
    for connection in ["keep-alive", "close"] {
        for rest in [0, 40, body.len()] {
            let proxy = Proxied::start(&server, "").await;
            let mut client = TcpStream::connect(proxy.address).await.unwrap();
            let head = format!(
                "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
                 Accept: application/json, text/event-stream\r\nConnection: {connection}\r\nContent-Length: {}\r\n\r\n",
                proxy.address,
                body.len()
            );
            let (first, last) = body.split_at(body.len() - rest);
            client.write_all(format!("{head}{first}").as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                let read = tokio::time::timeout(PATIENCE, client.read_buf(&mut answer)).await.unwrap().unwrap();
                assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
            }
            assert!(answer.starts_with(b"HTTP/1.1 401 "), "{}", String::from_utf8_lossy(&answer));
            client.write_all(last.as_bytes()).await.unwrap();
            client.shutdown().await.unwrap();
            while tokio::time::timeout(PATIENCE, client.read_buf(&mut answer)).await.unwrap().unwrap_or(0) > 0 {}
            let told = told(&proxy.records().await);
            assert_eq!(told, ["WARN tools/call delete_user 401: denied"], "{connection}, {rest} behind the answer");
        }
    }
}

/// Of each response: severity, what it answers, status and detail. Each has its request.
fn told(records: &[Record]) -> Vec<String> {
    let of =
        |phase: &'static str| records.iter().filter(move |record| record.text(names::AUDITRAIL_PHASE) == Some(phase));
    for response in of("response") {
        let call = response.text(names::AUDITRAIL_CALL_ID);
        assert_eq!(of("request").filter(|request| request.text(names::AUDITRAIL_CALL_ID) == call).count(), 1);
    }
    assert_eq!(of("request").count(), of("response").count());
    let moments = records.iter().filter(|record| record.text(names::AUDITRAIL_PHASE).is_none());
    // What the server denied has one record more.
    let is_expected = |moment: &&Record| {
        let is_denial = moment.event_name == "auditrail.authn";
        moment.severity == if is_denial { Severity::WARN } else { Severity::INFO }
    };
    assert!(moments.clone().all(|moment| is_expected(&moment)), "{moments:?}");
    let denied = of("response").filter(|record| record.text(names::AUDITRAIL_OUTCOME_DETAIL) == Some("denied")).count();
    assert_eq!(moments.filter(|moment| moment.event_name == "auditrail.authn").count(), denied);
    let told = of("response").map(|record| {
        let text = |name| record.text(name).unwrap_or("-");
        let status = match record.get(names::HTTP_RESPONSE_STATUS_CODE) {
            Some(Field::Int(status)) => *status,
            other => panic!("{other:?}"),
        };
        let what = match record.text(names::MCP_METHOD_NAME) {
            Some(method) => format!("{method} {}", text(names::GEN_AI_TOOL_NAME)),
            None => format!("{} {}", text(names::HTTP_REQUEST_METHOD), text(names::URL_PATH)),
        };
        format!("{} {what} {status}: {}", record.severity.text, text(names::AUDITRAIL_OUTCOME_DETAIL))
    });
    told.collect()
}
