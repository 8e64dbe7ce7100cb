//! Streams: everything passes when it comes, and ends when one side ends it.

use std::time::Duration;

use auditrail::record::names;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::message::Messages;
use crate::rig::{Client, Proxy, call, here, post, result, within};
use crate::support::ending;

/// A server whose connections the test itself serves.
pub(crate) async fn listening() -> (TcpListener, Proxy) {
    let listener = TcpListener::bind(here()).await.unwrap();
    let proxy = Proxy::before(listener.local_addr().unwrap()).await;
    (listener, proxy)
}

pub(crate) async fn accepted(listener: &TcpListener) -> TcpStream {
    within(listener.accept()).await.unwrap().0
}

const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

pub(crate) async fn event(stream: &mut TcpStream, text: &str) {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await.unwrap();
}

async fn request(stream: &mut TcpStream) -> crate::message::Message {
    within(Messages::new(stream).request()).await.unwrap()
}

/// A call that the server has read and not answered.
async fn asked(listener: &TcpListener, client: &mut Client, id: u64) -> TcpStream {
    client.send(post(&call(id, "slow"))).await;
    let mut stream = accepted(listener).await;
    request(&mut stream).await;
    stream
}

pub(crate) async fn streaming(listener: &TcpListener, client: &mut Client) -> TcpStream {
    let mut stream = asked(listener, client, 1).await;
    stream.write_all(EVENTS.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn invariant_1_an_event_arrives_while_the_stream_is_open() {
    let (listener, proxy) = listening().await;
    let mut client = proxy.client().await;
    let mut stream = streaming(&listener, &mut client).await;
    within(client.messages.head()).await.unwrap();
    for text in
        [": ping\n\n", "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\"}\n\n", "d", "ata: 1\r\r"]
    {
        event(&mut stream, text).await;
        let chunk = within(client.messages.chunk()).await.unwrap();
        assert_eq!(String::from_utf8(chunk).unwrap(), text, "frame by frame");
    }
    let answer = format!("data: {}\n\n", result(1));
    event(&mut stream, &answer).await;
    assert_eq!(within(client.messages.chunk()).await.unwrap(), answer.as_bytes());
    // Recorded while the stream is still open.
    let ended = || proxy.bench.records().iter().any(|record| ending(record) == ("response", "success", "ok"));
    assert!(ended(), "what was said is recorded before it is passed on");
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(within(client.messages.chunk()).await.unwrap(), b"");
}

#[tokio::test]
async fn invariant_1_a_request_is_streamed_too() {
    let (listener, proxy) = listening().await;
    let mut client = proxy.client().await;
    client.send("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    let mut stream = accepted(&listener).await;
    let mut server = Messages::new(&mut stream);
    within(server.head()).await.unwrap();
    for text in ["one", "two"] {
        client.send(format!("{:x}\r\n{text}\r\n", text.len())).await;
        assert_eq!(within(server.chunk()).await.unwrap(), text.as_bytes(), "before the next one is sent");
    }
    // And the answer comes before the request is over.
    drop(server);
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    assert_eq!(client.response("POST").await.text(), "ok");
}

/// What was sent as many frames passes as such, whatever has come at once.
#[tokio::test]
async fn invariant_1_frames_that_come_together_are_not_joined() {
    let (listener, proxy) = listening().await;
    let mut client = proxy.client().await;
    let mut stream = streaming(&listener, &mut client).await;
    within(client.messages.head()).await.unwrap();
    let texts: Vec<_> = (0..50).map(|number| format!(": {number}\n\n")).collect();
    let chunks: String = texts.iter().map(|text| format!("{:x}\r\n{text}\r\n", text.len())).collect();
    stream.write_all(chunks.as_bytes()).await.unwrap();
    for text in &texts {
        assert_eq!(within(client.messages.chunk()).await.unwrap(), text.as_bytes());
    }
}

/// The two directions do not wait for each other.
#[tokio::test]
async fn invariant_1_a_request_goes_on_while_nobody_reads_its_answer() {
    let (listener, proxy) = listening().await;
    let mut client = proxy.client().await;
    client.send("POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n-\r\n").await;
    let (read, mut write) = accepted(&listener).await.into_split();
    let mut server = Messages::new(read);
    within(server.head()).await.unwrap();
    assert_eq!(within(server.chunk()).await.unwrap(), b"-");
    write.write_all(EVENTS.as_bytes()).await.unwrap();
    within(client.messages.head()).await.unwrap();
    // Until all that lies between the two is full.
    let full = async {
        let chunk = format!("{:x}\r\n{}\r\n", 60_000, "x".repeat(60_000));
        while tokio::time::timeout(Duration::from_millis(300), write.write_all(chunk.as_bytes())).await.is_ok() {}
    };
    within(full).await;
    for number in 0..100 {
        let text = format!("{number:060000}");
        client.send(format!("{:x}\r\n{text}\r\n", text.len())).await;
        let mut got = 0;
        while got < text.len() {
            got += within(server.chunk()).await.unwrap().len();
        }
    }
}

#[tokio::test]
async fn invariant_3_a_client_that_goes_takes_its_request_along() {
    // While it waits for the head of the answer, and in the midst of a stream.
    for is_streaming in [false, true] {
        let (listener, proxy) = listening().await;
        let mut client = proxy.client().await;
        let mut stream = if is_streaming {
            let stream = streaming(&listener, &mut client).await;
            within(client.messages.head()).await.unwrap();
            stream
        } else {
            asked(&listener, &mut client, 1).await
        };
        drop(client);
        let left = within(stream.read_to_end(&mut Vec::new())).await;
        assert!(left.is_ok_and(|length| length == 0) || is_streaming, "the server sees the end");
        let records = proxy.records().await;
        let last = records.iter().rfind(|record| record.text(names::AUDITRAIL_PHASE) == Some("response")).unwrap();
        assert_eq!(ending(last), ("response", "unknown", "no_response"), "{last:?}");
    }
}

#[tokio::test]
async fn invariant_3_a_server_that_breaks_off_breaks_off_the_answer() {
    let (listener, proxy) = listening().await;
    let mut client = proxy.client().await;
    let mut stream = streaming(&listener, &mut client).await;
    event(&mut stream, ": hello\n\n").await;
    within(client.messages.head()).await.unwrap();
    within(client.messages.chunk()).await.unwrap();
    drop(stream);
    assert_eq!(within(client.messages.chunk()).await, None, "and not the chunk that would make it whole");
}

#[tokio::test]
async fn invariant_3_a_server_that_is_not_there_is_a_502_that_says_what_to_do() {
    let listener = TcpListener::bind(here()).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = Proxy::before(address).await;
    let mut client = proxy.client().await;
    for id in 0..3 {
        let answer = client.post(&call(id, "echo")).await;
        assert_eq!(answer.status(), 502);
        assert!(answer.text().contains("cannot be reached; check that it runs"), "{}", answer.text());
        assert!(!answer.text().contains("127.0.0.1"), "what is inside stays there");
    }
    let said = proxy.bench.said();
    assert_eq!(said.iter().filter(|text| text.contains("cannot be reached")).count(), 1, "once: {said:?}");
    let records = proxy.records().await;
    let endings: Vec<_> = records.iter().map(ending).filter(|ending| ending.0 == "response").collect();
    assert_eq!(endings.len(), 3);
    assert!(endings.iter().all(|ending| ending.1 == "failure"), "{endings:?}");
}

#[tokio::test]
async fn invariant_3_a_server_that_closes_without_a_word_is_a_502() {
    let (listener, proxy) = listening().await;
    let mut client = proxy.client().await;
    drop(asked(&listener, &mut client, 1).await);
    let answer = client.response("POST").await;
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("closed the connection"), "{}", answer.text());
}

#[tokio::test]
async fn invariant_4_a_connection_that_cannot_be_made_in_time_is_a_504() {
    // The addresses of RFC 5737 answer to nobody; where the network says so at once, it is a 502.
    let mut settings = crate::rig::reverse("192.0.2.1:9".parse().unwrap());
    settings.connect_timeout = Duration::from_millis(50);
    let proxy = Proxy::with(std::sync::Arc::new(crate::support::Bench::new()), settings).await;
    let answer = proxy.client().await.post(&call(1, "echo")).await;
    assert!(matches!(answer.status(), 502 | 504), "{answer:?}");
}

#[tokio::test]
async fn connections_to_the_server_are_used_again_and_a_closed_one_is_replaced() {
    let (listener, proxy) = listening().await;
    let mut client = proxy.client().await;
    let mut stream = None;
    for id in 0..3 {
        client.send(post(&call(id, "echo"))).await;
        let mut server = match stream.take() {
            Some(server) => server,
            None => accepted(&listener).await,
        };
        request(&mut server).await;
        server.write_all(&crate::rig::ok("application/json", &result(id))).await.unwrap();
        assert_eq!(client.response("POST").await.text(), result(id));
        stream = Some(server);
    }
    drop(stream);
    let mut server = asked(&listener, &mut client, 9).await;
    server.write_all(&crate::rig::ok("application/json", &result(9))).await.unwrap();
    assert_eq!(client.response("POST").await.text(), result(9));
}

#[tokio::test]
async fn a_connection_to_the_server_that_nobody_uses_is_closed() {
    let (listener, proxy) = listening().await;
    let mut client = proxy.client().await;
    let mut server = asked(&listener, &mut client, 1).await;
    server.write_all(&crate::rig::ok("application/json", &result(1))).await.unwrap();
    assert_eq!(client.response("POST").await.text(), result(1));
    assert_eq!(within(server.read(&mut [0; 1])).await.unwrap(), 0, "its end");
}
