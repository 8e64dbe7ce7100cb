//! Decisions that the HTTP proxy sees: of middleware by status and challenge, of servers by their errors.

use auditrail::policy::{DenialRule, DenialRules};
use auditrail::record::{Record, names};
use auditrail::trail::Actor;

use crate::message::Message;
use crate::rig::{Proxy, Server, call, ok, post};
use crate::support::ending;

const CHALLENGE: &str =
    r#"Bearer error="ERROR", error_description="canary", scope="pay:write", resource_metadata="https://canary/""#;

fn refusal(status: &str, error: &str) -> Vec<u8> {
    let challenge = CHALLENGE.replace("ERROR", error);
    format!("HTTP/1.1 {status}\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 6\r\n\r\ncanary").into_bytes()
}

/// What the server says of a call, and what is recorded of that, with the bytes that the collector and the journal got.
async fn asked(answer: Vec<u8>, headers: &str) -> (Message, Vec<Record>) {
    let server = Server::answering(move |_| answer.clone()).await;
    let rules = DenialRules::default().rule(DenialRule::named("texts").text("not allowed to pay").tool("pay")).unwrap();
    let alice =
        |builder: auditrail::trail::TrailBuilder| builder.denials(rules).actor(|_| Some(Actor::verified("alice")));
    let proxy = Proxy::built(server.address, alice).await;
    let request = String::from_utf8(post(&call(7, "pay"))).unwrap();
    let answer = proxy.client().await.ask(request.replace("\r\nAccept:", &format!("\r\n{headers}Accept:"))).await;
    let bench = proxy.bench.clone();
    let records = proxy.records().await;
    for bytes in [bench.sunk.bytes(), format!("{:?}", bench.said()).into_bytes()] {
        assert!(!bytes.windows(6).any(|bytes| bytes == b"canary"));
    }
    (answer, records)
}

#[tokio::test]
async fn a_refused_call_has_one_decision_that_names_it() {
    const TOKEN: &str = "Authorization: Bearer canary-token\r\n";
    for (status, error, headers, event, class) in [
        ("401 Unauthorized", "invalid_token", TOKEN, "auditrail.authn", "invalid_token"),
        ("401 Unauthorized", "invalid_token", "", "auditrail.authn", "missing_credentials"),
        ("403 Forbidden", "insufficient_scope", TOKEN, "auditrail.authz", "insufficient_scope"),
        ("403 Forbidden", "canary", TOKEN, "auditrail.authz", "forbidden"),
    ] {
        let (answer, records) = asked(refusal(status, error), headers).await;
        let code: u16 = status[..3].parse().unwrap();
        assert_eq!((answer.status(), answer.text().as_str()), (code, "canary"), "no byte is changed");
        assert!(answer.field("www-authenticate").unwrap().contains("canary"));
        let [_, decision, half] = &records[..] else { panic!("{records:#?}") };
        let shown = if error == "canary" { "_OTHER" } else { error };
        let challenge = format!("Bearer error={shown} scope=\"pay:write\" resource_metadata");
        assert_eq!(decision.event_name, event);
        for (name, expected) in [
            (names::ERROR_TYPE, class),
            (names::AUDITRAIL_DECISION, "deny"),
            (names::AUDITRAIL_DECISION_REASON, class),
            (names::AUDITRAIL_DECISION_SOURCE, "http_status"),
            (names::SECURITY_RULE_NAME, if code == 401 { "http_401" } else { "http_403" }),
            (names::AUDITRAIL_AUTHN_CHALLENGE, &challenge),
            (names::GEN_AI_TOOL_NAME, "pay"),
            (names::AUDIT_ACTOR_ID, "alice"),
            (names::AUDITRAIL_CALL_ID, half.text(names::AUDITRAIL_CALL_ID).unwrap()),
        ] {
            assert_eq!(decision.text(name), Some(expected), "{name}: {decision:#?}");
        }
        assert_eq!(ending(decision), ("", "failure", "denied"));
        assert_eq!(ending(half), ("response", "failure", "denied"));
    }
}

#[tokio::test]
async fn an_error_that_a_rule_recognizes_has_one_decision() {
    let text = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"canary: NOT allowed to pay"}],"isError":true}}"#;
    let event = format!("event: message\ndata: {text}\n\n");
    let error = r#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"canary is not allowed to pay"}}"#;
    for (answer, class) in [
        (ok("application/json", text), "tool_error"),
        (ok("text/event-stream", &event), "tool_error"),
        (ok("application/json", error), "1"),
    ] {
        let (_, records) = asked(answer, "").await;
        let [_, decision, half] = &records[..] else { panic!("{records:#?}") };
        assert_eq!(decision.event_name, "auditrail.authz");
        assert_eq!(decision.text(names::SECURITY_RULE_NAME), Some("texts"));
        assert_eq!(decision.text(names::AUDITRAIL_DECISION_SOURCE), Some("answer"));
        assert_eq!(decision.text(names::GEN_AI_TOOL_NAME), Some("pay"));
        assert_eq!((ending(half), half.text(names::ERROR_TYPE)), (("response", "failure", "denied"), Some(class)));
    }
}
