//! An OTLP server that does what servers do on bad days: by gRPC and by HTTP on one port, behind a wire that can be cut.
//!
//! What it *answers* is a script over the records of a request. What the *wire* does to connections is a state that a test
//! sets: connections of before feel it, too.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::post;
use http_body_util::{BodyExt as _, Full};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_stream::StreamExt as _;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Status};

/// An answer, in the words of both protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Take,
    /// Partial success: that many are refused.
    TakeBut(i64),
    /// UNAVAILABLE, 503.
    Unavailable,
    /// RESOURCE_EXHAUSTED with RetryInfo, 429 with Retry-After: whole seconds.
    Later(u64),
    /// INVALID_ARGUMENT, 400.
    Invalid,
    /// UNAUTHENTICATED, 401.
    Unauthenticated,
    /// PERMISSION_DENIED, 403.
    Forbidden,
    /// RESOURCE_EXHAUSTED as grpc-go says it, 413.
    TooLarge,
    /// INTERNAL, 500.
    Internal,
    /// OK with something that is no answer.
    Strange(Strange),
    /// UNAVAILABLE with details that are no base64; 503 with a Retry-After beyond all numbers would wait for minutes, so it
    /// is one that is no number.
    Nonsense,
}

/// What stands in an answer whose status says OK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strange {
    /// The page of a proxy in between.
    WebPage,
    /// A partial success whose message ends too early.
    CutMessage,
    /// A partial success whose connection ends too early.
    CutBody,
    /// More than an answer can be.
    TooLong,
    /// A partial success of another media type.
    OtherType,
}

/// What becomes of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Open,
    /// Nobody listens.
    Refused,
    /// Accepted, then reset.
    Reset,
    /// Accepted, and nothing is ever read or answered; what was open before is half-open.
    BlackHole,
    /// Answers come at one byte a second.
    OneByteASecond,
    /// The server takes the request; the connection is reset before its answer is through.
    ResetOnceTaken,
}

/// One request that arrived whole.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub at: Instant,
    /// `audit.record.id` of each record.
    pub ids: Vec<String>,
    /// `audit.sequence.number` of each record.
    pub numbers: Vec<i64>,
    /// `auditrail.stream.id` of all records.
    pub streams: BTreeSet<String>,
    pub reply: Reply,
}

#[derive(Clone)]
pub struct FaultySink {
    state: Arc<State>,
    address: SocketAddr,
    scheme: &'static str,
}

type Script = Box<dyn FnMut(&[String], usize) -> Reply + Send>;

struct State {
    script: Mutex<Script>,
    arrived: Mutex<Vec<Arrived>>,
    taken: AtomicUsize,
    /// What was taken as a whole.
    records: Mutex<Vec<LogRecord>>,
    wire: watch::Sender<Wire>,
}

impl FaultySink {
    /// The script is asked with the record ids of a request and how many requests arrived before.
    pub async fn start(wire: Wire, script: impl FnMut(&[String], usize) -> Reply + Send + 'static) -> Self {
        Self::serve(Server::builder(), "http", wire, script).await
    }

    /// With a server certificate of `tests/tls`.
    pub async fn start_secured(name: &str) -> Self {
        let read = |end: &str| std::fs::read(format!("{}/tests/tls/{name}.{end}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(read("pem"), read("key")));
        let server = Server::builder().tls_config(tls).unwrap();
        Self::serve(server, "https", Wire::Open, |_, _| Reply::Take).await
    }

    async fn serve(
        server: Server,
        scheme: &'static str,
        wire: Wire,
        script: impl FnMut(&[String], usize) -> Reply + Send + 'static,
    ) -> Self {
        let state = Arc::new(State {
            script: Mutex::new(Box::new(script)),
            arrived: Mutex::default(),
            taken: AtomicUsize::new(0),
            records: Mutex::default(),
            wire: watch::Sender::new(wire),
        });
        let behind = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = behind.local_addr().unwrap();
        let grpc = LogsServiceServer::new(Service(state.clone()));
        let http = state.clone();
        let routes = Routes::new(grpc)
            .into_axum_router()
            .route("/v1/logs", post(move |body: Bytes| async move { over_http(&http, &body) }))
            .fallback(async || StatusCode::NOT_FOUND)
            .layer(axum::middleware::map_response(raw_grpc));
        let server = { server }.accept_http1(true).add_routes(Routes::from(routes));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(behind)));

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(listen(listener, upstream, state.clone()));
        Self { state, address, scheme }
    }

