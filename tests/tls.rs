//! Records and traces over TLS and mutual TLS, to a collector that insists on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::record::EventName;
use auditrail::trail::Moment;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

const LONG: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_and_traces_go_over_mutual_tls_with_the_certificates_of_the_specification() {
    let collector = Collector::start().await;
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", file("ours-ca.pem")),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", file("ours-client.pem")),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", file("ours-client.key")),
    ];
    let directory = tempfile::tempdir().unwrap();
    let trail =
        Trail::builder("weather").directory(directory.path()).environment(Environment::from_iter(environment)).flush_timeout(LONG).start().unwrap();
    let telemetry = trail.install_tracing().unwrap();
    tracing::info_span!("call", mcp.method.name = "tools/call").in_scope(|| ());
    trail.flush(LONG).await.unwrap();
    tokio::task::spawn_blocking(move || drop(telemetry)).await.unwrap();
    assert_eq!(*collector.received.lock().unwrap(), Received { records: 3, spans: 1 });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_does_not_fit_delivers_nothing_and_loses_nothing() {
    let collector = Collector::start().await;
    // In TLS 1.3 the client has finished its handshake before the server looks at its certificate: it may learn no more
    // than that the connection was closed.
    let cases = [
        ("another authority", file("others-ca.pem"), Some("ours"), "UnknownIssuer"),
        ("no client certificate", file("ours-ca.pem"), None, ""),
        ("a client certificate of another authority", file("ours-ca.pem"), Some("others"), ""),
    ];
    for (case, ca, client, why) in cases {
        let mut environment =
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()), ("OTEL_EXPORTER_OTLP_CERTIFICATE", ca)];
        if let Some(client) = client {
            environment.push(("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", file(&format!("{client}-client.pem"))));
            environment.push(("OTEL_EXPORTER_OTLP_CLIENT_KEY", file(&format!("{client}-client.key"))));
        }
        let said = Arc::<Mutex<Vec<String>>>::default();
        let lines = said.clone();
        let directory = tempfile::tempdir().unwrap();
        let trail = Trail::builder("weather")
            .directory(directory.path())
            .environment(Environment::from_iter(environment))
            .flush_timeout(Duration::from_millis(10))
            .on_notice(move |notice| lines.lock().unwrap().push(notice.text.clone()))
            .start()
            .unwrap();
        trail.record(Moment::new(EventName::Context));
        assert_eq!(trail.flush(Duration::from_millis(500)).await.unwrap_err().pending, 2, "{case}");
        let said = said.lock().unwrap()[0].clone();
        assert!(said.contains("does not take audit records") && said.contains(why), "{case}: {said}");
    }
    assert_eq!(*collector.received.lock().unwrap(), Received::default());
}

#[test]
fn a_mistake_in_a_certificate_variable_stops_the_start() {
    let secure = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:4317".to_owned());
    for (variable, value, expected) in [
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", file("nowhere.pem"), "No such file"),
        ("OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", file("ours-client.key"), "has no PEM block of a certificate"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", file("ours-client.pem"), "set OTEL_EXPORTER_OTLP_CLIENT_KEY too"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", file("ours-client.key"), "set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE too"),
    ] {
        let environment = Environment::from_iter([secure.clone(), (variable, value)]);
        let error = Trail::builder("weather").directory("/nowhere").environment(environment).start().unwrap_err().to_string();
        assert!(error.contains(expected), "{variable}: {error}");
        assert!(!error.contains("BEGIN"), "no content of a file is shown");
    }
}

/// A file of `tests/tls`: a certificate or key that one of two authorities signed (made by `tests/tls/make`).
fn file(name: &str) -> String {
    format!("{}/tests/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Received {
    records: usize,
    spans: usize,
}

/// Takes nothing but mutual TLS.
#[derive(Clone)]
struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let collector = Self { address: listener.local_addr().unwrap(), received: Arc::default() };
        let read = |name: &str| std::fs::read(file(name)).unwrap();
        let tls = ServerTlsConfig::new()
            .identity(Identity::from_pem(read("ours-server.pem"), read("ours-server.key")))
            .client_ca_root(Certificate::from_pem(read("ours-ca.pem")));
        let server = Server::builder()
            .tls_config(tls)
            .unwrap()
            .add_service(LogsServiceServer::new(collector.clone()))
            .add_service(TraceServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)));
        collector
    }

    fn endpoint(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let scopes = request.get_ref().resource_logs.iter().flat_map(|resource| &resource.scope_logs);
        self.received.lock().unwrap().records += scopes.map(|scope| scope.log_records.len()).sum::<usize>();
        Ok(Response::new(Default::default()))
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes = request.get_ref().resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        self.received.lock().unwrap().spans += scopes.map(|scope| scope.spans.len()).sum::<usize>();
        Ok(Response::new(Default::default()))
    }
}
