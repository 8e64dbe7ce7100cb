//! A proxy between a raw client and a raw server.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::record::Record;
use auditrail::trail::TrailBuilder;
use auditrail_server::proxy::http::{HttpProxy, HttpSettings, Upstream};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::message::{Message, Messages};
use crate::support::Bench;

/// A proxy that runs.
pub(crate) struct Proxy {
    pub(crate) bench: Arc<Bench>,
    pub(crate) address: SocketAddr,
    pub(crate) health: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(crate) async fn before(server: SocketAddr) -> Self {
        Self::with(Arc::new(Bench::new()), reverse(server)).await
    }

    pub(crate) async fn built(server: SocketAddr, build: impl FnOnce(TrailBuilder) -> TrailBuilder) -> Self {
        Self::with(Arc::new(Bench::with(build)), reverse(server)).await
    }

    pub(crate) async fn with(bench: Arc<Bench>, settings: HttpSettings) -> Self {
        let proxy = HttpProxy::bind(settings, &bench.trail).await.unwrap();
        let (address, health) = (proxy.address(), proxy.health_address());
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(proxy.run(async move { drop(stopped.await) }));
        Self { bench, address, health, stop: Some(stop), running: Some(running) }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::to(self.address).await
    }

    /// Asks it to end.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) async fn ended(&mut self) {
        within(self.running.take().unwrap()).await.unwrap();
    }

    /// Ends it, and gives what it recorded.
    pub(crate) async fn records(mut self) -> Vec<Record> {
        self.stop();
        self.ended().await;
        self.bench.records()
    }
}

pub(crate) fn reverse(server: SocketAddr) -> HttpSettings {
    let mut settings = HttpSettings::reverse(here(), Upstream::new(&format!("http://{server}")).unwrap());
    // Tests that leave a stream open wait no longer than this for their end.
    settings.drain = Duration::from_millis(300);
    settings
}

/// Any port of this machine.
pub(crate) fn here() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

pub(crate) struct Client {
    pub(crate) stream: tokio::net::tcp::OwnedWriteHalf,
    pub(crate) messages: Messages<tokio::net::tcp::OwnedReadHalf>,
}

impl Client {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (read, write) = stream.into_split();
        Self { stream: write, messages: Messages::new(read) }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn response(&mut self, method: &str) -> Message {
        within(self.messages.response(method)).await.expect("a response")
    }

    /// A request and its answer.
    pub(crate) async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Message {
        let method = String::from_utf8_lossy(bytes.as_ref()).split(' ').next().unwrap().to_owned();
        self.send(bytes).await;
        self.response(&method).await
    }

    pub(crate) async fn post(&mut self, body: &str) -> Message {
        self.ask(post(body)).await
    }
}

/// What a client of MCP sends.
pub(crate) fn post(body: &str) -> Vec<u8> {
    let fields = "Host: mcp.example\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream";
    format!("POST /mcp HTTP/1.1\r\n{fields}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub(crate) fn call(id: u64, tool: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#)
}

pub(crate) fn result(id: u64) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[]}}}}"#)
}

pub(crate) fn ok(kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A raw server, which keeps what it got.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Message>>>,
}

impl Server {
    /// Answers each request with those bytes.
    pub(crate) async fn answering(answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::writing(answer, |bytes| vec![bytes]).await
    }

    /// The same, in pieces.
    pub(crate) async fn writing(
        answer: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static,
        pieces: impl Fn(Vec<u8>) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(here()).await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, answer, pieces) = (server.seen.clone(), Arc::new(answer), Arc::new(pieces));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                let (seen, answer, pieces) = (seen.clone(), answer.clone(), pieces.clone());
                tokio::spawn(async move {
                    let (read, mut write) = stream.into_split();
                    let mut messages = Messages::new(read);
                    while let Some(request) = messages.request().await {
                        let bytes = answer(&request);
                        seen.lock().unwrap().push(request);
                        let framed = framed(&bytes);
                        for piece in pieces(bytes) {
                            if write.write_all(&piece).await.is_err() {
                                return;
                            }
                        }
                        if !framed {
                            return;
                        }
                    }
                });
            }
        });
        server
    }

    pub(crate) fn seen(&self) -> Vec<Message> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Message {
        self.seen().pop().expect("a request came through")
    }
}

/// Whether the answer says where it ends; otherwise the connection does.
fn framed(answer: &[u8]) -> bool {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    head.contains("content-length:")
        || head.contains("transfer-encoding:")
        || head.contains(" 204 ")
        || head.contains(" 304 ")
}

/// Nothing here takes that long, unless it hangs.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("it does not hang")
}

/// Waits for something that nobody tells of.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), waiting).await.unwrap_or_else(|_| panic!("{what} does not happen"));
}