    pub fn endpoint(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.address.port())
    }

    pub fn set_wire(&self, wire: Wire) {
        self.state.wire.send_replace(wire);
    }

    pub fn arrived(&self) -> Vec<Arrived> {
        self.state.arrived.lock().unwrap().clone()
    }

    /// The records of all requests that were taken as a whole.
    pub fn records(&self) -> Vec<LogRecord> {
        self.state.records.lock().unwrap().clone()
    }

    /// The records that were taken in which an attribute has that text.
    pub fn texts(&self, key: &str, text: &str) -> Vec<LogRecord> {
        let is = |record: &LogRecord| {
            let attribute = record.attributes.iter().find(|attribute| attribute.key == key);
            let value = attribute.and_then(|attribute| attribute.value.clone()?.value);
            value == Some(Value::StringValue(text.to_owned()))
        };
        self.state.records.lock().unwrap().iter().filter(|record| is(record)).cloned().collect()
    }

    /// The ids of all records that were taken, and refused ones of a partial success.
    pub fn taken(&self) -> Vec<String> {
        let taken = |arrived: &Arrived| matches!(arrived.reply, Reply::Take | Reply::TakeBut(_));
        self.arrived().into_iter().filter(taken).flat_map(|arrived| arrived.ids).collect()
    }
}

impl State {
    fn reply(&self, request: ExportLogsServiceRequest) -> Reply {
        let scopes = request.resource_logs.into_iter().flat_map(|resource| resource.scope_logs);
        let records: Vec<LogRecord> = scopes.flat_map(|scope| scope.log_records).collect();
        let texts = |key| records.iter().map(move |record| text(record, key)).collect::<Vec<_>>();
        let ids = texts("audit.record.id");
        let nth = self.arrived.lock().unwrap().len();
        let reply = (self.script.lock().unwrap())(&ids, nth);
        let streams = texts("auditrail.stream.id").into_iter().collect();
        let numbers = records.iter().map(|record| number(record, "audit.sequence.number")).collect();
        self.arrived.lock().unwrap().push(Arrived { at: Instant::now(), ids, numbers, streams, reply });
        self.taken.fetch_add(1, Ordering::SeqCst);
        if reply == Reply::Take {
            self.records.lock().unwrap().extend(records);
        }
        reply
    }
}

fn text(record: &LogRecord, key: &str) -> String {
    match value(record, key) {
        Value::StringValue(text) => text.clone(),
        other => panic!("{key} is {other:?}"),
    }
}

pub fn number(record: &LogRecord, key: &str) -> i64 {
    match value(record, key) {
        Value::IntValue(number) => *number,
        other => panic!("{key} is {other:?}"),
    }
}

fn value<'a>(record: &'a LogRecord, key: &str) -> &'a Value {
    let attribute =
        record.attributes.iter().find(|attribute| attribute.key == key).unwrap_or_else(|| panic!("no {key}"));
    attribute.value.as_ref().unwrap().value.as_ref().unwrap()
}

struct Service(Arc<State>);

