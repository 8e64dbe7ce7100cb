//! Calls that may not go unrecorded: held until they may run, or refused.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use auditrail::policy::Decision;
use auditrail::record::{Record, names};
use auditrail::trail::{Class, TrailBuilder};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpSocket;

use crate::bytes::gzip;
use crate::message::{Message, Messages};
use crate::rig::{Proxy, Server, call, here, ok, post, result, reverse, within};
use crate::support::{Bench, ending};

fn critical(builder: TrailBuilder) -> TrailBuilder {
    builder.classify(|call| if call.name() == Some("pay") { Class::CRITICAL } else { Class::default() })
}

async fn echo() -> Server {
    Server::answering(|_| ok("application/json", &result(1))).await
}

fn ids(records: &[Record]) -> Vec<(&str, &str, &str)> {
    records.iter().map(ending).collect()
}

fn error(answer: &Message) -> Value {
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    answer
}

#[tokio::test]
async fn a_call_that_can_be_recorded_is_relayed_as_it_came() {
    let server = echo().await;
    let proxy = Proxy::built(server.address, critical).await;
    let mut client = proxy.client().await;
    let body = call(1, "pay");
    // With chunks and trailers, which are kept while it is held.
    let head =
        "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: X-T";
    let (one, two) = body.split_at(10);
    let chunks = format!("{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\nX-T: 1\r\n\r\n", one.len(), two.len());
    assert_eq!(client.ask(format!("{head}\r\n\r\n{chunks}")).await.text(), result(1));
    let seen = server.last();
    assert_eq!((seen.field("transfer-encoding"), seen.field("content-length")), (Some("chunked"), None));
    assert_eq!((seen.text(), seen.trailers), (body, vec![b"X-T: 1".to_vec()]));
    client.post(&call(2, "pay")).await;
    assert_eq!(server.last().head.len(), post("").split(|byte| *byte == b'\n').count() - 2);
    let records = proxy.records().await;
    assert_eq!(ids(&records)[..2], [("request", "unknown", ""), ("response", "success", "ok")]);
}

/// What was held goes to the server at once, and the server may take its time with it after it has answered. How much of it
/// waits in the proxy and not in the system depends on the size.
#[tokio::test]
async fn a_server_that_answers_before_it_has_read_gets_all_of_the_request() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.bind(here()).unwrap();
    let listener = socket.listen(1).unwrap();
    let proxy = Proxy::built(listener.local_addr().unwrap(), critical).await;
    for size in (0..102).map(|step| 40_000 * step) {
        let mut client = proxy.client().await;
        let argument = format!("\"pay\",\"arguments\":{{\"a\":\"{}\"}}", "x".repeat(size));
        let body = call(1, "pay").replace("\"pay\"", &argument);
        client.send(post(&body)).await;
        let (read, mut write) = within(listener.accept()).await.unwrap().0.into_split();
        let mut server = Messages::new(read);
        within(server.head()).await.unwrap();
        write.write_all(b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        assert_eq!(client.response("POST").await.status(), 202);
        assert!(within(server.bytes(body.len())).await == body.as_bytes(), "{size}: the request was cut off");
    }
}

