//! Records and traces over TLS and mutual TLS, to a collector that insists on it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

#[path = "support/mutual_tls.rs"]
mod mutual_tls;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::record::EventName;
use auditrail::trail::Moment;

use mutual_tls::{Collector, Received, file, records_and_traces_arrive};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_and_traces_go_over_mutual_tls_with_the_certificates_of_the_specification() {
    records_and_traces_arrive("grpc").await;
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
    let each = |protocol| cases.clone().map(|case| (protocol, case));
    for (protocol, (case, ca, client, why)) in ["grpc", "http/protobuf"].into_iter().flat_map(each) {
        let mut environment = vec![
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol.to_owned()),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", ca),
        ];
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
        while said.lock().unwrap().is_empty() {
            assert_eq!(trail.flush(Duration::from_millis(50)).await.unwrap_err().pending, 2, "{case}");
        }
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
        let error =
            Trail::builder("weather").directory("/nowhere").environment(environment).start().unwrap_err().to_string();
        assert!(error.contains(expected), "{variable}: {error}");
        assert!(!error.contains("BEGIN"), "no content of a file is shown");
    }
}