#[tonic::async_trait]
impl LogsService for Service {
    async fn export(
        &self,
        request: tonic::Request<ExportLogsServiceRequest>,
    ) -> Result<tonic::Response<ExportLogsServiceResponse>, Status> {
        Err(match self.0.reply(request.into_inner()) {
            Reply::Take => return Ok(tonic::Response::new(partial(0))),
            Reply::TakeBut(refused) => return Ok(tonic::Response::new(partial(refused))),
            Reply::Unavailable => Status::unavailable("away"),
            Reply::Later(seconds) => Status::with_details(Code::ResourceExhausted, "later", retry_info(seconds).into()),
            Reply::Invalid => Status::invalid_argument("a record is malformed"),
            Reply::Unauthenticated => Status::unauthenticated("who are you"),
            Reply::Forbidden => Status::permission_denied("not you"),
            Reply::TooLarge => Status::resource_exhausted("grpc: received message larger than max (5 vs. 4)"),
            Reply::Internal => Status::internal("a pipeline broke"),
            raw @ (Reply::Strange(_) | Reply::Nonsense) => {
                let mut response = tonic::Response::new(partial(0));
                response.extensions_mut().insert(raw);
                return Ok(response);
            }
        })
    }
}

fn over_http(state: &State, body: &Bytes) -> Response {
    let Ok(request) = ExportLogsServiceRequest::decode(body.clone()) else {
        return (StatusCode::BAD_REQUEST, "no protobuf").into_response();
    };
    match state.reply(request) {
        Reply::Take => protobuf(partial(0).encode_to_vec()).into_response(),
        Reply::TakeBut(refused) => protobuf(partial(refused).encode_to_vec()).into_response(),
        Reply::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Reply::Later(seconds) => (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds.to_string())]).into_response(),
        Reply::Invalid => StatusCode::BAD_REQUEST.into_response(),
        Reply::Unauthenticated => StatusCode::UNAUTHORIZED.into_response(),
        Reply::Forbidden => StatusCode::FORBIDDEN.into_response(),
        Reply::TooLarge => StatusCode::PAYLOAD_TOO_LARGE.into_response(),
        Reply::Internal => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Reply::Nonsense => (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "-\u{b2}".to_owned())]).into_response(),
        Reply::Strange(what) => strange_over_http(what),
    }
}

