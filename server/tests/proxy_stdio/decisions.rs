//! Denials in the errors of a server, which the configuration file says how to recognize.

use auditrail::record::{Record, names};
use auditrail::serve::Receiver;

use crate::rig::{Proxy, call, records};

/// As GitHub's server says it, and as one with a code of its own does.
const CONFIG: &str = r#"
[identity]
environment = { user = "MCP_USER" }

[[denied]]
name = "github"
text = "403 resource not accessible by*token"
tool = "create_*"
reason = "the token lacks a permission"

[[denied]]
name = "gateway"
code = -32003
method = "tools/call"
"#;

/// Answers the three calls, the third with a result that only looks like an error.
const SERVER: &str = r#"
read one; read two; read three
printf '{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"POST https://api/canary: 403 Resource not accessible by personal access token []"}]}}\n'
printf '{"jsonrpc":"2.0","id":2,"error":{"code":-32003,"message":"canary may not"}}\n'
printf '{"jsonrpc":"2.0","id":3,"result":{"content":[{"type":"text","text":"403 Resource not accessible by a token"}]}}\n'
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_in_an_error_is_one_decision_with_the_name_of_its_rule() {
    let receiver = Receiver::builder().start().await.unwrap();
    let proxy = Proxy::of_script(SERVER).configured(CONFIG).collector(&receiver).env("MCP_USER", "alice");
    let text = [call(1, "create_pull_request"), call(2, "delete"), call(3, "read")].concat();
    let played = tokio::task::spawn_blocking(move || proxy.send(&text)).await.unwrap();
    assert_eq!(played.text().matches("canary").count(), 2, "the client gets every byte");

    let told: Vec<_> =
        records(&receiver).iter().filter(|record| record.event_name == "auditrail.authz").map(told).collect();
    let decision =
        |tool, rule, reason| [tool, rule, reason, "deny", "answer", "denied", "alice", "AUTHORIZE"].map(str::to_owned);
    let expected = [
        decision("create_pull_request", "github", "the token lacks a permission"),
        decision("delete", "gateway", "the answer says that it was denied"),
    ];
    assert_eq!(told, expected, "{}", played.said);

    let ends: Vec<_> = records(&receiver)
        .iter()
        .filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("response"))
        .map(|record| {
            [names::GEN_AI_TOOL_NAME, names::AUDITRAIL_OUTCOME_DETAIL, names::ERROR_TYPE, names::SECURITY_RULE_NAME]
                .map(|name| record.text(name).unwrap_or("-").to_owned())
        })
        .collect();
    let expected = [
        ["create_pull_request", "denied", "tool_error", "github"],
        ["delete", "denied", "-32003", "gateway"],
        ["read", "ok", "-", "-"],
    ];
    assert_eq!(ends, expected);
    let wire: Vec<u8> = receiver.records().iter().flat_map(|record| record.bytes.to_vec()).collect();
    for (place, bytes) in [("records", &wire[..]), ("notices", played.said.as_bytes())] {
        assert!(!bytes.windows(6).any(|bytes| bytes == b"canary"), "in the {place}");
    }
}

fn told(record: &Record) -> [String; 8] {
    [
        names::GEN_AI_TOOL_NAME,
        names::SECURITY_RULE_NAME,
        names::AUDITRAIL_DECISION_REASON,
        names::AUDITRAIL_DECISION,
        names::AUDITRAIL_DECISION_SOURCE,
        names::ERROR_TYPE,
        names::AUDIT_ACTOR_ID,
        names::AUDIT_ACTION,
    ]
    .map(|name| record.text(name).unwrap_or("-").to_owned())
}

#[test]
fn a_rule_that_matches_everything_stops_the_start() {
    let played = Proxy::of_script("cat").configured("[[denied]]\nname = \"all\"\ntext = \"*\"\n").send("");
    assert_eq!(played.code(), 2, "{}", played.said);
    assert!(
        played.said.contains("auditrail.toml:2:8: `name`: its text needs a part of at least 3 characters"),
        "{}",
        played.said
    );
}
