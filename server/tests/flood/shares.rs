//! A client that takes more than its share is refused, or its records are left out, before others are affected.

use std::net::SocketAddr;
use std::sync::Arc;

use auditrail::policy::Bounds;
use auditrail::record::{Value, names};
use auditrail::trail::Class;
use auditrail_server::proxy::http::TrustedHops;

use crate::rig::{Client, Proxy, Server, call, ok, result, reverse};
use crate::support::Bench;

/// Everybody comes through a hop on this machine, which says who they are.
pub(crate) async fn proxy_to(server: SocketAddr, bench: Bench) -> Proxy {
    let mut settings = reverse(server);
    settings.hops = TrustedHops { networks: vec!["127.0.0.0/8".parse().unwrap()], ..TrustedHops::default() };
    Proxy::with(Arc::new(bench), settings).await
}

pub(crate) fn post_from(address: &str, length: usize, body: &str) -> Vec<u8> {
    request_from(address, "", length, body)
}

pub(crate) fn request_from(address: &str, fields: &str, length: usize, body: &str) -> Vec<u8> {
    let head = "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json";
    format!("{head}\r\nX-Forwarded-For: {address}\r\n{fields}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_has_much_held_is_told_to_come_back_and_another_is_served() {
    let server = Server::answering(|_| ok("application/json", &result(1))).await;
    let mut bounds = Bounds::default();
    bounds.held_bytes = 400_000;
    let proxy = proxy_to(server.address, Bench::with(|builder| builder.class(Class::CRITICAL).bounds(bounds))).await;
    let padded = call(1, "a").replace("{}}}", &format!("{{\"a\":\"{}\"}}}}}}", "x".repeat(90_000)));
    let mut open = Vec::new();
    let mut refused = 0;
    // Each sends all but the last byte, and waits.
    for _ in 0..6 {
        let mut client = Client::to(proxy.address).await;
        client.send(post_from("192.0.2.1", padded.len(), &padded[..padded.len() - 1])).await;
        open.push(client);
    }
    // Of IPv6, a machine has any number of addresses.
    let mut other = Client::to(proxy.address).await;
    let answer = other.ask(post_from("2001:db8::1", padded.len(), &padded)).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    for mut client in open {
        client.send(&padded[padded.len() - 1..]).await;
        let answer = client.response("POST").await;
        if answer.status() == 503 {
            assert_eq!(answer.field("retry-after"), Some("1"));
            refused += 1;
        }
    }
    assert!((2..6).contains(&refused), "{refused} of 6");
    // All is given back.
    let again = Client::to(proxy.address).await.ask(post_from("192.0.2.1", padded.len(), &padded)).await;
    assert_eq!(again.status(), 200);
    let records = proxy.records().await;
    let by_status = |status| {
        let is_it = |record: &&auditrail::record::Record| {
            record.get(names::HTTP_RESPONSE_STATUS_CODE) == Some(&Value::Int(status))
        };
        records.iter().filter(is_it).count()
    };
    assert_eq!((by_status(503), by_status(200)), (refused, 8 - refused), "each has its end");
}