#[tokio::test]
async fn a_call_that_cannot_be_recorded_is_refused_and_others_run() {
    let server = echo().await;
    let bench = Bench::with(|builder| critical(builder.journal_max_bytes(256 * 1024)));
    bench.sunk.away.store(true, Ordering::SeqCst);
    let proxy = Proxy::with(Arc::new(bench), reverse(server.address)).await;
    let mut client = proxy.client().await;
    let refused = loop {
        // The others fill the journal.
        assert_eq!(client.post(&call(1, "echo")).await.text(), result(1));
        let answer = client.post(&call(7, "pay")).await;
        if answer.text() != result(1) {
            break answer;
        }
    };
    let relayed = server.seen().len();
    assert_eq!((refused.status(), refused.field("content-type")), (200, Some("application/json")));
    let said = error(&refused);
    assert_eq!((&said["jsonrpc"], &said["id"], &said["error"]["code"]), (&json!("2.0"), &json!(7), &json!(-32044)));
    assert!(said["error"]["data"]["auditrail.call.id"].is_string(), "{said}");
    assert!(said["error"]["message"].as_str().unwrap().contains("try again later"));
    // A batch is refused whole: it is one body.
    let batch = format!("[{},{}]", call(1, "echo"), call(2, "pay").replace("\"id\":2", "\"id\":\"b\\u0041\""));
    let said = error(&client.post(&batch).await);
    let codes: Vec<_> = said.as_array().unwrap().iter().map(|one| (&one["id"], &one["error"]["code"])).collect();
    assert_eq!(codes, [(&json!(1), &json!(-32044)), (&json!("bA"), &json!(-32044))]);
    assert_eq!(client.post(&call(1, "echo")).await.text(), result(1), "fails open");
    assert_eq!(server.seen().len(), relayed + 1, "no refused call was relayed");
    proxy.bench.sunk.away.store(false, Ordering::SeqCst);
}

#[tokio::test]
async fn a_denied_call_is_answered_and_recorded_as_denied() {
    let server = echo().await;
    let deny = |call: &auditrail::trail::Call| {
        if call.name() == Some("pay") { Decision::deny("not on Sundays") } else { Decision::Allow }
    };
    let proxy = Proxy::built(server.address, |builder| builder.authorize(deny)).await;
    let answer = proxy.client().await.post(&call(3, "pay")).await;
    let said = error(&answer);
    assert_eq!((answer.status(), &said["id"], &said["error"]["code"]), (200, &json!(3), &json!(-32043)));
    assert_eq!(said["error"]["message"], "call denied: not on Sundays");
    assert!(server.seen().is_empty());
    let records = proxy.records().await;
    let decision = ("", "failure", "denied");
    assert_eq!(ids(&records), [("request", "unknown", ""), decision, ("response", "failure", "denied")]);
    assert_eq!(said["error"]["data"]["auditrail.call.id"], records[0].text(names::AUDITRAIL_CALL_ID).unwrap());
}

/// A server may run it all the same, whatever JSON-RPC says of notifications.
#[tokio::test]
async fn a_call_without_an_id_is_held_like_any_other() {
    let server = echo().await;
    let deny = |call: &auditrail::trail::Call| {
        if call.name() == Some("pay") { Decision::deny("not on Sundays") } else { Decision::Allow }
    };
    let proxy = Proxy::built(server.address, |builder| builder.authorize(deny)).await;
    let nameless = |tool: &str| call(3, tool).replace("\"id\":3,", "");
    assert!(!nameless("pay").contains("\"id\""));
    let answer = proxy.client().await.post(&nameless("pay")).await;
    let said = error(&answer);
    assert_eq!((answer.status(), &said["id"], &said["error"]["code"]), (403, &Value::Null, &json!(-32043)));
    let batch = format!("[{},{}]", nameless("pay"), call(4, "echo"));
    let answer = proxy.client().await.post(&batch).await;
    let said = error(&answer);
    assert_eq!((said.as_array().unwrap().len(), &said[0]["id"]), (1, &json!(4)), "{said}");
    assert!(server.seen().is_empty());
    proxy.client().await.post(&nameless("echo")).await;
    assert_eq!(server.seen().len(), 1, "what is allowed passes");
    let denied = [("request", "unknown", ""), ("", "failure", "denied"), ("response", "failure", "denied")];
    let records = proxy.records().await;
    let of_pay: Vec<_> =
        records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("pay")).cloned().collect();
    assert_eq!(ids(&of_pay), [denied, denied].concat());
    assert_eq!(records.len(), 10);
}

