//! A trail that verifies tokens, a server behind it on each route, and the receiver of the records.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::identity::jwt::{JwtExtractor, JwtIssuer};
use auditrail::identity::{Extractor, RequestFacts};
use auditrail::record::{Record, names};
use auditrail::serve::Receiver;
use auditrail::trail::TrailBuilder;
use axum::Router;
use http::{HeaderMap, HeaderValue};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower_layer::Layer as _;

use crate::oauth::Expected;
use crate::server::Everything;

/// How calls are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Wrapper,
    Tap,
}

pub(crate) struct Rig {
    pub(crate) trail: Trail,
    pub(crate) extractor: Arc<dyn Extractor>,
    receiver: Receiver,
    address: SocketAddr,
    notices: Arc<Mutex<Vec<String>>>,
    _directory: tempfile::TempDir,
    sent: Mutex<u64>,
}

impl Rig {
    pub(crate) async fn new(route: Route, issuer: JwtIssuer) -> Self {
        Self::with(route, Arc::new(JwtExtractor::new([issuer]).unwrap())).await
    }

    pub(crate) async fn with(route: Route, extractor: Arc<dyn Extractor>) -> Self {
        Self::built(route, extractor, |builder| builder).await
    }

    pub(crate) async fn built(
        route: Route,
        extractor: Arc<dyn Extractor>,
        build: impl FnOnce(TrailBuilder) -> TrailBuilder,
    ) -> Self {
        let receiver = Receiver::builder().start().await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let notices = Arc::<Mutex<Vec<String>>>::default();
        let said = notices.clone();
        let builder = Trail::builder("jwt")
            .environment(Environment::default())
            .directory(directory.path())
            .endpoint(receiver.grpc_endpoint().unwrap())
            .identify(extractor.clone())
            .on_notice(move |notice| said.lock().unwrap().push(notice.text.clone()));
        let trail = build(builder).start().unwrap();
        let address = serve(&trail, route).await;
        Self { trail, extractor, receiver, address, notices, _directory: directory, sent: Mutex::new(0) }
    }

    /// Waits until the extractor gives that token's sender that reason, or none.
    pub(crate) async fn wait_for(&self, token: &str, reason: Option<&str>) {
        let headers = HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            HeaderValue::from_str(&format!("Bearer {token}")).unwrap(),
        )]);
        let mut request = RequestFacts::default();
        request.headers = Some(&headers);
        let wait = async {
            loop {
                let changed = self.extractor.changed().unwrap();
                let actor = self.extractor.extract(&request).unwrap();
                if actor.unverified.map(|reason| reason.as_str()) == reason {
                    return;
                }
                // Some changes come with time alone.
                drop(tokio::time::timeout(Duration::from_millis(20), changed).await);
            }
        };
        tokio::time::timeout(Duration::from_secs(60), wait).await.expect("it changes");
    }

    /// A call with these credentials, and the record of its request.
    pub(crate) async fn call(&self, authorization: &[String]) -> Record {
        let id = {
            let mut sent = self.sent.lock().unwrap();
            *sent += 1;
            *sent
        };
        let answer = tokio::time::timeout(Duration::from_secs(60), post(self.address, id, authorization));
        let answer = answer.await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        self.record(id).await
    }

    pub(crate) async fn call_with(&self, token: &str) -> Record {
        self.call(&[format!("Bearer {token}")]).await
    }

    async fn record(&self, id: u64) -> Record {
        let id = id.to_string();
        let of_call = |record: &Record| {
            record.text(names::JSONRPC_REQUEST_ID) == Some(&id)
                && record.text(names::AUDITRAIL_PHASE) == Some("request")
        };
        self.trail.flush(Duration::from_secs(60)).await.unwrap();
        self.one(of_call)
    }

    /// The one record of those that have arrived.
    pub(crate) fn one(&self, is_it: impl Fn(&Record) -> bool) -> Record {
        let mut found: Vec<_> = self
            .receiver
            .records()
            .iter()
            .map(|received| Record::from_proto(received.record.clone()).unwrap())
            .filter(|record| is_it(record))
            .collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Everything that arrived, as one text.
    pub(crate) fn all(&self) -> String {
        format!("{:?}", self.receiver.records())
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.notices.lock().unwrap().clone()
    }

    pub(crate) async fn wait_until_said(&self, text: &str) {
        for _ in 0..3000 {
            if self.said().iter().any(|said| said.contains(text)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{text:?} is not said: {:?}", self.said());
    }
}

/// Whom a record names, and what it says of the credential.
pub(crate) fn named(record: &Record) -> Expected {
    let text = |name| record.text(name).map(ToOwned::to_owned);
    Expected {
        actor: text(names::AUDIT_ACTOR_ID).unwrap(),
        is_verified: record.get(names::AUDITRAIL_ACTOR_VERIFIED) == Some(&true.into()),
        reason: text(names::AUDITRAIL_ACTOR_UNVERIFIED_REASON),
        claimed: text(names::AUDITRAIL_CLAIMED_ACTOR_ID),
    }
}

async fn serve(trail: &Trail, route: Route) -> SocketAddr {
    let wrapped = trail.clone();
    let router = match route {
        Route::Wrapper => {
            let service: StreamableHttpService<_, LocalSessionManager> = StreamableHttpService::new(
                move || Ok(wrapped.audited(Everything::default())),
                Default::default(),
                StreamableHttpServerConfig::default(),
            );
            Router::new().nest_service("/mcp", service)
        }
        Route::Tap => {
            let service: StreamableHttpService<_, LocalSessionManager> = StreamableHttpService::new(
                move || Ok(Everything::default()),
                Default::default(),
                StreamableHttpServerConfig::default(),
            );
            Router::new().nest_service("/mcp", trail.mcp_layer().layer(service))
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// A call of the tool `ok`, without a session.
async fn post(address: SocketAddr, id: u64, authorization: &[String]) -> String {
    let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"test","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;
    let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"ok",{meta}}}}}"#);
    let mut head =
        format!("POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    head += "content-type: application/json\r\naccept: application/json, text/event-stream\r\n";
    head += "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: ok\r\n";
    for value in authorization {
        head += &format!("authorization: {value}\r\n");
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
