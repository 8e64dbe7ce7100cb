//! OTLP/HTTP, by a client that writes what it wants.

use std::{io::Write, net::SocketAddr};

use auditrail::serve::Receiver;
use flate2::{Compression, write::GzEncoder};
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{field, logs, record, soon, traces};

const PROTOBUF: &str = "Content-Type: application/x-protobuf";

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn message(&self) -> String {
        assert!(self.head.contains("content-type: application/x-protobuf"), "{}", self.head);
        RpcStatus::decode(&self.body[..]).unwrap().message
    }
}

async fn receiver() -> Receiver {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    Receiver::builder().without_grpc().http(any).max_message_bytes(4_096).start().await.unwrap()
}

/// Sends bytes as they are, and reads until the server closes.
async fn send(receiver: &Receiver, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(receiver.http_addr().unwrap()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    Answer { status: head[9..12].parse().unwrap(), body: answer[end + 4..].to_vec(), head }
}

async fn post(receiver: &Receiver, path: &str, headers: &[&str], body: &[u8]) -> Answer {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n");
    send(receiver, &[head.as_bytes(), body].concat()).await
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn records_and_spans_arrive_as_they_were_sent() {
    let receiver = receiver().await;
    let odd_record = [record("odd").encode_to_vec(), field(15, b"from the future")].concat();
    let request = field(1, &field(2, &field(2, &odd_record)));
    let answer = post(&receiver, "/v1/logs", &[PROTOBUF], &request).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0), "{}", answer.head);
    assert!(answer.head.contains("content-type: application/x-protobuf"), "{}", answer.head);
    assert_eq!(receiver.record("odd").unwrap().bytes, odd_record);

    let request = traces(&["tools/list"]).encode_to_vec();
    assert_eq!(post(&receiver, "/v1/traces", &[PROTOBUF], &request).await.status, 200);
    assert_eq!(receiver.spans()[0].span.name, "tools/list");
}

#[tokio::test]
async fn gzip_is_taken_and_so_is_a_content_type_with_parameters() {
    let receiver = receiver().await;
    let headers = ["content-type: Application/X-Protobuf; messageType=\"x\"", "Content-Encoding: gzip"];
    let answer = post(&receiver, "/v1/logs", &headers, &gzip(&logs(&["a"]).encode_to_vec())).await;
    assert_eq!(answer.status, 200, "{}", answer.head);
    assert_eq!(receiver.record("a").unwrap().bytes, record("a").encode_to_vec());
}

#[tokio::test]
async fn a_chunked_body_is_taken() {
    let receiver = receiver().await;
    let body = logs(&["a"]).encode_to_vec();
    let (first, second) = body.split_at(10);
    let head = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{PROTOBUF}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let size = |chunk: &[u8]| format!("{:x}\r\n", chunk.len()).into_bytes();
    let parts = [head.as_bytes(), &size(first), first, b"\r\n", &size(second), second, b"\r\n0\r\n\r\n"].concat();
    assert_eq!(send(&receiver, &parts).await.status, 200);
    assert!(receiver.record("a").is_some());
}

#[tokio::test]
async fn what_is_not_protobuf_is_told_so_in_text() {
    let receiver = receiver().await;
    let types: [&[&str]; 3] = [&["Content-Type: application/json"], &[], &["Content-Type: \u{fffd}"]];
    for headers in types {
        let answer = post(&receiver, "/v1/logs", headers, b"{}").await;
        assert_eq!(answer.status, 415);
        let text = String::from_utf8(answer.body).unwrap();
        assert!(text.contains("OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"), "{text}");
    }
    let answer = post(&receiver, "/v1/logs", &[PROTOBUF, "Content-Encoding: br"], b"").await;
    assert_eq!(answer.status, 415);
    assert!(answer.message().contains("`br`"), "{}", answer.message());
}

#[tokio::test]
async fn malformed_bodies_are_refused_whole() {
    let receiver = receiver().await;
    let half_good = field(1, &field(2, &[field(2, &record("good").encode_to_vec()), field(2, &[0x0e])].concat()));
    for (headers, body) in [
        (&[PROTOBUF][..], &b"\xff"[..]),
        (&[PROTOBUF][..], &half_good[..]),
        (&[PROTOBUF, "Content-Encoding: gzip"][..], &b"no gzip"[..]),
    ] {
        let answer = post(&receiver, "/v1/logs", headers, body).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.message().is_empty());
    }
    assert!(receiver.records().is_empty());
}

#[tokio::test]
async fn what_is_too_large_is_refused_however_it_comes() {
    let receiver = receiver().await;
    let announced =
        format!("POST /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{PROTOBUF}\r\nContent-Length: 4097\r\n\r\n");
    assert_eq!(send(&receiver, announced.as_bytes()).await.status, 413, "before any of the body was sent");

    let chunked = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{PROTOBUF}\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n"
    );
    let answer = send(&receiver, &[chunked.as_bytes(), &[0; 0x1001]].concat()).await;
    assert_eq!(answer.status, 413, "as soon as it is known");

    let bomb = gzip(&vec![0; 1 << 20]);
    let answer = post(&receiver, "/v1/logs", &[PROTOBUF, "Content-Encoding: gzip"], &bomb).await;
    assert!(bomb.len() < 4_096);
    assert_eq!(answer.status, 413);
    assert!(answer.message().contains("4096 bytes after decompression"), "{}", answer.message());
}

#[tokio::test]
async fn other_paths_and_methods_are_not_there() {
    let receiver = receiver().await;
    let answer = post(&receiver, "/v1/metrics", &[PROTOBUF], b"").await;
    assert_eq!(answer.status, 404);
    assert!(String::from_utf8(answer.body).unwrap().contains("/v1/traces"));
    let answer = send(&receiver, b"GET /v1/logs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert_eq!(answer.status, 405);
    assert!(answer.head.contains("allow: POST"), "{}", answer.head);
}