fn protobuf(body: Vec<u8>) -> ([(HeaderName, &'static str); 1], Vec<u8>) {
    ([(CONTENT_TYPE, "application/x-protobuf")], body)
}

fn strange_over_http(what: Strange) -> Response {
    let mut body = partial(3).encode_to_vec();
    match what {
        Strange::WebPage => Html("<html><body>Log in</body></html>").into_response(),
        Strange::OtherType => ([(CONTENT_TYPE, "application/octet-stream")], body).into_response(),
        Strange::CutMessage => {
            body.pop();
            protobuf(body).into_response()
        }
        Strange::TooLong => protobuf(long_answer()).into_response(),
        Strange::CutBody => {
            // Between them, what was written goes out.
            let parts = [Ok(Bytes::from(body)), Err(std::io::Error::other("the connection is cut"))];
            let parts = tokio_stream::iter(parts).then(async |part| {
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                part
            });
            let head = [(CONTENT_TYPE, "application/x-protobuf".to_owned()), (CONTENT_LENGTH, "100".to_owned())];
            (head, Body::from_stream(parts)).into_response()
        }
    }
}

/// A sound partial success with a text of two hundred thousand bytes.
fn long_answer() -> Vec<u8> {
    let error_message = "x".repeat(200_000);
    let partial = ExportLogsPartialSuccess { rejected_log_records: 3, error_message };
    ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec()
}

/// What the service cannot say by itself takes the place of its answer.
async fn raw_grpc(response: Response) -> Response {
    let frame =
        |length: usize, message: &[u8]| [&[0][..], &u32::try_from(length).unwrap().to_be_bytes(), message].concat();
    let whole = partial(3).encode_to_vec();
    let cut = &whole[..whole.len() - 1];
    let body = match response.extensions().get::<Reply>() {
        Some(Reply::Nonsense) => {
            let head = [
                (CONTENT_TYPE, "application/grpc"),
                (HeaderName::from_static("grpc-status"), "14"),
                (HeaderName::from_static("grpc-status-details-bin"), "!nobase64"),
            ];
            return head.into_response();
        }
        Some(Reply::Strange(Strange::WebPage)) => return Html("<html><body>Log in</body></html>").into_response(),
        Some(Reply::Strange(Strange::OtherType)) => return ([(CONTENT_TYPE, "text/plain")], "OK").into_response(),
        Some(Reply::Strange(Strange::CutMessage)) => frame(cut.len(), cut),
        Some(Reply::Strange(Strange::CutBody)) => frame(whole.len(), cut),
        Some(Reply::Strange(Strange::TooLong)) => frame(long_answer().len(), &long_answer()),
        _ => return response,
    };
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let body = Full::new(Bytes::from(body)).with_trailers(async move { Some(Ok(trailers)) });
    ([(CONTENT_TYPE, "application/grpc")], Body::new(body)).into_response()
}

fn partial(refused: i64) -> ExportLogsServiceResponse {
    let partial = ExportLogsPartialSuccess { rejected_log_records: refused, error_message: String::new() };
    ExportLogsServiceResponse { partial_success: (refused > 0).then_some(partial) }
}

/// A `google.rpc.Status` with a `google.rpc.RetryInfo`, by hand: fields 3 (details), 1 (type), 2 (value), 1 (delay), 1
/// (seconds), all lengths and values below 128.
fn retry_info(seconds: u64) -> Vec<u8> {
    let field = |key: u8, content: &[u8]| [&[key, u8::try_from(content.len()).unwrap()], content].concat();
    let delay = [0x08, u8::try_from(seconds).unwrap()];
    let url = field(0x0a, b"type.googleapis.com/google.rpc.RetryInfo");
    field(0x1a, &[url, field(0x12, &field(0x0a, &delay))].concat())
}

/// The front: accepts on one port for as long as the sink lives, whatever becomes of the connections.
async fn listen(listener: TcpListener, upstream: SocketAddr, state: Arc<State>) {
    let address = listener.local_addr().unwrap();
    let mut listener = Some(listener);
    let mut wire = state.wire.subscribe();
    loop {
        let now = *wire.borrow_and_update();
        if now == Wire::Refused {
            listener = None;
            wire.changed().await.unwrap();
            continue;
        }
        if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.unwrap());
        }
        tokio::select! {
            client = listener.as_ref().unwrap().accept() => {
                tokio::spawn(carry(client.unwrap().0, upstream, state.clone()));
            }
            changed = wire.changed() => changed.unwrap(),
        }
    }
}

async fn carry(mut client: TcpStream, upstream: SocketAddr, state: Arc<State>) {
    let mut wire = state.wire.subscribe();
    let taken = state.taken.load(Ordering::SeqCst);
    let mut server = TcpStream::connect(upstream).await.unwrap();
    let (mut asked, mut answered) = ([0; 4096], [0; 4096]);
    loop {
        let now = *wire.borrow_and_update();
        match now {
            Wire::Refused | Wire::Reset => return reset(&client),
            // It stays half-open, also when the wire is mended: nobody told its ends.
            Wire::BlackHole => return std::future::pending().await,
            Wire::Open | Wire::OneByteASecond | Wire::ResetOnceTaken => {}
        }
        tokio::select! {
            read = client.read(&mut asked) => match read {
                Ok(length) if length > 0 => drop(server.write_all(&asked[..length]).await),
                _ => return,
            },
            read = server.read(&mut answered) => {
                if now == Wire::ResetOnceTaken && state.taken.load(Ordering::SeqCst) > taken {
                    return reset(&client);
                }
                match read {
                    Ok(length) if length > 0 && now == Wire::OneByteASecond => {
                        for byte in &answered[..length] {
                            drop(client.write_all(&[*byte]).await);
                            tokio::time::sleep(Duration::from_secs(1)).await;
                        }
                    }
                    Ok(length) if length > 0 => drop(client.write_all(&answered[..length]).await),
                    _ => return,
                }
            }
            _ = wire.changed() => {}
        }
    }
}

fn reset(client: &TcpStream) {
    client.set_zero_linger().unwrap();
}