#[tokio::test]
async fn what_is_too_large_to_be_held_is_refused_and_said_so() {
    let server = echo().await;
    let mut settings = reverse(server.address);
    settings.max_held = 10_000;
    let proxy = Proxy::with(Arc::new(Bench::with(critical)), settings).await;
    let large = call(1, &"x".repeat(20_000));
    let answer = proxy.client().await.post(&large).await;
    assert_eq!(answer.status(), 413);
    let said = error(&answer);
    assert_eq!((&said["id"], &said["error"]["code"]), (&Value::Null, &json!(-32044)));
    assert!(said["error"]["message"].as_str().unwrap().contains("10000 bytes"), "{said}");
    let head = "POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked";
    let chunked = format!("{head}\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    assert_eq!(proxy.client().await.ask(chunked).await.status(), 413);
    assert!(server.seen().is_empty());
}

/// A server may read what calls itself something else, or what is in another encoding.
#[tokio::test]
async fn what_is_not_understood_is_not_relayed_where_calls_are_held() {
    let server = echo().await;
    let (held, open) = (Proxy::built(server.address, critical).await, Proxy::before(server.address).await);
    let pay = call(1, "pay");
    let utf16: Vec<u8> = pay.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let json = "Content-Type: application/json";
    let bodies: [(&str, Vec<u8>); 10] = [
        ("Content-Type: text/plain", pay.clone().into_bytes()),
        ("Content-Type: text/plain", [b"\xef\xbb\xbf \n", pay.as_bytes()].concat()),
        ("Content-Type: text/plain", utf16.clone()),
        (json, format!("{pay}{pay}").into_bytes()),
        // Readers differ in what these say.
        (json, pay.replacen("\"method\"", "\"method\":\"ping\",\"method\"", 1).into_bytes()),
        (json, pay.bytes().map(|byte| if byte == b'y' { 0xff } else { byte }).collect()),
        ("Content-Type: application/json; charset=utf-7", pay.clone().into_bytes()),
        ("Content-Type: application/json\r\nContent-Encoding: compress", b"\x1f\x9d".to_vec()),
        ("Content-Type: text/plain\r\nContent-Encoding: gzip", gzip(pay.as_bytes())),
        // Most servers run this, and some refuse it.
        ("Content-Type: application/json\r\nContent-Encoding: zstd", pay.clone().into_bytes()),
    ];
    for (number, (fields, body)) in bodies.iter().enumerate() {
        let head = format!("POST /mcp HTTP/1.1\r\nHost: a\r\n{fields}\r\nContent-Length: {}\r\n\r\n", body.len());
        let request = [head.as_bytes(), body].concat();
        let before = server.seen().len();
        let answer = held.client().await.ask(&request).await;
        assert!(matches!(answer.status(), 400 | 415), "{number}: {answer:?}");
        assert_eq!(error(&answer)["error"]["code"], -32044, "{number}");
        assert_eq!(server.seen().len(), before, "{number}");
        assert_eq!(open.client().await.ask(&request).await.status(), 200);
        assert!(server.last().body == *body, "{number}: relayed where nothing is held");
    }
    // What can be no message passes all the same.
    let form = "POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b";
    assert_eq!(held.client().await.ask(form).await.status(), 200);
    // And what is read, however it is written, passes as it is.
    let zstd = zstd_of(pay.as_bytes());
    for (fields, body) in [
        ("Content-Encoding: gzip", gzip(pay.as_bytes())),
        ("Content-Encoding: zstd", zstd.clone()),
        ("Content-Encoding: zstd, gzip", gzip(&zstd)),
        ("Accept: */*", utf16),
        ("Accept: */*", format!("\u{feff}{pay}").into_bytes()),
    ] {
        let head =
            format!("POST /mcp HTTP/1.1\r\nHost: a\r\n{json}\r\n{fields}\r\nContent-Length: {}\r\n\r\n", body.len());
        let answer = held.client().await.ask([head.as_bytes(), &body].concat()).await;
        assert_eq!(answer.text(), result(1), "{fields}: this is read");
        assert!(server.last().body == body, "{fields}");
    }
}

/// A frame of one raw block: magic number, a window of 8 MiB, a header with the length and the mark of the last.
fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    let header = (u32::try_from(bytes.len()).unwrap() << 3 | 1).to_le_bytes();
    [b"\x28\xb5\x2f\xfd\x00\x68", &header[..3], bytes].concat()
}
