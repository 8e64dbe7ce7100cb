//! Calls for verified actors: held until the keys are there, or refused. A proxy that relays does not wait.

use std::time::Duration;

use auditrail::record::{Record, Value, names};
use auditrail::trail::{Class, TrailBuilder};

use crate::late_keys::LateKeys;
use crate::message::Message;
use crate::rig::{Proxy, Server, call, ok, post, result};
use crate::support::ending;

fn guarded(deadline: Duration) -> impl FnOnce(TrailBuilder) -> TrailBuilder {
    move |builder| {
        builder.classify(move |call| match call.name() {
            Some("pay") => Class { deadline, ..Class::default() }.requires_verified_actor(),
            _ => Class::default(),
        })
    }
}

async fn echo() -> Server {
    Server::answering(|_| ok("application/json", &result(1))).await
}

fn of(user: &str, body: &str) -> String {
    String::from_utf8(post(body)).unwrap().replacen("Host:", &format!("X-User: {user}\r\nHost:"), 1)
}

fn code(answer: &Message) -> i64 {
    let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    answer["error"]["code"].as_i64().unwrap_or_default()
}

fn who(record: &Record) -> (&str, bool, &str, &str) {
    let text = |name| record.text(name).unwrap_or_default();
    let verified = record.get(names::AUDITRAIL_ACTOR_VERIFIED) == Some(&Value::Bool(true));
    let reason = text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON);
    (text(names::AUDIT_ACTOR_ID), verified, reason, text(names::AUDITRAIL_OBSERVED_BY))
}

#[tokio::test]
async fn a_call_is_held_until_the_keys_are_there() {
    let (server, keys) = (echo().await, LateKeys::new());
    let proxy =
        Proxy::built(server.address, |builder| guarded(Duration::from_secs(600))(builder).identify(keys.clone()));
    let proxy = proxy.await;
    let mut client = proxy.client().await;
    client.send(of("ada", &call(1, "pay"))).await;
    keys.wanted().await;
    assert!(server.seen().is_empty(), "the server has not seen it");
    keys.arrive();
    assert_eq!(client.response("POST").await.text(), result(1));
    assert_eq!(server.last().text(), call(1, "pay"), "as it came");
    let records = proxy.records().await;
    assert_eq!(records.iter().map(|record| ending(record).2).collect::<Vec<_>>(), ["", "ok"]);
    assert!(records.iter().all(|record| who(record) == ("ada", true, "", "proxy")), "{records:#?}");
}

#[tokio::test]
async fn a_call_whose_actor_is_not_verified_never_reaches_the_server() {
    let (server, keys) = (echo().await, LateKeys::new());
    let built = |builder| guarded(Duration::from_millis(20))(builder).identify(keys.clone());
    let proxy = Proxy::built(server.address, built).await;
    let mut client = proxy.client().await;
    assert_eq!(code(&client.ask(of("ada", &call(1, "pay"))).await), -32046);
    assert_eq!(code(&client.ask(of("mallory", &call(2, "pay"))).await), -32046);
    assert_eq!(code(&client.post(&call(3, "pay")).await), -32046);
    assert!(server.seen().is_empty());
    let records = proxy.records().await;
    let seen: Vec<_> = records
        .iter()
        .map(|record| (who(record).2, record.text(names::AUDITRAIL_DECISION_REASON).unwrap(), ending(record).2))
        .collect();
    assert_eq!(
        seen,
        [
            ("key_unavailable", "key_unavailable", ""),
            ("key_unavailable", "key_unavailable", "denied"),
            ("key_unavailable", "key_unavailable", "denied"),
            ("expired", "expired", ""),
            ("expired", "expired", "denied"),
            ("expired", "expired", "denied"),
            ("", "anonymous", ""),
            ("", "anonymous", "denied"),
            ("", "anonymous", "denied"),
        ]
    );
    // Request, decision and response, of each.
    for of_call in records.chunks(3) {
        let events: Vec<_> = of_call.iter().map(|record| &*record.event_name).collect();
        assert_eq!(events, ["auditrail.mcp.tools.call", "auditrail.authz", "auditrail.mcp.tools.call"]);
        for record in of_call {
            assert_eq!(record.text(names::AUDITRAIL_DECISION_SOURCE), Some("class"));
            assert_eq!(record.text(names::AUDITRAIL_CALL_ID), of_call[0].text(names::AUDITRAIL_CALL_ID));
        }
    }
}

/// No class of it can hold a call: what is not verified is recorded as such and relayed.
#[tokio::test]
async fn a_relaying_proxy_does_not_wait_for_keys() {
    let (server, keys) = (echo().await, LateKeys::new());
    let proxy = Proxy::built(server.address, |builder| builder.identify(keys.clone())).await;
    let mut client = proxy.client().await;
    assert_eq!(client.ask(of("ada", &call(1, "pay"))).await.text(), result(1));
    keys.arrive();
    assert_eq!(client.ask(of("ada", &call(1, "pay"))).await.text(), result(1));
    let records = proxy.records().await;
    let late = ("anonymous", false, "key_unavailable", "proxy");
    let known = ("ada", true, "", "proxy");
    assert_eq!(records.iter().map(who).collect::<Vec<_>>(), [late, late, known, known]);
    assert_eq!(records[0].text(names::AUDITRAIL_CLAIMED_ACTOR_ID), Some("ada"));
}
