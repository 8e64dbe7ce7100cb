//! Servers on loopback, and clients that send bytes as they are.

use std::net::SocketAddr;
use std::time::Duration;

use auditrail::record::{Record, names};
use axum::Router;
use axum::body::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Far beyond what anything here takes.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// Serves until the runtime of the test ends.
pub(crate) async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router.into_make_service()).await.unwrap() });
    address
}

/// The answer to a request with these lines in its head, head and body; empty if the server closes without one.
pub(crate) async fn ask(address: SocketAddr, line: &str, headers: &[&[u8]], body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request(line, headers, body)).await.unwrap();
    let mut answer = Vec::new();
    // The server may have closed a connection on which something was left.
    drop(tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await.unwrap());
    String::from_utf8(answer).unwrap()
}

pub(crate) fn request(line: &str, headers: &[&[u8]], body: &str) -> Vec<u8> {
    let mut bytes = format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n").into_bytes();
    for header in headers {
        bytes.extend_from_slice(header);
        bytes.extend_from_slice(b"\r\n");
    }
    if !body.is_empty() {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

/// The value of a header of an answer.
pub(crate) fn header(answer: &str, name: &str) -> Option<String> {
    let head = answer.split("\r\n\r\n").next().unwrap();
    head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
}

/// Waits until it is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.expect("it comes to pass");
}

/// `event phase: detail or outcome` of each record.
pub(crate) fn told(records: &[Record]) -> Vec<String> {
    let line = |record: &Record| {
        let text = |name| record.text(name).unwrap_or("-");
        let ending = record.text(names::AUDITRAIL_OUTCOME_DETAIL).unwrap_or(text(names::AUDIT_OUTCOME));
        let event = record.event_name.trim_start_matches("auditrail.");
        format!("{event} {}: {ending}", text(names::AUDITRAIL_PHASE))
    };
    records.iter().map(line).collect()
}

/// A body in two pieces, the second of which comes when the sender is told.
pub(crate) fn pieces(rest: tokio::sync::oneshot::Receiver<()>) -> axum::body::Body {
    axum::body::Body::new(Pieces { first: Some("first,"), rest: Some(rest) })
}

struct Pieces {
    first: Option<&'static str>,
    rest: Option<tokio::sync::oneshot::Receiver<()>>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        use std::future::Future as _;
        use std::task::Poll;

        let frame =
            |text: &'static str| Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(text.as_bytes())))));
        if let Some(first) = self.first.take() {
            return frame(first);
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        match std::pin::Pin::new(rest).poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(_) => {
                self.rest = None;
                frame("second")
            }
        }
    }
}
