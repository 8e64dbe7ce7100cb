//! Bodies in which servers see other calls than most do.

use auditrail::policy::Decision;
use auditrail::record::names;
use auditrail::trail::{Class, TrailBuilder};
use serde_json::Value;

use crate::rig::{Proxy, Server, call, ok, result};

/// The bodies, with who sees the deletion in them.
fn bodies() -> Vec<(String, &'static str)> {
    let delete = call(1, "delete_all");
    vec![
        (delete.replace("\"method\"", "\"method\":\"ping\",\"Method\""), "go-json"),
        (delete.replace("\"name\"", "\"name\":\"read\",\"Name\""), "go-json"),
        (delete.replace("\"name\"", "\"Name\""), "go-json"),
        (delete.replace("\"params\"", "\"params\":{},\"param\u{17f}\""), "go-json"),
        (delete.replace("\"method\"", "\"Method\""), "go-json"),
        (
            delete.replace("\"name\":", "\"name\":\"delete_all\",\"name\":").replacen(
                "\"delete_all\",\"arguments\"",
                "\"read\",\"arguments\"",
                1,
            ),
            "simdjson",
        ),
    ]
}

#[tokio::test]
async fn a_call_that_some_server_sees_has_its_pair() {
    for (body, reader) in bodies() {
        let server = Server::answering(|_| ok("application/json", &result(1))).await;
        let proxy = Proxy::before(server.address).await;
        let mut client = proxy.client().await;
        assert_eq!(client.post(&body).await.text(), result(1));
        drop(client);
        let records = proxy.records().await;
        let told: Vec<_> = records
            .iter()
            .filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("delete_all"))
            .map(|record| {
                [names::AUDITRAIL_MESSAGE_AMBIGUOUS, names::AUDITRAIL_PHASE, names::AUDIT_OUTCOME]
                    .map(|name| record.text(name).unwrap_or("-"))
            })
            .collect();
        assert_eq!(told, [[reader, "request", "unknown"], [reader, "response", "success"]], "{body}");
    }
}

#[tokio::test]
async fn where_calls_may_be_refused_none_of_them_passes() {
    let class: fn(TrailBuilder) -> TrailBuilder = |builder| builder.classify(|_| Class::CRITICAL);
    let authorize: fn(TrailBuilder) -> TrailBuilder = |builder| {
        builder.authorize(|call| if call.name() == Some("never") { Decision::deny("no") } else { Decision::Allow })
    };
    for build in [class, authorize] {
        for (body, _) in bodies() {
            let server = Server::answering(|_| ok("application/json", &result(1))).await;
            let proxy = Proxy::built(server.address, build).await;
            let mut client = proxy.client().await;
            let answer = client.post(&body).await;
            let error: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(error["error"]["code"], -32044, "{body}: {error}");
            assert!(server.seen().is_empty(), "{body} has reached the server");
        }
    }
}
