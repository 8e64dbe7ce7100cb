//! The servers that a forward proxy knows.

use auditrail::record::{Record, names};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::forward::forward;
use crate::message::Messages;
use crate::rig::{Client, call, here, ok, post, result, within};
use crate::streams::{accepted, event};
use crate::support::ending;

/// As many as it knows at a time.
const MOST: usize = 256;
const SESSION: &str = "Mcp-Session-Id: s1\r\nHost:";

/// What is known of a session tells whether its server is.
#[tokio::test]
async fn the_server_that_was_used_longest_ago_is_forgotten_and_what_is_open_there_is_finished() {
    let (old, used) = (Origin::new().await, Origin::new().await);
    let proxy = forward().await;
    let mut client = proxy.client().await;
    for origin in [&old, &used] {
        origin.initialized(&mut client).await;
    }
    // Open when its server is forgotten: one answer that has begun, and one that has not.
    let (mut streaming, mut waiting) = (proxy.client().await, proxy.client().await);
    let (mut begun, mut to_come) = (old.asked(&mut streaming, 10).await, old.asked(&mut waiting, 11).await);
    begun.write_all(STREAM).await.unwrap();
    within(streaming.messages.head()).await.unwrap();
    // All are kept, so that no two have the same port.
    let mut others = Vec::new();
    for number in 1..MOST {
        if number == MOST / 2 {
            used.answered(&mut client, 20).await;
        }
        let other = Origin::new().await;
        other.answered(&mut client, 1).await;
        others.push(other);
    }
    old.answered(&mut client, 12).await;
    used.answered(&mut client, 21).await;
    event(&mut begun, &format!("data: {}\n\n", result(10))).await;
    begun.write_all(b"0\r\n\r\n").await.unwrap();
    within(streaming.messages.chunk()).await.unwrap();
    assert_eq!(within(streaming.messages.chunk()).await.unwrap(), b"");
    to_come.write_all(&ok("application/json", &result(11))).await.unwrap();
    assert_eq!(waiting.response("POST").await.text(), result(11));

    let records = proxy.records().await;
    let client_of = |id: u64| {
        let [asked, answered] = pair(&records, id);
        assert_eq!((ending(asked).0, ending(answered)), ("request", ("response", "success", "ok")), "{id}");
        asked.text(names::AUDITRAIL_CLIENT_NAME)
    };
    assert_eq!([10, 11].map(client_of), [Some("c"); 2], "begun before");
    assert_eq!(client_of(12), None, "its server was forgotten");
    assert_eq!([20, 21].map(client_of), [Some("c"); 2], "the other one was used since");
}

/// A server whose connections the test serves.
struct Origin {
    listener: TcpListener,
    authority: String,
}

impl Origin {
    async fn new() -> Self {
        let listener = TcpListener::bind(here()).await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        Self { listener, authority }
    }

    /// A connection with a request on it.
    async fn asked(&self, client: &mut Client, id: u64) -> TcpStream {
        client.send(request(&self.authority, &call(id, "echo")).replace("Host:", SESSION)).await;
        let mut stream = accepted(&self.listener).await;
        within(Messages::new(&mut stream).request()).await.unwrap();
        stream
    }

    async fn answered(&self, client: &mut Client, id: u64) {
        let mut stream = self.asked(client, id).await;
        stream.write_all(&closing(&result(id), "")).await.unwrap();
        assert_eq!(client.response("POST").await.text(), result(id));
    }

    async fn initialized(&self, client: &mut Client) {
        let body = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}"#;
        client.send(request(&self.authority, body)).await;
        let mut stream = accepted(&self.listener).await;
        within(Messages::new(&mut stream).request()).await.unwrap();
        let body = r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"}}}"#;
        stream.write_all(&closing(body, "Mcp-Session-Id: s1\r\n")).await.unwrap();
        assert_eq!(client.response("POST").await.status(), 200);
    }
}

fn request(authority: &str, body: &str) -> String {
    let request = String::from_utf8(post(body)).unwrap();
    request.replace("POST /mcp ", &format!("POST http://{authority}/mcp "))
}

/// An answer behind which the server closes, so that each request has a connection of its own.
fn closing(body: &str, fields: &str) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n{fields}");
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn pair(records: &[Record], id: u64) -> [&Record; 2] {
    let id = id.to_string();
    let of_id = records.iter().filter(|record| record.text(names::JSONRPC_REQUEST_ID) == Some(&id));
    let of_id: Vec<_> = of_id.collect();
    of_id.try_into().unwrap_or_else(|records| panic!("no pair for {id}: {records:#?}"))
}

const STREAM: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
