//! A collector that insists on mutual TLS, and a trail that comes with the right certificates.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;
use tonic::service::Routes;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

/// A file of `tests/tls`: a certificate or key that one of two authorities signed (made by `tests/tls/make`).
pub(crate) fn file(name: &str) -> String {
    format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) records: usize,
    pub(crate) spans: usize,
}

/// Takes nothing but mutual TLS, by gRPC and HTTP.
#[derive(Clone)]
pub(crate) struct Collector {
    address: SocketAddr,
    pub(crate) received: Arc<Mutex<Received>>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self { address: listener.local_addr().unwrap(), received: Arc::default() };
        let read = |name: &str| std::fs::read(file(name)).unwrap();
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(read("ours-server.pem"), read("ours-server.key")))
            .client_ca_root(Certificate::from_pem(read("ours-ca.pem")));
        let (logs, traces) = (collector.clone(), collector.clone());
        let routes = Routes::new(LogsServiceServer::new(collector.clone()))
            .add_service(TraceServiceServer::new(collector.clone()))
            .into_axum_router()
            .route("/v1/logs", post(move |body: Bytes| async move { logs.take_logs(&Message::decode(body).unwrap()) }))
            .route(
                "/v1/traces",
                post(move |body: Bytes| async move { traces.take_spans(&Message::decode(body).unwrap()) }),
            );
        let server = Server::builder().tls_config(tls).unwrap().accept_http1(true).add_routes(Routes::from(routes));
        tokio::spawn(server.serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)));
        collector
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    fn take_logs(&self, request: &ExportLogsServiceRequest) {
        let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        self.received.lock().unwrap().records += scopes.map(|scope| scope.log_records.len()).sum::<usize>();
    }

    fn take_spans(&self, request: &ExportTraceServiceRequest) {
        let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        self.received.lock().unwrap().spans += scopes.map(|scope| scope.spans.len()).sum::<usize>();
    }
}

/// Installs the process's subscriber, so that it can be called once.
pub(crate) async fn records_and_traces_arrive(protocol: &str) {
    let collector = Collector::start().await;
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", file("ours-ca.pem")),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", file("ours-client.pem")),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", file("ours-client.key")),
    ];
    let directory = tempfile::tempdir().unwrap();
    let trail = Trail::builder("weather")
        .directory(directory.path())
        .environment(Environment::from_iter(environment))
        .flush_timeout(LONG)
        .start()
        .unwrap();
    let telemetry = trail.install_tracing().unwrap();
    tracing::info_span!("call", mcp.method.name = "tools/call").in_scope(|| ());
    trail.flush(LONG).await.unwrap();
    tokio::task::spawn_blocking(move || drop(telemetry)).await.unwrap();
    assert_eq!(*collector.received.lock().unwrap(), Received { records: 3, spans: 1 });
}

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.take_logs(request.get_ref());
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take_spans(request.get_ref());
        Ok(Response::new(Default::default()))
    }
}

const LONG: Duration = Duration::from_secs(120);
