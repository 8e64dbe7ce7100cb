//! Clients that do not say in time what they want.

use std::sync::Arc;
use std::time::Duration;

use auditrail_server::proxy::http::PemFiles;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::rig::{Client, Proxy, call, here, ok, post, result, reverse, within};
use crate::streams::{accepted, event, streaming};
use crate::support::Bench;
use crate::versions::file;

/// More than a client takes that says what it wants; every one here but the patient one is late, whatever it is.
const HEAD: Duration = Duration::from_secs(3);

#[tokio::test]
async fn invariant_4_who_begins_and_does_not_go_on_is_cut_off_and_a_stream_is_not() {
    let listener = TcpListener::bind(here()).await.unwrap();
    let mut settings = reverse(listener.local_addr().unwrap());
    settings.head_timeout = HEAD;
    let proxy = Proxy::with(Arc::new(Bench::new()), settings).await;
    let mut patient = proxy.client().await;
    let mut stream = streaming(&listener, &mut patient).await;
    within(patient.messages.head()).await.unwrap();
    let late = ["", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r", "PO", "POST /mcp HTTP/1.1\r\nHost: a\r\nConte"];
    all_end(&proxy, &late.map(str::as_bytes)).await;
    // One that had a request before.
    let mut client = proxy.client().await;
    client.send(post(&call(2, "echo"))).await;
    let mut server = accepted(&listener).await;
    server.write_all(&ok("application/json", &result(2))).await.unwrap();
    assert_eq!(client.response("POST").await.text(), result(2));
    ends(client, b"POST /mcp HT").await;
    // By now the stream is older than all of them.
    event(&mut stream, ": still here\n\n").await;
    assert_eq!(within(patient.messages.chunk()).await.unwrap(), b": still here\n\n");
}

#[tokio::test]
async fn invariant_4_who_does_not_finish_the_handshake_is_cut_off() {
    // Nobody gets as far as the server.
    let mut settings = reverse("127.0.0.1:9".parse().unwrap());
    settings.tls = Some(PemFiles { certificate: file("ours-server.pem"), key: file("ours-server.key") });
    settings.head_timeout = HEAD;
    let proxy = Proxy::with(Arc::new(Bench::new()), settings).await;
    all_end(&proxy, &[b"", b"\x16\x03\x01"]).await;
}

/// All at the same time.
async fn all_end(proxy: &Proxy, begun: &[&'static [u8]]) {
    let mut clients = Vec::new();
    for begun in begun {
        clients.push(tokio::spawn(ends(proxy.client().await, begun)));
    }
    for client in clients {
        client.await.unwrap();
    }
}

/// It sends no more, keeps the connection open, and sees its end all the same.
async fn ends(mut client: Client, begun: &'static [u8]) {
    client.send(begun).await;
    within(async { while client.messages.more().await {} }).await;
}
