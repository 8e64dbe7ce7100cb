//! What shows only from inside.

use std::time::Duration;

use opentelemetry_proto::tonic::{
    collector::logs::v1::ExportLogsServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    logs::v1::{LogRecord, ResourceLogs, ScopeLogs},
};
use prost::Message;

use super::receiver::Receiver;
use super::request::records;
use crate::serve::proto::TailRequest;
use crate::serve::proto::trail_service_client::TrailServiceClient;
use crate::serve::received::{ReceivedRecord, Weighed};

const LONG: Duration = Duration::from_secs(120);

/// A follower that goes away leaves nothing behind, although nothing is ever sent to it.
#[tokio::test]
async fn a_follower_that_goes_away_is_forgotten() {
    let receiver = Receiver::builder().start().await.unwrap();
    let mut client = TrailServiceClient::connect(receiver.grpc_endpoint().unwrap()).await.unwrap();
    let stream = client.tail(TailRequest { from_position: 0, follow: true }).await.unwrap();
    assert_eq!(receiver.received.readers(), 1);
    drop(stream);
    tokio::time::timeout(LONG, receiver.received.no_readers()).await.unwrap();
}

/// A follower that reads nothing blocks its stream; stopping cuts it, and leaves nothing behind.
#[tokio::test]
async fn a_follower_that_reads_nothing_does_not_outlive_the_receiver() {
    let receiver = Receiver::builder().grace(Duration::ZERO).start().await.unwrap();
    let mut client = TrailServiceClient::connect(receiver.grpc_endpoint().unwrap()).await.unwrap();
    let _unread = client.tail(TailRequest { from_position: 0, follow: true }).await.unwrap();
    let received = receiver.received();
    received.take_records((0..64).map(|_| large_record()).collect());
    assert_eq!(received.readers(), 1);
    tokio::time::timeout(LONG, receiver.shutdown()).await.unwrap();
    tokio::time::timeout(LONG, received.no_readers()).await.unwrap();
}

/// What the builder's documentation says about memory.
#[test]
fn usual_records_fill_the_capacity_before_the_memory() {
    let text = |number: usize| {
        let value = Some(AnyValue { value: Some(Value::StringValue("x".repeat(24))) });
        KeyValue { key: format!("auditrail.attribute.{number:04}"), value, ..KeyValue::default() }
    };
    let attributes = (0..40).map(text).collect();
    let record = LogRecord { attributes, trace_id: vec![1; 16], span_id: vec![1; 8], ..LogRecord::default() };
    let scope_logs = ScopeLogs { log_records: vec![record; 512], ..ScopeLogs::default() };
    let resource_logs = ResourceLogs { scope_logs: vec![scope_logs], ..ResourceLogs::default() };
    let request = ExportLogsServiceRequest { resource_logs: vec![resource_logs] }.encode_to_vec();
    let weight: usize = records(&request, 0).unwrap().iter().map(|taken| taken.weight).sum();
    let of_capacity = weight / 512 * 65_536;
    assert!((300 << 20..512 << 20).contains(&of_capacity), "{of_capacity}");
}

fn large_record() -> Weighed<ReceivedRecord> {
    let record = LogRecord { severity_text: "x".repeat(1 << 20), ..LogRecord::default() };
    let scope_logs = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
    let resource_logs = ResourceLogs { scope_logs: vec![scope_logs], ..ResourceLogs::default() };
    let request = ExportLogsServiceRequest { resource_logs: vec![resource_logs] }.encode_to_vec();
    records(&request, 0).unwrap().remove(0)
}
