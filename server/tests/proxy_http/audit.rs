//! What is recorded, and what becomes of the bytes when it cannot be.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use auditrail::record::{Record, names};
use auditrail_server::proxy::http::{IdentityFields, TrustedHops};

use crate::bytes::gzip;
use crate::rig::{Proxy, Server, call, ok, post, result, reverse};
use crate::support::{Bench, ending};

async fn echo() -> Server {
    Server::answering(|_| ok("application/json", &result(1))).await
}

fn request_of(records: &[Record]) -> &Record {
    records.iter().find(|record| record.text(names::AUDITRAIL_PHASE) == Some("request")).unwrap()
}

#[tokio::test]
async fn a_call_has_one_pair_with_who_called_and_how() {
    let proxy = Proxy::before(echo().await.address).await;
    let mut client = proxy.client().await;
    assert_eq!(client.post(&call(1, "echo")).await.text(), result(1));
    let records = proxy.records().await;
    assert_eq!(records.iter().map(ending).map(|ending| ending.2).collect::<Vec<_>>(), ["", "ok"]);
    let request = request_of(&records);
    assert_eq!(request.text(names::GEN_AI_TOOL_NAME), Some("echo"));
    assert_eq!(request.text(names::CLIENT_ADDRESS), Some("127.0.0.1"));
    assert_eq!(request.text(names::AUDITRAIL_MCP_TRANSPORT), Some("streamable_http"));
}

#[tokio::test]
async fn compressed_messages_are_recorded_and_pass_compressed() {
    let answer = gzip(result(1).as_bytes());
    let body = answer.clone();
    let server = Server::answering(move |_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip";
        [format!("{head}\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), &body].concat()
    });
    let server = server.await;
    let proxy = Proxy::before(server.address).await;
    let question = gzip(call(1, "echo").as_bytes());
    let head = "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Encoding: gzip";
    let head = format!("{head}\r\nContent-Length: {}\r\n\r\n", question.len());
    let got = proxy.client().await.ask([head.as_bytes(), &question].concat()).await;
    assert!(got.body == answer && server.last().body == question);
    let records = proxy.records().await;
    assert_eq!(records.iter().map(ending).map(|ending| ending.2).collect::<Vec<_>>(), ["", "ok"]);
}

/// The peer of each test is 127.0.0.1: a trusted hop in the one, and anybody in the other.
#[tokio::test]
async fn only_a_trusted_hop_is_believed_who_the_client_is() {
    for (network, authenticated, expected) in [
        ("127.0.0.0/8", true, ("198.51.100.7", "ada", true)),
        ("127.0.0.0/8", false, ("198.51.100.7", "ada", false)),
        ("10.0.0.0/8", true, ("127.0.0.1", "anonymous", false)),
    ] {
        let mut identity = IdentityFields::new("x-user".parse().unwrap());
        identity.roles = Some("x-groups".parse().unwrap());
        identity.authenticated = authenticated;
        let bench = Bench::with(|builder| builder.identify(identity));
        let server = echo().await;
        let mut settings = reverse(server.address);
        settings.hops = TrustedHops { networks: vec![network.parse().unwrap()], ..TrustedHops::default() };
        let proxy = Proxy::with(Arc::new(bench), settings).await;
        let fields = "X-User: ada\r\nX-Groups: admin, dev\r\nX-Forwarded-For: 6.6.6.6, 198.51.100.7\r\nHost:";
        let request = String::from_utf8(post(&call(1, "echo"))).unwrap().replacen("Host:", fields, 1);
        proxy.client().await.ask(request).await;
        assert_eq!(server.last().field("x-user"), Some("ada"), "it passes in any case");
        assert_eq!(server.last().field("x-forwarded-for"), Some("6.6.6.6, 198.51.100.7"), "and is not added to");
        let records = proxy.records().await;
        let request = request_of(&records);
        let verified = request.get(names::AUDITRAIL_ACTOR_VERIFIED) == Some(&true.into());
        let text = |name| request.text(name).unwrap();
        assert_eq!((text(names::CLIENT_ADDRESS), text(names::AUDIT_ACTOR_ID), verified), expected);
        assert_eq!(request.get(names::USER_ROLES).is_some(), network == "127.0.0.0/8");
        assert_eq!(request.get(names::CLIENT_PORT).is_some(), network == "10.0.0.0/8", "0 is no port");
    }
}

#[tokio::test]
async fn an_identity_that_is_there_twice_is_nobodys() {
    let bench = Bench::with(|builder| builder.identify(IdentityFields::new("x-user".parse().unwrap())));
    let mut settings = reverse(echo().await.address);
    settings.hops.networks = vec!["127.0.0.1/32".parse().unwrap()];
    let proxy = Proxy::with(Arc::new(bench), settings).await;
    let fields = "X-User: mallory\r\nX-User: ada\r\nHost:";
    let request = String::from_utf8(post(&call(1, "echo"))).unwrap().replacen("Host:", fields, 1);
    proxy.client().await.ask(request).await;
    let records = proxy.records().await;
    assert_eq!(request_of(&records).text(names::AUDIT_ACTOR_ID), Some("anonymous"));
    assert_eq!(request_of(&records).text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON), Some("several"));
}

