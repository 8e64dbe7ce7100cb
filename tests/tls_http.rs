//! Records and traces over mutual TLS by OTLP/HTTP. A file of its own: a process has one subscriber.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at what it did not expect"
)]

#[path = "support/mutual_tls.rs"]
mod mutual_tls;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_and_traces_go_over_mutual_tls_by_http() {
    mutual_tls::records_and_traces_arrive("http/protobuf").await;
}