/// The collector away and the journal full; an extractor that panics; a clock is not among them, as it cannot fail.
#[tokio::test]
async fn invariant_6_an_audit_that_fails_in_any_way_changes_no_byte() {
    let server = echo().await;
    let sound = Proxy::before(server.address).await;
    let full = Proxy::built(server.address, |builder| builder.journal_max_bytes(256 * 1024)).await;
    full.bench.sunk.away.store(true, Ordering::SeqCst);
    let panics = Proxy::built(server.address, |builder| builder.actor(|_| panic!("by the test"))).await;
    let unwritable = Proxy::before(server.address).await;
    // The journal may be making a segment in it at that very moment.
    let journal = unwritable.bench.directory.path().join("journal");
    while journal.exists() {
        drop(std::fs::remove_dir_all(&journal));
    }
    let failing = [&full, &panics, &unwritable];
    let expected = exchanged(&sound, &server).await;
    for proxy in failing {
        for _ in 0..300 {
            assert_eq!(exchanged(proxy, &server).await, expected);
        }
    }
    assert!(full.bench.trail.counts().refused > 0, "it was full");
    assert!(panics.bench.said().iter().any(|text| text.contains("the actor extractor panicked")));
    full.bench.sunk.away.store(false, Ordering::SeqCst);
}

/// What each side saw.
async fn exchanged(proxy: &Proxy, server: &Server) -> (crate::message::Message, crate::message::Message) {
    let got = proxy.client().await.post(&call(1, "echo")).await;
    (server.last(), got)
}

#[tokio::test]
async fn what_is_no_mcp_leaves_no_records() {
    let server = Server::answering(|_| ok("text/html", "<p>")).await;
    let proxy = Proxy::before(server.address).await;
    let mut client = proxy.client().await;
    client.ask("GET /.well-known/oauth-authorization-server HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let form = "POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b";
    client.ask(form).await;
    assert!(proxy.records().await.is_empty());
}

/// Users who have other tools: each definition is told once, with who listed it, however often they take turns.
#[tokio::test]
async fn a_definition_is_told_when_it_was_never_seen_before() {
    let server = Server::answering(|request| {
        let user = request.field("x-user").unwrap().to_owned();
        if request.text().contains("initialize") {
            let body = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#;
            let head = format!("HTTP/1.1 200 OK\r\nMcp-Session-Id: of-{user}\r\nContent-Type: application/json");
            return format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
        }
        let tool = format!(r#"{{"name":"search","description":"for {user}","inputSchema":{{}}}}"#);
        ok(
            "application/json",
            &format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{tool},{{"name":"same"}}]}}}}"#),
        )
    });
    let server = server.await;
    let mut settings = reverse(server.address);
    settings.hops.networks = vec!["127.0.0.0/8".parse().unwrap()];
    let bench = Bench::with(|builder| builder.identify(IdentityFields::new("x-user".parse().unwrap())));
    let proxy = Proxy::with(Arc::new(bench), settings).await;
    let mut client = proxy.client().await;
    for user in ["ada", "bob"] {
        let initialize = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"2025-11-25","clientInfo":{{"name":"of {user}","version":"1"}}}}}}"#
        );
        let request = String::from_utf8(post(&initialize)).unwrap();
        client.ask(request.replacen("Host:", &format!("X-User: {user}\r\nHost:"), 1)).await;
    }
    for user in ["ada", "bob"].into_iter().cycle().take(10) {
        let request = String::from_utf8(post(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#)).unwrap();
        let fields = format!("X-User: {user}\r\nMcp-Session-Id: of-{user}\r\nHost:");
        client.ask(request.replacen("Host:", &fields, 1)).await;
    }
    let records = proxy.records().await;
    let told = records.iter().filter(|record| record.event_name == "auditrail.mcp.tool_definition");
    let told: Vec<_> = told
        .map(|record| {
            let text = |name| record.text(name).unwrap_or_default();
            let who = [names::AUDIT_ACTOR_ID, names::MCP_SESSION_ID, names::AUDITRAIL_CLIENT_NAME].map(text);
            (text(names::GEN_AI_TOOL_NAME), text(names::AUDIT_ACTION), who)
        })
        .collect();
    let (ada, bob) = (["ada", "of-ada", "of ada"], ["bob", "of-bob", "of bob"]);
    assert_eq!(told, [("search", "CREATE", ada), ("same", "CREATE", ada), ("search", "UPDATE", bob)]);
}
